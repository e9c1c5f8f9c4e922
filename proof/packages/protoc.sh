#!/bin/sh
# Installs protoc, without which proof/e2e does not compile.
set -eu
# shellcheck source=proof/packages/need.sh
. "$(dirname "$0")/need.sh"

need protoc protobuf-compiler
install_missing || { echo "proof/e2e does not compile without protoc: install (Debian's name):$missing" >&2; exit 1; }
