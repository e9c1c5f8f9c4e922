#!/bin/sh
# Makes an isolated host, which pause holds: $1 is its root directory, $2 the pause. The engines' directories and the
# network are empty. Runs as PID 1 of a PID namespace, or in the machine's; then the machine's systemd also serves this
# host.
set -eu
project=$(cd "$(dirname "$0")/../../.." && pwd)
folders=$(cat "$project/proof/e2e/shared/engine-folders")
host=$(mktemp -d)
if [ $$ = 1 ] && [ "$1" = / ]; then
    mount --rbind / "$host"
else # so that nothing is written to $1, and the root directory tells the installer which engines are this host's
    mount -t tmpfs tmpfs "$host"
    mkdir "$host/upper" "$host/work"
    mount -t overlay -o "lowerdir=$1,upperdir=$host/upper,workdir=$host/work" overlay "$host"
fi
for folder in dev sys; do
    mount --rbind "/$folder" "$host/$folder"
done
mount -t proc proc "$host/proc"
mount -t tmpfs -o mode=1777 tmpfs "$host/dev/shm" # where two Podmans that start at once would collide
for folder in /etc/systemd/system /opt /run /tmp /usr/local/bin $folders; do
    mkdir -p "$host$folder"
    mount -t tmpfs -o mode=0755 tmpfs "$host$folder"
done
chmod 1777 "$host/tmp"
mkdir -p "$host$project" # may be in one of these directories
mount --rbind "$project" "$host$project"
mount -o remount,bind,ro "$host$project"
for folder in run/systemd run/dbus; do
    [ $$ = 1 ] || [ ! -d "/$folder" ] || { mkdir -p "$host/$folder" && mount --rbind "/$folder" "$host/$folder"; }
done
cp "$2" "$host/run/pause"
mkdir "$host/etc/cni/net.d"
cat >"$host/etc/cni/net.d/bridge.conflist" <<END
{ "cniVersion": "0.4.0", "name": "bridge", "plugins": [{
    "type": "bridge", "bridge": "cni0", "isGateway": true,
    "ipam": { "type": "host-local", "ranges": [[{ "subnet": "10.88.0.0/16" }]], "routes": [{ "dst": "0.0.0.0/0" }] }
}] }
END
ip link set lo up
cd "$host"
busybox pivot_root . .
umount -l .
exec /run/pause
