#!/bin/sh
# Builds engines from the Go modules that proof/packages/engines/versions lists: each NAME, or all. Afterwards
# target/engines/NAME contains the programs, as links into a cache that outlives this directory. The cache names them
# after the digest of their sources.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=proof/packages/fetch.sh
. proof/packages/fetch.sh
# shellcheck source=proof/kit/skip.sh
. proof/kit/skip.sh
# shellcheck source=proof/packages/engines/go.sh
. proof/packages/engines/go.sh

fail() {
    echo "$0: $name: $*" >&2
    exit 1
}

# Fetches the modules of the go.mod in this directory. Fails if the proxy refuses one or does not answer; any other
# error, such as a wrong checksum, ends the script.
fetch() {
    why='the proxy is too slow'
    for _ in 1 2; do # the second attempt fetches only what the first did not
        timeout --foreground 30m go mod download 2>log && return
        [ $? != 124 ] || return
    done
    refusal='reading http[^ ]*: [45].. \|dial tcp\|[Tt]imeout\|connection reset\|EOF$\|GOPROXY=off\|git ls-remote'
    if ! grep -q 'checksum mismatch\|SECURITY ERROR' log && why=$(grep -m 1 "$refusal" log); then
        return 1
    fi
    cat log >&2
    fail "its modules cannot be fetched"
}

# Compiles the tools of the go.mod in this directory into bin/, with the flags that their project passes to go and gcc.
compile() {
    cgo=0 tags='' set=''
    case $module in
        github.com/containernetworking/plugins) set="-X $module/pkg/utils/buildversion.BuildVersion=v$version" ;;
        github.com/cri-o/cri-o) cgo=1 tags=containers_image_openpgp,exclude_graphdriver_btrfs,seccomp ;;
        github.com/Mirantis/cri-dockerd) set="-X $module/cmd/version.Version=$version" ;;
        github.com/moby/moby/v2)
            tags=exclude_graphdriver_btrfs
            set="-X $module/dockerversion.Version=$version"
            ;;
        github.com/opencontainers/runc) cgo=1 tags=seccomp ;;
        k8s.io/kubernetes)
            minor=${version#*.}
            for pair in "Version=v$version" Major=1 "Minor=${minor%.*}"; do
                set="$set -X k8s.io/component-base/version.git$pair"
            done
            ;;
        sigs.k8s.io/cri-tools) set="-X $module/pkg/version.Version=$version" ;;
    esac
    if [ $cgo = 1 ] && ! { command -v gcc && pkg-config --exists libseccomp; } >/dev/null 2>&1; then
        skipped "$title is not built: gcc, pkg-config or libseccomp is missing (proof/packages/apt.sh engines)"
    fi
    export CGO_ENABLED=$cgo GOPROXY=off # all modules are here
    mkdir bin
    set -- -trimpath -buildvcs=false -mod=readonly -tags="$tags" -ldflags="-s -w $set"
    go build "$@" -o bin/ tool
    case $module in
        github.com/containerd/containerd/v2)
            case $name in integration-*) go test "$@" -c -o bin/integration.test "$module/integration" ;; esac
            ;;
        github.com/cri-o/cri-o)
            gcc -std=c99 -O3 -Wall -Wextra -static -s -o bin/pinns "$(go list -m -f '{{.Dir}}' "$module")"/pinns/src/*.c
            ;;
        k8s.io/kubernetes)
            case $name in e2e-node-*) go test -vet=off "$@" -c -o bin/e2e_node.test "$module/test/e2e_node" ;; esac
            ;;
        sigs.k8s.io/cri-tools) go test "$@" -c -o bin/critest "$module/cmd/critest" ;;
    esac
}

# Succeeds if a program prints this version. pinns and the programs of suites print none, or a different one.
says_version() { # PROGRAM
    case $name/${1##*/} in e2e-node-* | integration-* | */pinns) return ;; esac
    { "$1" --version || "$1" -v || "$1" version; } 2>&1 </dev/null |
        tee said | grep -q "\(^\|[^0-9.]\)$(echo "$version" | sed 's/\./\\./g')\([^0-9.]\|\$\)"
}

build() {
    title="${name%-*} ${name##*-}"
    own=$engines/$name
    rm -rf "target/engines/$name"
    forget "$name"
    read_line "$name"
    grep -q "[[:space:]]$module v$version\( \|\$\)" "$own/go.mod" ||
        fail "go.mod and $engines/versions disagree about the version; $engines/raise.sh sets both"
    is_new_enough "$(needed "$name")" || no_go

    digest=$({ go version; cat proof/packages/engines.sh "$engines/go.sh" "$own"/*; } | sha256sum | cut -c -16)
    built=$cache/$name-$digest
    lock "engines/$name" # another run waits, and finds what this one built
    if [ ! -d "$built" ]; then
        echo "building $name $version"
        say_space
        rm -rf "$cache/$name"-*.part # of a run that was interrupted
        cp -r "$own" "$built.part"
        (
            cd "$built.part"
            mkdir tmp && export GOTMPDIR="$PWD/tmp"
            fetch || { not_fetched "$name" "$why" && exit; }
            compile
            for program in bin/*; do
                says_version "$program" || fail "${program#bin/} does not say that it is $version: $(head -n 1 said)"
            done
        )
        ! [ -d "$built.part/bin" ] || mv "$built.part/bin" "$built"
        rm -rf "$built.part"
    fi
    [ ! -d "$built" ] || copy "$built" "target/engines/$name" # it was neither skipped nor not fetched
}

no_go() {
    missing="Go $(needed "$name") is missing ($why)"
    if ! $delivered; then
        not_fetched "$name" "$missing"
        CI='' # what cannot be fetched is no failure
    fi
    skipped "$title is not built: $missing"
}

say_space() {
    mkdir -p "$GOMODCACHE" "$GOCACHE"
    df -Pk "$cache" "$GOMODCACHE" "$GOCACHE" | sort -u | awk '$4 < 20 * 1024 * 1024 && / [0-9]+% / {
        print "less than 20 GB are free on " $6 "; all engines together may need that" }' >&2
}

for name; do
    check_name "$name"
done
# shellcheck disable=SC2046 # a list
[ $# -gt 0 ] || set -- $(names)
cache=$kept/engines
mkdir -p "$cache" target/engines
find_go "$(needed "$@")" || : # an older one suffices for some
! command -v go >/dev/null || clean_environment
for name; do
    (build)
done
