#!/bin/sh
# Builds upstream's pause, with which the contract tests compare ours, into target/upstream/pause, as its Makefile does.
# Also builds pause-musl, for the benchmarks, if musl-gcc is installed, and pause-ARCHITECTURE for each architecture
# whose compiler is installed.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=proof/packages/debian.sh
program="upstream's pause" && . proof/packages/debian.sh
mkdir -p target/upstream
cd target/upstream

command -v gcc >/dev/null || cannot_be_had "gcc is not installed"

if [ ! -s pause.c ]; then
    lock upstream # another clone waits, and finds what this one fetched
    [ ! -s "$kept/pause.c" ] || copy "$kept/pause.c" "$PWD/pause.c"
fi
if [ ! -s pause.c ]; then
    # In later releases the source lacks build/.
    fetch_source 'bookworm bullseye' kubernetes || cannot_be_had "$why"
    tar -xOf kubernetes_*.orig.tar.* --wildcards '*/build/pause/linux/pause.c' >part
    mv part pause.c
    rm -rf kubernetes_* apt
    copy "$PWD/pause.c" "$kept/pause.c"
fi
build() { # NAME COMPILER
    [ ! -x "$1" ] || return 0
    "$2" -Os -Wall -static -s -DVERSION=test -o part pause.c
    mv part "$1"
}
build pause gcc
! command -v musl-gcc >/dev/null || build pause-musl musl-gcc
ln -sf pause "pause-$(dpkg --print-architecture)"
! command -v aarch64-linux-gnu-gcc >/dev/null || build pause-arm64 aarch64-linux-gnu-gcc
! command -v powerpc64le-linux-gnu-gcc >/dev/null || build pause-ppc64le powerpc64le-linux-gnu-gcc
