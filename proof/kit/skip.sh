# Sourced by scripts that cannot run everywhere.
# shellcheck shell=sh

# Says why the script is skipped, and ends it; in CI, that is a failure.
skipped() {
    echo "SKIPPED: $*" >&2
    [ "${CI-}" != true ] && exit 0 || exit 1
}
