#!/bin/sh
# Installs the peers that pause is measured beside, as root on Debian. The benchmark names what it still lacks.
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=tests/need.sh
. tests/need.sh

need catatonit catatonit
need dumb-init dumb-init
need gcc 'gcc libc6-dev'
need musl-gcc musl-tools
need tini tini
install_missing || echo "Some peers will be missing; Debian has them as:$missing" >&2
