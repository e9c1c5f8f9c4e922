#!/bin/sh
# Tests the pause of dist/ on real kernels of every architecture, two at a time.
# Without an option: on one kernel for each line of kernels-machines except loong64's, which needs a newer QEMU.
# --instructions: on the same kernels; also steps through pause's instructions, which takes minutes when emulated.
# --all: on the kernels of every release of Debian; also measures the memory of pause, upstream's pause and a floor.
# --save: as --all; also keeps the results for the tables in the documents if everything passes.
set -eu
cd "$(dirname "$0")/../.."
case $* in
    '' | --instructions | --all | --save) ;;
    *) echo "usage: $0 [--instructions | --all | --save]" >&2; exit 2 ;;
esac
proof/packages/apt.sh kernels
mkdir -p target/kernels
boots=target/kernels/boots # for each boot, its directory in target/kernels and its line of kernels-machines
releases='bullseye bookworm trixie forky'

# Prints the lines of kernels-machines whose kernel is in RELEASE.
lines() {
    awk -v release="$1" -v releases="$releases" '!/^#/ && index(releases, $4) <= index(releases, release)' \
        proof/machines/kernels-machines
}
if [ $# = 0 ] || [ "$1" = --instructions ]; then
    awk '!/^#/ && $1 != "loong64" { print $3, $0 }' proof/machines/kernels-machines >$boots
    # Downloads 600 MB and keeps 250 MB of them.
    awk '{ print $3, $4 }' $boots | proof/packages/kernel.sh
    rm -rf target/instructions # kernels-boot.sh would use an old one
    [ $# = 0 ] || proof/machines/kernels-instructions.sh
else
    proof/packages/apt.sh kernels-all || : # without a compiler, upstream's pause is left out
    proof/packages/upstream.sh
    proof/packages/loong64.sh
    PATH=$PWD/target/loong64:$PATH
    cargo run --quiet --package kit --bin floors -- amd64 arm64 ppc64le loong64
    export peers='upstream=upstream/pause-ARCHITECTURE floor=floors/ARCHITECTURE/pause'
    : >$boots
    for release in $releases; do
        case $release in
            trixie) instead=bookworm-backports ;; # it has the same kernels
            forky) instead=sid ;;
            *) instead= ;;
        esac
        # shellcheck disable=SC2086 # $instead may be empty
        lines "$release" | awk '{ print $2, $3 }' | proof/packages/kernel.sh "$release" $instead
        lines "$release" | awk -v release="$release" '{ print release "/" $3, $0 }' >>$boots
    done
fi

printf '%-8s %-22s %-30s %-18s %-6s %6s %12s %7s\n' pause machine kernel release page checks instructions seconds
while read -r folder pause rest; do
    [ -e "target/kernels/$folder/fetched" ] || continue # kernel.sh has reported it
    [ "$pause" != loong64 ] || [ -x target/loong64/qemu-system-loongarch64 ] || continue # loong64.sh has reported it
    echo "$folder $pause $rest"
done <$boots >$boots.fetched
xargs -r -P 2 -L 1 proof/machines/kernels-boot.sh <$boots.fetched

# shellcheck source=proof/kit/skip.sh
. proof/kit/skip.sh
grep -q ' amd64 amd64 ' $boots.fetched || skipped "no kernel of amd64 could be fetched"
[ "${1-}" != --save ] || {
    # In the order of kernels-machines, then of releases.
    grep -v '^#' proof/machines/kernels-machines | while read -r _ _ package _; do
        awk -v package="$package" '$4 == package { print "target/kernels/" $1 "/result" }' $boots.fetched
    done | xargs cat >target/kernels/results
    mv target/kernels/results proof/figures/samples/kernels.txt
    cargo figures
}
