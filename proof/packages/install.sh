#!/bin/sh
# Installs what the targets LIST use and this machine lacks, as root on Debian. LIST.list has a line for each: a program, or
# where it is, and the packages that it comes with. Where it cannot install them, it says so and fails.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=proof/packages/need.sh
. proof/packages/need.sh

for list; do
    [ -f "proof/packages/$list.list" ] || { echo "$0: there is no list $list" >&2; exit 2; }
    while read -r program packages; do
        case $program in '' | '#') ;; *) need "$program" "${packages%% #*}" ;; esac
    done <"proof/packages/$list.list"
done
install_missing || { echo "for make $*, install (Debian's names):$missing" >&2; exit 1; }
