# Sourced, in the project's folder, by scripts that fetch something from outside.
# shellcheck shell=sh

# Lists what could not be fetched, one line each: `WHAT: WHY`. A test that needs it is skipped, which is not a failure
# even in CI (proof/kit/src/skip.rs); .ci/run counts these lines.
not_fetched=$PWD/target/not-fetched

# Records that WHAT could not be fetched, and WHY. A change can be tested without it.
not_fetched() {
    echo "not fetched: $1: $2" >&2
    mkdir -p "${not_fetched%/*}"
    echo "$1: $2" >>"$not_fetched"
}

# Removes the record of WHAT, before another attempt to fetch it.
forget() {
    [ ! -f "$not_fetched" ] || sed -i "\|^$1: |d" "$not_fetched"
}

# Runs "$@" until it succeeds, three times at most.
retry() {
    for pause in 5 20; do
        "$@" && return
        echo "retrying in $pause seconds: $*" >&2
        sleep "$pause"
    done
    "$@"
}
