#!/bin/sh
# Builds upstream's own pause, the oracle of the contract tests, into target/upstream/pause from Debian's source
# package `kubernetes`. apt gets a configuration, lists and a cache of its own there: /etc and /var stay as they are.
set -eu
cd "$(dirname "$0")/.."
mkdir -p target/upstream
cd target/upstream
[ ! -x pause ] || exit 0
rm -f gone

skipped() { echo "SKIPPED: upstream's pause is not built: $*" >&2; exit 0; }
command -v gcc >/dev/null || skipped "gcc is not installed"
command -v apt-get >/dev/null || skipped "its source is fetched with apt-get, which is not here"

mkdir -p lists/partial cache/archives/partial sources
: >status
# The archives that this machine uses, but their sources; in both forms that apt reads.
for list in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
    [ ! -f "$list" ] || sed -e 's/^Types:.*/Types: deb-src/' -e 's/^deb /deb-src /' "$list" >"sources/${list##*/}"
done
apt() {
    apt-get -qq -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$PWD/sources" \
        -o Dir::State::Lists="$PWD/lists" -o Dir::State::Status="$PWD/status" -o Dir::Cache="$PWD/cache" \
        -o APT::Sandbox::User="$(id -un)" "$@"
}
apt update || skipped "the archive cannot be reached"
apt source --download-only kubernetes || { touch gone; skipped "the archive no longer has its source"; }
tar -xf kubernetes_*.orig.tar.* --wildcards --strip-components=4 '*/build/pause/linux/pause.c'
gcc -Os -Wall -static -DVERSION=test -o pause.part pause.c
mv pause.part pause
rm -rf kubernetes_* lists cache sources status
