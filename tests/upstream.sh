#!/bin/sh
# Builds upstream's own pause, the oracle of the contract tests, into target/upstream/pause.
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=tests/debian.sh
program="upstream's pause" && . tests/debian.sh
mkdir -p target/upstream
cd target/upstream
[ ! -x pause ] || exit 0

command -v gcc >/dev/null || skipped "gcc is not installed"
fetch kubernetes
tar -xf kubernetes_*.orig.tar.* --wildcards --strip-components=4 '*/build/pause/linux/pause.c'
gcc -Os -Wall -static -DVERSION=test -o pause.part pause.c
mv pause.part pause
rm -rf kubernetes_* apt
