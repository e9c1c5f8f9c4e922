# Sourced, in the project's directory, by scripts that make $program, which tests need, from Debian's packages.
# shellcheck shell=sh
# shellcheck source=proof/packages/fetch.sh
. proof/packages/fetch.sh

# shellcheck source=proof/kit/skip.sh
. proof/kit/skip.sh

cannot_be_had() { skipped "${program:?} is not available: $*"; }

# Prints the addresses of Debian's archive in this machine's configuration; none on another system.
archives() (
    . /etc/os-release
    # shellcheck disable=SC2016 # apt's own variable
    [ "$ID" != debian ] || apt-get indextargets --no-release-info 'Created-By: Packages' \
        "Release: $VERSION_CODENAME" 'Component: main' --format '$(REPO_URI)' | sort -u
)

# Creates the directory apt, for apt_own, in the current directory.
prepare_apt() {
    command -v apt-get >/dev/null || cannot_be_had "apt-get, which fetches packages, is not installed"
    archives=$(archives)
    [ -n "$archives" ] || cannot_be_had "no Debian archive is configured on this machine"
    apt=$PWD/apt
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/sources"
    : >"$apt/status"
}

# Runs apt-get or apt-cache ($1) with separate lists and a separate cache, so it needs no root and leaves /etc and /var
# alone. It also uses expired lists: a mirror may be late.
apt_own() {
    tool=$1
    shift
    "$tool" -qq -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$apt/sources" \
        -o Dir::State::Lists="$apt/lists" -o Dir::State::Status="$apt/status" -o Dir::Cache="$apt/cache" \
        -o Acquire::Languages=none -o Acquire::Retries=2 -o Acquire::http::Timeout=20 \
        -o Acquire::Check-Valid-Until=false -o APT::Sandbox::User="$(id -un)" -o APT::Update::Error-Mode=any "$@"
}

# Makes apt_own use only that release of Debian: its packages (deb), its sources (deb-src), or both.
use_release() { # RELEASE TYPE...
    release=$1
    shift
    for type; do
        for archive in $archives; do
            echo "$type [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $archive $release main"
        done
    done >"$apt/sources/debian.list"
}

# Prints the first error on stdin, without addresses.
reason() { grep -m 1 . | sed 's/^[EW]: //; s/^Failed to fetch [^ ]* *//; s/  *\[IP: .*//'; }

# Downloads the upstream part of a source package, and other packages, into the current directory, from the first of
# these releases that delivers them. If none does, $why says why.
fetch_source() { # 'RELEASE...' SOURCE [PACKAGE...]
    releases=$1 source=$2
    shift 2
    why=
    prepare_apt
    for release in $releases $releases; do
        use_release "$release" deb-src ${1+deb}
        rm -f "$source"_* ./*.deb
        {
            apt_own apt-get update
            apt_own apt-get source --download-only --tar-only "$source" &&
                { [ $# = 0 ] || apt_own apt-get download "$@"; }
        } 2>apt/log && return
        this="$release: $(reason <apt/log)"
        case $why in *"$this"*) ;; *) why="$why${why:+; }$this" ;; esac
    done
    return 1
}
