#!/bin/sh
# Installs the peers that pause is measured beside, as root on Debian. The benchmark names what it still lacks.
set -eu
# shellcheck source=proof/packages/need.sh
. "$(dirname "$0")/need.sh"

need catatonit catatonit
need dumb-init dumb-init
need gcc 'gcc libc6-dev'
need musl-gcc musl-tools
need tini tini
install_missing || echo "Some peers will be missing; Debian has them as:$missing" >&2
