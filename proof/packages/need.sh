# Sourced by what installs programs that this machine lacks, as root on Debian.
# shellcheck shell=sh

missing=

# A program or a path, and the packages that it comes with.
# shellcheck disable=SC2086
need() {
    case $1 in
        /*) ls $1 ;; # perhaps a pattern
        *) command -v "$1" ;;
    esac >/dev/null 2>&1 || missing="$missing $2"
}

# False if it cannot be done here; then $missing says what to install.
install_missing() {
    [ -n "$missing" ] || return 0
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return
    echo "installing:$missing"
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086 # a list of words
    apt-get -qq update && apt-get -qq install --yes --no-install-recommends $missing >/dev/null
}
