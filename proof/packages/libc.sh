#!/bin/sh
# Fetches Debian's libc of ppc64le and s390x, to be linked statically with programs of Rust's for these, into
# target/libc/TRIPLE. It is kept. If it cannot be had, it is `not fetched`.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=proof/packages/debian.sh
program="a libc" && . proof/packages/debian.sh
forget libc
[ ! -e target/libc/s390x-linux-gnu ] || exit 0
rm -rf target/libc
mkdir -p target/libc/part
cd target/libc/part
prepare_apt
use_release bookworm deb
packages=$(for arch in ppc64el s390x; do echo "libc6-dev-$arch-cross libgcc-12-dev-$arch-cross"; done)
# shellcheck disable=SC2086 # a list of words
{ apt_own apt-get update && apt_own apt-get download $packages; } 2>apt/log ||
    { not_fetched libc "$(reason <apt/log)" && exit 0; }
for deb in *.deb; do
    dpkg-deb --extract "$deb" all
done
for triple in powerpc64le-linux-gnu s390x-linux-gnu; do
    mkdir "../$triple"
    mv "all/usr/$triple/lib/"*.[ao] "all/usr/lib/gcc-cross/$triple/12/"libgcc*.a "../$triple"
done
cd .. && rm -rf part
