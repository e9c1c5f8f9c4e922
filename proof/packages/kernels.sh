#!/bin/sh
# Installs QEMU, as root on Debian, and fetches the kernels of proof/machines/machines, each with a busybox, into
# target/kernels/: 600 MB, of which 250 MB stay.
set -eu
cd "$(dirname "$0")/../.."
release=trixie # the first that has riscv64

. /etc/os-release
if [ "$ID" != debian ]; then
    echo "SKIPPED: kernels of other architectures come from the archive of a Debian machine" >&2
    exit 0 # also in CI
fi

proof/packages/install.sh kernels

# shellcheck source=proof/packages/debian.sh
program="kernels of other architectures" && . proof/packages/debian.sh
mkdir -p target/kernels
cd target/kernels
! cmp -s ../../proof/machines/machines fetched || exit 0
rm -f fetched

prepare_apt
use_release "$release"

machines() { grep -v '^#' ../../proof/machines/machines; }
foreign() { apt -o APT::Architectures="$(machines | awk '{ print $2 }' | sort -u | paste -sd,)" "$@"; }
foreign_download() {
    # shellcheck disable=SC2046 # a list of words
    foreign download $(cat)
}
foreign -o APT::Update::Error-Mode=any update || skipped "the archive cannot be reached"
machines | awk '{ print $3 ":" $2; print "busybox-static:" $2 }' | sort -u | foreign_download
machines | while read -r _ arch package _; do echo "$(kernel "$package" "$arch"):$arch"; done | foreign_download
unpack() { dpkg-deb --fsys-tarfile "$1" | tar -xO --wildcards "$2"; }
machines | while read -r _ arch package _; do
    mkdir -p "$package"
    unpack "$(kernel "$package" "$arch")"_*_"$arch".deb './boot/vmlinu*' >"$package/kernel"
    unpack busybox-static_*_"$arch".deb './usr/bin/busybox' >"$package/busybox"
done
cp ../../proof/machines/machines fetched
rm -rf ./*.deb apt
