#!/bin/sh
# Tests the pause of dist/ on real kernels of every architecture, two at a time.
# Without an option: on one kernel for each line of machines but loong64's, which needs a QEMU of its own.
# --instructions: on the same kernels; steps through pause's instructions, too, which takes minutes on an emulated machine.
# --all: on the kernels of every release of Debian; measures memory there, beside upstream's pause and a floor.
# --save: the same, and writes the tables of the documents if all passed.
set -eu
cd "$(dirname "$0")/../.."
case $* in
    '' | --instructions | --all | --save) ;;
    *) echo "$0: $*: say --instructions, --all or --save, or nothing" >&2; exit 2 ;;
esac
proof/packages/install.sh kernels
mkdir -p target/kernels
boots=target/kernels/boots # for each boot, its folder in target/kernels and the line of machines
releases='bullseye bookworm trixie forky'

# The lines of machines whose kernel is in RELEASE.
lines() {
    awk -v release="$1" -v releases="$releases" '!/^#/ && index(releases, $4) <= index(releases, release)' \
        proof/machines/machines
}
if [ $# = 0 ] || [ "$1" = --instructions ]; then
    awk '!/^#/ && $1 != "loong64" { print $3, $0 }' proof/machines/machines >$boots
    # 600 MB, of which 250 MB stay.
    awk '{ print $3, $4 }' $boots | proof/packages/kernel.sh
    rm -rf target/instructions # boot.sh takes what is there
    [ $# = 0 ] || proof/machines/instructions.sh
else
    proof/packages/install.sh kernels-all || : # without a compiler upstream's is left out
    proof/packages/upstream.sh
    proof/packages/loong64.sh
    PATH=$PWD/target/loong64:$PATH
    cargo run --quiet --package kit --bin floors -- amd64 arm64 ppc64le loong64
    export peers='upstream=upstream/pause-ARCHITECTURE floor=floors/ARCHITECTURE/pause'
    : >$boots
    for release in $releases; do
        case $release in
            trixie) instead=bookworm-backports ;; # has the same kernels
            forky) instead=sid ;;
            *) instead= ;;
        esac
        # shellcheck disable=SC2086 # perhaps nothing
        lines "$release" | awk '{ print $2, $3 }' | proof/packages/kernel.sh "$release" $instead
        lines "$release" | awk -v release="$release" '{ print release "/" $3, $0 }' >>$boots
    done
fi

printf '%-8s %-22s %-30s %-18s %-6s %6s %12s %7s\n' pause machine kernel release page checks instructions seconds
while read -r folder pause rest; do
    [ -e "target/kernels/$folder/fetched" ] || continue # kernel.sh has said so
    [ "$pause" != loong64 ] || [ -x target/loong64/qemu-system-loongarch64 ] || continue # and so has loong64.sh
    echo "$folder $pause $rest"
done <$boots >$boots.fetched
xargs -r -P 2 -L 1 proof/machines/boot.sh <$boots.fetched

# shellcheck source=proof/kit/skip.sh
. proof/kit/skip.sh
grep -q ' amd64 amd64 ' $boots.fetched || skipped "every kernel of amd64, without which nothing is shown"
[ "${1-}" != --save ] || {
    proof/machines/tables.sh
    cargo xtask docs
}
