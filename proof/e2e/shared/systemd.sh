#!/bin/sh
# Boots an isolated host from this machine's system, with systemd as PID 1 and cgroups v2. systemd starts
# host.target. What the host writes stays in the directory $1, as on a disk. Runs as PID 1 of a PID namespace.
set -eu
disk=$1
# In the same cgroup, the systemds of two hosts would end each other's services. The tests' cgroup cannot pass on
# controllers, because it contains processes.
echo 0 >"$(mktemp -d "$(findmnt -nr -t cgroup2 -o TARGET | head -n 1)/host-XXXXXX")/cgroup.procs"
folders=$(cat "$(dirname "$0")/engine-folders")
host=$(mktemp -d)
mkdir -p "$disk/upper" "$disk/work"
mount -t overlay -o "lowerdir=/,upperdir=$disk/upper,workdir=$disk/work" overlay "$host"
cd "$host"
mount -t proc proc proc
mount --bind proc/sys proc/sys # read-only, because these settings are this machine's
mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro sysfs sys
mount -t tmpfs -o mode=0755 tmpfs dev
for device in full kmsg null random tty urandom zero; do
    : >"dev/$device"
    mount --bind "/dev/$device" "dev/$device"
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s /proc/self/fd dev/fd
# Directories in which engines and systemd must not find anything of this machine.
for folder in /etc/systemd/system $folders; do
    mkdir -p "$disk$folder" "$host$folder"
    mount --bind "$disk$folder" "$host$folder"
done
for folder in run tmp; do
    mount -t tmpfs -o mode=0755 tmpfs "$folder"
done
while read -r name value; do # or the kubelet, which wants these settings, cannot start
    echo "$value" >"run/${name##*/}"
    mount --bind "run/${name##*/}" "proc/sys/$name"
done <"$(dirname "$0")/kubelet-settings"
: >etc/machine-id
busybox pivot_root . mnt
umount -l mnt
export container=oci # tells systemd that it runs in a container
exec unshare --cgroup sh -c 'mount -t cgroup2 cgroup2 /sys/fs/cgroup
exec /lib/systemd/systemd --unit=host.target --log-target=null' </dev/null >/dev/null 2>&1
