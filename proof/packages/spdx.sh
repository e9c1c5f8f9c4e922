#!/bin/sh
# Installs a validator for the bill of materials, from PyPI, into target/spdx-tools; Debian does not package it.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=proof/packages/fetch.sh
. proof/packages/fetch.sh
forget spdx-tools
spdx=$PWD/target/spdx-tools
if [ ! -x "$spdx/bin/pyspdxtools" ] && python3 -m venv "$spdx"; then
    "$spdx/bin/pip" install --quiet --retries 5 --timeout 20 spdx-tools==0.8.3 2>"$spdx/log" ||
        not_fetched spdx-tools "$(grep ^ERROR: "$spdx/log" | tail -n 1)"
fi
