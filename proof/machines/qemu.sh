#!/bin/sh
# Runs a machine for at most SECONDS, with the kernel in the current folder, and as initramfs the folder root or, if
# there is none, the file initramfs. $append is added to the kernel's command line. The console is printed to stdout.
# Usage: qemu.sh SECONDS CONSOLE QEMU [ARGUMENT...]
set -eu
seconds=$1 console=$2
shift 2
[ ! -d root ] || (cd root && find . | busybox cpio -o -H newc 2>/dev/null) >initramfs
exec timeout --foreground "$seconds" "$@" -nographic -net none -no-reboot -kernel kernel -initrd initramfs \
    -append "console=$console quiet panic=-1 ${append-}" </dev/null
