#!/bin/sh
# Boots one line of machines, with kernels-init.sh, pause and busybox in its initramfs; prints a line of the table.
set -eu
pause=$1 package=$3 console=$4 qemu=$5
shift 5
cd "$(dirname "$0")/../../target/kernels/$package"

rm -rf root
mkdir -p root/bin
cp ../../../proof/machines/kernels-init.sh root/init
cp ../../../dist/pause-"$pause" root/pause
cp busybox root/bin/
chmod 0755 root/init root/pause root/bin/busybox
[ ! -e "../../instructions/$pause" ] || cp "../../instructions/$pause" root/instructions

# The kernel panics when its init ends, which says the exit code; then it reboots, which ends QEMU.
start=$(date +%s)
../../../proof/machines/qemu.sh 900 "$console" "$qemu" "$@" -m 512 2>&1 | tr -d '\r' >console.txt
seconds=$(($(date +%s) - start))

# All that is said from the first line of kernels-init.sh on: by it, by pause and by the kernel.
said=$(sed -n '/^kernel: /,/Kernel panic/p' console.txt)
unexpected=$(echo "$said" | grep -Ev -e '^(kernel|page size|instructions|ok|checks): ' -e '^Shutting down, got signal: Terminated$' \
    -e 'Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000000$' || true)
checks=$(echo "$said" | grep -c '^ok: ' || true)
case $unexpected$(echo "$said" | tail -n 3 | tr '\n' ' ') in
    "checks: $checks Shutting down, got signal: Terminated ["*'] Kernel panic '*' exitcode=0x00000000 ') ;;
    *)
        echo "FAILED: $package on $qemu $*, after $seconds s and $checks checks; it ended with:" >&2
        tail -n 30 console.txt >&2
        exit 1
        ;;
esac
value() { echo "$said" | sed -n "s/^$1: //p"; }
printf '%-8s %-22s %-30s %-8s %-6s %6s %12s %7s\n' "$pause" "${qemu#qemu-system-} $2" "$(value kernel)" \
    "$(tail -n 1 fetched)" "$(value 'page size')" "$checks" "$(value instructions)" "$seconds"
