#!/bin/sh
# Tests the pause of dist/ on real kernels of every architecture, two at a time.
set -eu
cd "$(dirname "$0")/../.."
proof/packages/kernels.sh
[ -e target/kernels/fetched ] || exit 0 # why, it has said
printf '%-8s %-22s %-30s %-6s %6s %7s\n' pause machine kernel page checks seconds
grep -v '^#' proof/machines/machines | xargs -P 2 -L 1 proof/machines/boot.sh
