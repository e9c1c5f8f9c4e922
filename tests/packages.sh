#!/bin/sh
# Installs the programs that tests use and this machine lacks: small packages, no service. What cannot be installed is
# said in one line, and the tests that need it are skipped.
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=tests/need.sh
. tests/need.sh

need busybox busybox-static # its shell
need catatonit catatonit # stands beside ours in the table of faults
need dash dash
need gcc 'gcc libc6-dev' # upstream's pause
need ip iproute2
need gdb gdb-minimal
need perl perl-base
need pgrep procps
need qemu-aarch64-static qemu-user-static
need setpriv util-linux
need shellcheck shellcheck
need skopeo skopeo
need strace strace

python3 -c 'import ensurepip' 2>/dev/null || missing="$missing python3-venv"

install_missing ||
    echo "Some tests will be skipped: to run them, install (Debian's names):$missing" >&2

# A second opinion on the bill of materials; Debian has no package of it.
forget spdx-tools
spdx=$PWD/target/spdx-tools
if [ ! -x "$spdx/bin/pyspdxtools" ] && python3 -m venv "$spdx"; then
    "$spdx/bin/pip" install --quiet --retries 5 --timeout 20 spdx-tools==0.8.3 2>"$spdx/log" ||
        not_fetched spdx-tools "$(grep ^ERROR: "$spdx/log" | tail -n 1)"
fi
