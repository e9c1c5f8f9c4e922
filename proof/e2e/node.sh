#!/bin/sh
# Makes an isolated node, which pause holds: $1 is its root folder, $2 the pause. The folders of engines and the network
# are empty. Runs as PID 1 of a PID namespace, or in that of the machine; then the machine's systemd also serves this
# node.
set -eu
project=$(cd "$(dirname "$0")/../.." && pwd)
node=$(mktemp -d)
if [ $$ = 1 ]; then
    mount --rbind "$1" "$node"
else # another root folder, because by it the installer tells this node's engines from those of the machine
    mount -t tmpfs tmpfs "$node"
    mkdir "$node/upper" "$node/work"
    mount -t overlay -o "lowerdir=$1,upperdir=$node/upper,workdir=$node/work" overlay "$node"
fi
for folder in dev sys; do
    mount --rbind "/$folder" "$node/$folder"
done
mount -t proc proc "$node/proc"
mount -t tmpfs -o mode=1777 tmpfs "$node/dev/shm" # where two Podmans that start at once would meet
for folder in etc/cni etc/containerd etc/containers/containers.conf.d etc/docker etc/rancher etc/systemd/system opt \
    run tmp usr/local/bin var/lib/cni var/lib/containerd var/lib/containers var/lib/docker var/lib/rancher; do
    mkdir -p "$node/$folder"
    mount -t tmpfs -o mode=0755 tmpfs "$node/$folder"
done
chmod 1777 "$node/tmp"
mkdir -p "$node$project" # may lie below one of these folders
mount --rbind "$project" "$node$project"
mount -o remount,bind,ro "$node$project"
for folder in run/systemd run/dbus; do
    [ $$ = 1 ] || [ ! -d "/$folder" ] || { mkdir -p "$node/$folder" && mount --rbind "/$folder" "$node/$folder"; }
done
cp "$2" "$node/run/pause"
mkdir "$node/etc/cni/net.d"
cat >"$node/etc/cni/net.d/bridge.conflist" <<END
{ "cniVersion": "0.4.0", "name": "bridge", "plugins": [{
    "type": "bridge", "bridge": "cni0", "isGateway": true,
    "ipam": { "type": "host-local", "ranges": [[{ "subnet": "10.88.0.0/16" }]], "routes": [{ "dst": "0.0.0.0/0" }] }
}] }
END
ip link set lo up
cd "$node"
busybox pivot_root . .
umount -l .
exec /run/pause
