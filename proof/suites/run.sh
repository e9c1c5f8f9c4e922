#!/bin/sh
# Runs the parts that SUITES selects, with isolated.sh.
set -eu
cd "$(dirname "$0")/../.."
exec cargo test --quiet --package suites --config 'target."cfg(unix)".runner = "proof/e2e/shared/isolated.sh"'
