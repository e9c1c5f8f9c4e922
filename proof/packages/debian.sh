# Sourced by what makes $program, which tests need, from packages of Debian's.
# shellcheck shell=sh

skipped() {
    echo "SKIPPED: ${program:?} cannot be had: $*" >&2
    [ "${CI-}" != true ] && exit 0 || exit 1
}

gone() {
    echo "SKIPPED: $program cannot be had: the archive no longer has $*" >&2
    touch gone
    exit 0 # also in CI
}

# apt-get with a configuration, lists and a cache of its own: /etc and /var stay as they are, and no root is needed.
apt() {
    apt-get -qq -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$PWD/apt/sources" \
        -o Dir::State::Lists="$PWD/apt/lists" -o Dir::State::Status="$PWD/apt/status" -o Dir::Cache="$PWD/apt/cache" \
        -o Acquire::Languages=none -o APT::Sandbox::User="$(id -un)" "$@"
}

# Its folders, with no source yet.
prepare_apt() {
    command -v apt-get >/dev/null || skipped "packages are fetched with apt-get, which is not here"
    rm -f gone
    mkdir -p apt/lists/partial apt/cache/archives/partial apt/sources
    : >apt/status
}

# After which apt has that release of Debian alone, from the archive that this machine uses.
use_release() {
    . /etc/os-release
    apt-get indextargets --no-release-info 'Created-By: Packages' "Release: $VERSION_CODENAME" 'Component: main' \
        --format "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] \$(REPO_URI) $1 main" |
        sort -u >apt/sources/debian.list
    [ -s apt/sources/debian.list ] || skipped "no archive of Debian $VERSION_CODENAME is configured"
}

# The name of the newest kernel, from the downloaded package NAME ARCHITECTURE, which has nothing else.
kernel() { dpkg-deb --field "$1"_*_"$2".deb Depends | sed 's/ .*//'; }

# Downloads a source package, and packages that are named after it, into the current folder.
fetch() {
    prepare_apt
    # The archives that this machine uses, and their sources; in both forms that apt reads.
    for list in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
        [ ! -f "$list" ] || sed -e '/^deb-src /d' -e 's/^deb \(.*\)/&\ndeb-src \1/' -e 's/^Types:.*/Types: deb deb-src/' \
            "$list" >"apt/sources/${list##*/}"
    done
    apt update || skipped "the archive cannot be reached"
    apt source --download-only "$1" || gone "its source"
    shift
    [ $# = 0 ] || apt download "$@" || gone "$*"
}
