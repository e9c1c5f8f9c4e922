#!/bin/sh
# Installs the programs that the targets LIST need and this machine lacks, as root on Debian. Each line of LIST.list
# names a program or its path, and the packages that contain it. If it cannot install them, it names them and fails. If
# nothing is missing, it contacts no archive.
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

install() {
    apt-get -qq -o Acquire::Retries=3 update || : # older lists may suffice
    # shellcheck disable=SC2086 # a list of words
    DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::Retries=3 install --yes --no-install-recommends $missing \
        >/dev/null
}

missing=
for list; do
    [ -f "proof/packages/$list.list" ] || { echo "$0: there is no list $list" >&2; exit 2; }
    while read -r program packages; do
        case $program in '' | '#') ;; *) is_here "$program" || missing="$missing ${packages%% #*}" ;; esac
    done <"proof/packages/$list.list"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "installing:$missing"
    ! retry install || exit 0
fi
echo "for make $*, install (Debian's names):$missing" >&2
exit 1
