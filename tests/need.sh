# Sourced, in the project's folder, by what installs programs that this machine lacks, as root on Debian.
# shellcheck shell=sh
# shellcheck source=tests/fetch.sh
. tests/fetch.sh

missing=

# A program, and the packages that it comes with.
need() {
    command -v "$1" >/dev/null || missing="$missing $2"
}

# False if it cannot be done here; then $missing says what to install. Asks no archive when nothing is missing.
install_missing() {
    [ -n "$missing" ] || return 0
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return
    echo "installing:$missing"
    retry install_now
}

install_now() {
    apt-get -qq -o Acquire::Retries=3 update || : # the lists from before may do
    # shellcheck disable=SC2086 # a list of words
    DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::Retries=3 install --yes --no-install-recommends $missing \
        >/dev/null
}
