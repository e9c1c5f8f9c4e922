#!/bin/sh
# Boots a node of its own, with systemd as PID 1 and control groups v2: this machine's system, and what is written to it
# stays in folder $1, as on a disk. node.target is what it starts. Runs as PID 1 of a PID namespace.
set -eu
disk=$1
node=$(mktemp -d)
mkdir -p "$disk/upper" "$disk/work"
mount -t overlay -o "lowerdir=/,upperdir=$disk/upper,workdir=$disk/work" overlay "$node"
cd "$node"
mount -t proc proc proc
mount --bind proc/sys proc/sys # this machine's settings
mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=0755 tmpfs dev
for device in full null random tty urandom zero; do
    : >"dev/$device"
    mount --bind "/dev/$device" "dev/$device"
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s /proc/self/fd dev/fd
# Where engines and systemd find nothing of this machine's own.
for folder in etc/containerd etc/docker etc/systemd/system var/lib/containerd var/lib/containers var/lib/docker; do
    mkdir -p "$disk/$folder" "$folder"
    mount --bind "$disk/$folder" "$folder"
done
for folder in run tmp; do
    mount -t tmpfs -o mode=0755 tmpfs "$folder"
done
: >etc/machine-id
busybox pivot_root . mnt
umount -l mnt
export container=oci # for systemd: leave the machine alone
exec /lib/systemd/systemd --unit=node.target --log-target=null </dev/null >/dev/null 2>&1
