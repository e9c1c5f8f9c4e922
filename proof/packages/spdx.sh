#!/bin/sh
# Installs a second opinion on the bill of materials, from PyPI, into target/spdx-tools; Debian has no package of it.
set -eu
spdx=$(dirname "$0")/../../target/spdx-tools
[ -x "$spdx/bin/pyspdxtools" ] || { python3 -m venv "$spdx" && "$spdx/bin/pip" install --quiet spdx-tools==0.8.3; } ||
    echo "One test will be skipped: spdx-tools cannot be installed from PyPI" >&2
