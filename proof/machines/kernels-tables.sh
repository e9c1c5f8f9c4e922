#!/bin/sh
# Writes docs/fragments/kernels.md and memory-pages.md from the results of kernels-boot.sh for the boots that kernels.sh
# lists.
set -eu
cd "$(dirname "$0")/../../target/kernels"
fragments=../../docs/fragments

results() { # in the order of kernels-machines, then of releases
    grep -v '^#' ../../proof/machines/kernels-machines | while read -r _ _ package _; do
        awk -v package="$package" '$4 == package { print $1 "/result" }' boots.fetched
    done
}

{
    echo 'architecture|kernel|Debian|page size|checks'
    results | xargs -n 1 head -n 1 | sed 's/|$//'
} | cargo xtask table >kernels.md
missing=$(cut -d ' ' -f 1 boots | grep -vFx "$(cut -d ' ' -f 1 boots.fetched)" | sed 's/linux-image-//' | paste -sd , |
    sed 's/,/, /g')
[ -z "$missing" ] || printf '\nNot delivered by the archive when this was run: %s.\n' "$missing" >>kernels.md

{
    echo 'architecture|page size|kernel|program|RSS, KiB|page tables|private|shared'
    # For each architecture and page size, the results of the newest kernel.
    results | xargs awk -F '|' '
        FNR == 1 { of = $1 "|" $4; if (!(of in kernel)) order[++n] = of; kernel[of] = $2; rows[of] = ""; next }
        { split($0, part, ": "); gsub(" ", "|", part[2]); rows[of] = rows[of] of "|" kernel[of] "|" part[1] "|" part[2] "\n" }
        END { for (i = 1; i <= n; i++) printf "%s", rows[order[i]] }'
} | cargo xtask table >memory-pages.md
mv kernels.md memory-pages.md $fragments/
