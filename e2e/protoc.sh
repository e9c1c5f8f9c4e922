#!/bin/sh
# Installs protoc, without which e2e/ does not compile.
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=tests/need.sh
. tests/need.sh

need protoc protobuf-compiler
install_missing || { echo "e2e/ does not compile without protoc: install (Debian's name):$missing" >&2; exit 1; }
