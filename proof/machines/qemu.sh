#!/bin/sh
# Runs a machine for at most SECONDS, with the kernel in the current directory, and as initramfs the directory root
# or, if there is none, the file initramfs. $append is added to the kernel's command line. The console is printed to
# stdout and kept in console.txt.
# Usage: qemu.sh SECONDS CONSOLE QEMU [ARGUMENT...]
set -eu
seconds=$1 console=$2
shift 2
[ ! -d root ] || (cd root && find . | busybox cpio -o -H newc 2>/dev/null) >initramfs
for try in 1 2 3; do
    timeout --foreground "$seconds" "$@" -nographic -net none -no-reboot -kernel kernel -initrd initramfs \
        -append "console=$console quiet panic=-1 ${append-}" </dev/null 2>&1 | sed -u 's/\r//g' | tee console.txt
    # With two processors, QEMU 7.2 occasionally executes a breakpoint with which the kernel has changed its own code,
    # and which is no longer there (https://bugzilla.redhat.com/2216496). Nothing in the machine can cause that.
    grep -q 'Oops: int3' console.txt || break
    echo "QEMU crashed the kernel, try $try of 3" >&2
done
