#!/bin/sh
# Runs the parts that SUITES selects, in isolated.sh, where all programs trust the registry of serve.sh.
set -eu
cd "$(dirname "$0")/../.."
# cargo would change SSL_CERT_FILE, because this file is not there.
runner="['env', 'NO_PROXY=*', 'SSL_CERT_FILE=/run/registry.pem', '$PWD/proof/e2e/shared/isolated.sh']"
exec cargo test --quiet --package suites --config "target.'cfg(unix)'.runner = $runner"
