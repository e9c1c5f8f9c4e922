#!/bin/sh
# Boots the machine that LINE of the file kernels-machines describes, with the kernel in FOLDER of target/kernels, and
# with kernels-init.sh, pause and BusyBox in its initramfs. Prints a line of a table. If all checks pass, writes
# FOLDER/result: a line with | between its cells, for proof/figures/src/kernels.rs, with the memory of an instance of
# pause and of each of $peers (NAME=FILE in target/) that is built for the architecture.
# Usage: kernels-boot.sh FOLDER LINE...
set -eu
project=$(cd "$(dirname "$0")/../.." && pwd)
folder=$1 pause=$2 console=$6 qemu=$7
shift 7
cd "$project/target/kernels/$folder"

rm -rf root result
mkdir -p root/bin root/peers
cp "$project/proof/machines/kernels-init.sh" root/init
cp "$project/dist/pause-$pause" root/pause
for peer in ${peers-}; do
    file=$project/target/$(echo "${peer#*=}" | sed "s/ARCHITECTURE/$pause/")
    [ ! -x "$file" ] || cp "$file" "root/peers/${peer%%=*}"
done
cp busybox root/bin/
chmod 0755 root/init root/pause root/bin/busybox
limit=900 # seconds
# Not with peers, because kernels.sh then boots many kernels, and this takes up to half an hour. Each trial creates and
# removes namespaces, for which the kernel otherwise waits longer than everything else takes.
if [ -z "${peers-}" ] && [ -e "$project/target/instructions/$pause" ]; then
    cp "$project/target/instructions/$pause" root/instructions
    limit=3600
    export append=rcupdate.rcu_expedited=1
fi

# When its init ends, the kernel panics, which prints the exit code, and reboots, which ends QEMU.
start=$(date +%s)
"$project/proof/machines/qemu.sh" $limit "$console" "$qemu" "$@" -m 512 >/dev/null
seconds=$(($(date +%s) - start))

# Everything that kernels-init.sh, pause and the kernel print, from the first line of kernels-init.sh on.
said=$(sed -n '/^kernel: /,/Kernel panic/p' console.txt)
unexpected=$(echo "$said" | grep -Ev -e '^(kernel|page size|memory of|instructions|ok|checks)[: ]' \
    -e '^Shutting down, got signal: Terminated$' \
    -e 'Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000000$' || true)
checks=$(echo "$said" | grep -c '^ok: ' || true)
case $unexpected$(echo "$said" | tail -n 3 | tr '\n' ' ') in
    "checks: $checks Shutting down, got signal: Terminated ["*'] Kernel panic '*' exitcode=0x00000000 ') ;;
    *)
        echo "FAILED: $folder on $qemu $*, after $seconds s and $checks checks; its last lines:" >&2
        tail -n 30 console.txt >&2
        exit 1
        ;;
esac
value() { echo "$said" | sed -n "s/^$1: //p"; }
release=$(tail -n 1 fetched)
printf '%-8s %-22s %-30s %-18s %-6s %6s %12s %7s\n' "$pause" "${qemu#qemu-system-} $2" "$(value kernel)" \
    "$release" "$(value 'page size')" "$checks" "$(value instructions)" "$seconds"
{
    printf '%s|' "$pause" "$(value kernel)" "$release" "$(value 'page size')"
    printf %s "$(sha256sum <root/pause | cut -d ' ' -f 1)"
    echo "$said" | sed -n 's/^memory of /|/p' | tr -d '\n'
    echo
} >part
mv part result
