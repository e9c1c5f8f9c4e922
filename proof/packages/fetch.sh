# Sourced, in the project's directory, by scripts that fetch something from outside.
# shellcheck shell=sh

# Lists what could not be fetched, one per line: `WHAT: WHY`. A test that needs it is skipped, which is not a failure
# even in CI (proof/kit/src/skip.rs); .ci/run counts these lines.
not_fetched=$PWD/target/not-fetched

# Contains what is fetched or built once, for all clones on this machine.
kept=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/pause

# Copies FROM to TO, atomically: with links, or bytewise to another disk. The steps are one command, because `set -e`
# does not end a function whose result its caller checks.
copy() { # FROM TO
    rm -rf "$2.part" && mkdir -p "${2%/*}" &&
        { cp -al "$1" "$2.part" 2>/dev/null || { rm -rf "$2.part" && cp -a "$1" "$2.part"; }; } &&
        rm -rf "$2" && mv "$2.part" "$2"
}

# Waits until no other clone is making WHAT in the cache. The lock ends with the script.
lock() { # WHAT
    mkdir -p "$kept"
    exec 9>"$kept/$1.lock"
    flock 9
}

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

# Runs "$@" until it succeeds, at most three times.
retry() {
    for pause in 5 20; do
        "$@" && return
        echo "retrying in $pause seconds: $*" >&2
        sleep "$pause"
    done
    "$@"
}
