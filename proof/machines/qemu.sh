#!/bin/sh
# Boots a machine for at most SECONDS: the current folder's kernel, with its folder root in memory or, where there is
# none, its file initramfs. $append goes to the kernel too. What comes on the console goes to stdout.
set -eu
seconds=$1 console=$2
shift 2 # QEMU [ARGUMENT...]
[ ! -d root ] || (cd root && find . | busybox cpio -o -H newc 2>/dev/null) >initramfs
exec timeout --foreground "$seconds" "$@" -nographic -net none -no-reboot -kernel kernel -initrd initramfs \
    -append "console=$console quiet panic=-1 ${append-}" </dev/null
