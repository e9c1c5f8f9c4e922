#!/bin/sh
# Installs the programs that tests use and this machine lacks: small packages, no service. What cannot be installed is
# said in one line, and the tests that need it are skipped.
set -eu

missing=
need() {
    command -v "$1" >/dev/null || missing="$missing $2"
}
need busybox busybox-static # its shell
need dash dash
need gcc 'gcc libc6-dev' # upstream's pause
need perl perl-base
need qemu-aarch64-static qemu-user-static
need setpriv util-linux
need shellcheck shellcheck
need skopeo skopeo
need strace strace

[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086 # a list of words
    if apt-get -qq update && apt-get -qq install --yes --no-install-recommends $missing >/dev/null; then
        exit 0
    fi
fi
echo "Some tests will be skipped: to run them, install (Debian's names):$missing" >&2
