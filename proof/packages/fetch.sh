# Sourced, in the project's folder, by what fetches something from outside.
# shellcheck shell=sh

# What could not be fetched, a line each: `WHAT: WHY`. A test without it is skipped and does not fail, not even in CI
# (proof/kit/src/skip.rs); .ci/run counts these lines.
not_fetched=$PWD/target/not-fetched

# Says that WHAT, which a change can be tested without, could not be fetched, and WHY.
not_fetched() {
    echo "not fetched: $1: $2" >&2
    mkdir -p "${not_fetched%/*}"
    echo "$1: $2" >>"$not_fetched"
}

# Forgets that WHAT could not be fetched, before it is looked for again.
forget() {
    [ ! -f "$not_fetched" ] || sed -i "/^$1: /d" "$not_fetched"
}

# Runs "$@" until it succeeds, three times at most.
retry() {
    for pause in 5 20; do
        "$@" && return
        echo "in $pause seconds, again: $*" >&2
        sleep "$pause"
    done
    "$@"
}
