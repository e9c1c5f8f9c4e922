#!/bin/sh
# Tests the pause of dist/ on real kernels of every architecture, two at a time.
set -eu
cd "$(dirname "$0")/../.."
proof/packages/install.sh kernels
# 600 MB, of which 250 MB stay.
awk '!/^#/ { print $2, $3 }' proof/machines/machines | proof/packages/kernel.sh

proof/machines/instructions.sh

printf '%-8s %-22s %-30s %-8s %-6s %6s %12s %7s\n' pause machine kernel release page checks instructions seconds
grep -v '^#' proof/machines/machines | while read -r pause arch package rest; do
    [ ! -e "target/kernels/$package/fetched" ] || echo "$pause $arch $package $rest"
done | xargs -r -P 2 -L 1 proof/machines/boot.sh

# The others may be missing on a day on which the archive does not deliver them; kernel.sh has said so.
amd64=$(awk '$1 == "amd64" { print $3; exit }' proof/machines/machines)
# shellcheck source=proof/kit/skip.sh
. proof/kit/skip.sh
[ -e "target/kernels/$amd64/fetched" ] || skipped "the kernel of amd64, without which nothing is shown"
