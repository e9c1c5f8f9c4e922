#!/bin/sh
# Makes target/node/{disk,kernel,initramfs}: a machine of the newest Debian that the archive delivers, with systemd, its
# newest kernel and the engines that the tests run, for proof/machines/node.sh. This takes three minutes, once: they are
# links to files that all clones on this machine share.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=proof/packages/debian.sh
program="a modern node" && . proof/packages/debian.sh
node=$PWD/target/node
forget node

# The machine contains what `make e2e` installs here, what Debian 12 lacks, a kernel and an init. Ansible depends on
# python3-cffi-backend under a virtual name, which debootstrap does not resolve.
packages=$(
    sed -E 's/ #.*//; /^$|^#/d; s/^[^ ]+ +//' proof/packages/e2e.list
    echo aardvark-dns ca-certificates dbus e2fsprogs iproute2 iputils-ping kmod linux-image-amd64 nftables
    echo passt python3-cffi-backend runsc systemd systemd-sysv udev
)
packages=$(echo "$packages" | tr ' ' '\n' | sort -u | paste -sd ,)
# If one of these files changes, the machine is built again.
made_of=$(cat proof/packages/node-disk.sh proof/packages/e2e.list proof/machines/node.service | sha256sum)
made=$kept/node-$(echo "$made_of" | cut -c -16)
mkdir -p "$node"
rm -f "$node/disk"
lock node # another run waits, and finds what this one made

finish() {
    ln -sf "$made/disk" "$made/kernel" "$made/initramfs" "$node/"
    exit 0
}
[ ! -d "$made" ] || finish
[ "$(id -u)" = 0 ] || cannot_be_had "debootstrap needs root"

make_root() {
    rm -rf "$made.root"
    # Expired lists are used too, because a mirror may be late.
    # shellcheck disable=SC2046 # if there is no archive, debootstrap uses Debian's own
    debootstrap --force-check-gpg --variant=minbase --include="$packages" --cache-dir="$made.debs" \
        "$1" "$made.root" $(archives | head -n 1) "/usr/share/debootstrap/scripts/sid" >"$node/log" 2>&1
}

make_disk() {
    root=$made.root
    mkdir "$made.part"
    mv "$root"/boot/vmlinuz-* "$made.part/kernel"
    mv "$root"/boot/initrd.img-* "$made.part/initramfs"
    cp proof/machines/node.service "$root/etc/systemd/system/"
    ln -s ../node.service "$root/etc/systemd/system/multi-user.target.wants/"
    # The tests start the engines themselves, as on other machines.
    for unit in containerd docker docker-registry nginx podman; do
        rm -f "$root"/etc/systemd/system/*.wants/"$unit".*
    done
    echo node >"$root/etc/hostname"
    echo 127.0.0.1 localhost node >"$root/etc/hosts"
    rm -rf "$root"/var/cache/apt "$root"/var/lib/apt/lists
    mke2fs -q -t ext4 -d "$root" -L node "$made.part/disk" 6G
    mv "$made.part" "$made"
    rm -rf "$root" "$made.debs"
}

rm -rf "$kept"/node-*.root "$kept"/node-*.part # of a run that was interrupted
mkdir -p "$made.debs"
why=
for release in sid testing; do
    if retry make_root "$release"; then
        make_disk
        finish
    fi
    why="$why${why:+; }$release: $(grep -m 1 '^E: ' "$node/log" || tail -n 1 "$node/log")"
done
not_fetched node "$why"
