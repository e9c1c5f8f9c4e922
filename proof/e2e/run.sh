#!/bin/sh
# Runs tests of proof/e2e with isolated.sh: those whose names contain one of these words, otherwise all.
set -eu
cd "$(dirname "$0")/../.."
exec cargo test --quiet --package e2e --config 'target."cfg(unix)".runner = "proof/e2e/shared/isolated.sh"' \
    --test e2e -- "$@"
