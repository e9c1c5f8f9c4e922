#!/bin/sh
# Fetches Debian's libc for ppc64le into target/libc, to link Rust programs statically, and keeps it. A failure is
# recorded as not fetched.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=proof/packages/debian.sh
program="a libc" && . proof/packages/debian.sh
forget libc
[ ! -e target/libc ] || exit 0
rm -rf target/libc.part
mkdir -p target/libc.part
cd target/libc.part
prepare_apt
use_release bookworm deb
{ apt_own apt-get update && apt_own apt-get download libc6-dev-ppc64el-cross libgcc-12-dev-ppc64el-cross; } 2>apt/log ||
    { not_fetched libc "$(reason <apt/log)" && exit 0; }
for deb in *.deb; do
    dpkg-deb --extract "$deb" all
done
mkdir libc
mv all/usr/powerpc64le-linux-gnu/lib/*.[ao] all/usr/lib/gcc-cross/powerpc64le-linux-gnu/12/libgcc*.a libc
mv libc .. && rm -rf ../libc.part
