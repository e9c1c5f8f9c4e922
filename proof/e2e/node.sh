#!/bin/sh
# Runs containerd with the configuration $2 on a node of its own: folder $1 is its root; the folders that engines fill,
# and the network, are empty. What containerd says is in /run/containerd.log there.
set -eu
node=$(mktemp -d)
mount --rbind "$1" "$node"
for folder in dev proc sys; do
    mount --rbind "/$folder" "$node/$folder"
done
for folder in etc/cni etc/containerd run tmp var/lib/cni var/lib/containerd; do
    mkdir -p "$node/$folder"
    mount -t tmpfs -o mode=0755 tmpfs "$node/$folder"
done
cp "$2" "$node/etc/containerd/config.toml"
mkdir "$node/etc/cni/net.d"
cat >"$node/etc/cni/net.d/bridge.conflist" <<END
{ "cniVersion": "0.4.0", "name": "bridge", "plugins": [{
    "type": "bridge", "bridge": "cni0", "isGateway": true,
    "ipam": { "type": "host-local", "ranges": [[{ "subnet": "10.88.0.0/16" }]], "routes": [{ "dst": "0.0.0.0/0" }] }
}] }
END
for other in "$node"/usr/bin/docker "$node"/usr/local/bin/docker "$node"/usr/bin/podman; do # engines of other nodes
    [ ! -f "$other" ] || mount --bind /dev/null "$other"
done
ip link set lo up
cd "$node"
pivot_root . .
umount -l .
exec containerd >/run/containerd.log 2>&1
