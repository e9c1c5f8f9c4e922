#!/bin/sh
# Installs QEMU, as root on Debian, and fetches the kernels of kernels/machines: 600 MB, of which 250 MB stay.
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=tests/need.sh
. tests/need.sh
need busybox busybox-static
need qemu-system-aarch64 qemu-system-arm
need qemu-system-ppc64 qemu-system-ppc
need qemu-system-s390x qemu-system-misc
need qemu-system-x86_64 qemu-system-x86
install_missing || { echo "install (Debian's names):$missing" >&2; exit 1; }

awk '!/^#/ { print $2, $3 }' kernels/machines | kernels/fetch.sh
