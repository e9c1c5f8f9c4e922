#!/bin/sh
# Installs the programs that tests use and this machine lacks: small packages, no service. What cannot be installed is
# said in one line, and the tests that need it are skipped.
set -eu
# shellcheck source=proof/packages/need.sh
. "$(dirname "$0")/need.sh"

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
spdx=$(dirname "$0")/../../target/spdx-tools
[ -x "$spdx/bin/pyspdxtools" ] || { python3 -m venv "$spdx" && "$spdx/bin/pip" install --quiet spdx-tools==0.8.3; } ||
    echo "One test will be skipped: spdx-tools cannot be installed from PyPI" >&2
