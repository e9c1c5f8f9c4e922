#!/bin/sh
# Installs the programs that the targets LIST need and this machine lacks, as root on Debian. Each line of LIST.list
# names a program or a file, and the packages that contain it. Removes and replaces nothing that is installed. If a
# program is still missing afterwards, names its packages and fails. If nothing is missing, contacts no archive.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=proof/packages/fetch.sh
. proof/packages/fetch.sh

# shellcheck disable=SC2086
is_here() {
    case $1 in
        /*) ls $1 ;; # may be a pattern
        *) command -v "$1" ;;
    esac >/dev/null 2>&1
}

for list; do
    [ -f "proof/packages/$list.list" ] || { echo "$0: there is no list $list" >&2; exit 2; }
done

# Prints the packages of what is missing, in one line.
missing() {
    for list; do
        while read -r program packages; do
            case $program in '' | '#') ;; *) is_here "$program" || echo "${packages%% #*}" ;; esac
        done <"proof/packages/$list.list"
    done | paste -sd ' '
}

apt_get() { DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::Retries=3 "$@"; }

# Without --no-remove, apt also removes what conflicts with a package.
install() { apt_get install --yes --no-install-recommends --no-remove "$@" >/dev/null; }

# Prints which of the packages can be installed: this Debian may lack some, or contain what conflicts with them.
possible() {
    if install --simulate "$@" 2>/dev/null; then echo "$@" && return; fi
    for package; do
        ! install --simulate "$package" 2>/dev/null || echo "$package"
    done
}

missing=$(missing "$@")
[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "installing: $missing"
    retry apt_get -o APT::Update::Error-Mode=any update || : # older lists may suffice
    # shellcheck disable=SC2046,SC2086 # lists of words
    retry install $(possible $missing) || :
    missing=$(missing "$@")
    [ -n "$missing" ] || exit 0
fi
echo "for make $*, install (Debian's names): $missing" >&2
exit 1
