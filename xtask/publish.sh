#!/bin/sh
# Runs the steps of a release. .github/workflows/release.yml runs them with a real registry and adds what only its host
# can do: sign, attest, and draft the release. `make release-rehearsal` runs them with a registry on this machine.
set -eu
export LC_ALL=C
cd "$(dirname "$0")/.."

usage() {
    cat <<'END'
Usage: xtask/publish.sh build [TAG]     build dist/ and compare it with digests.txt; TAG must be vVERSION
       xtask/publish.sh publish IMAGE   push dist/pause.tar to IMAGE:VERSION unless it is already there, pull it by
                                        its digest, and compare it with dist/; print IMAGE@DIGEST
       xtask/publish.sh rehearse        do both, with a temporary registry on this machine
END
}

main() {
    version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
    digest=sha256:$(sed -n 's/  index$//p' digests.txt)
    work=$(mktemp -d)
    registry=''
    trap 'kill $registry 2>/dev/null || :; rm -rf "$work"' EXIT
    trap 'exit 1' HUP INT TERM
    case $#:${1-} in
    1:build | 2:build) build "${2-v$version}" ;;
    2:publish) publish "$2" ;;
    1:rehearse) rehearse ;;
    1:-h | 1:--help) usage ;;
    *) die "expected build, publish IMAGE or rehearse; see --help" ;;
    esac
}

build() {
    [ "$1" = "v$version" ] || die "the tag $1 is not v$version, the version in Cargo.toml"
    make --silent image >/dev/null
    verify
}

# Fails unless dist/ matches its SHA256SUMS and digests.txt, which also contains lines for the image's blobs.
verify() {
    (cd dist && sha256sum --quiet --check SHA256SUMS) >/dev/null 2>&1 ||
        die "dist/ does not match dist/SHA256SUMS; build it again: xtask/publish.sh build"
    blobs='/  (linux\/.*|index)$/'
    other=$({
        sed -E "${blobs}d" digests.txt | diff - dist/SHA256SUMS | sed -n 's/^[<>] [0-9a-f]*  //p'
        sed -nE "${blobs}p" digests.txt | while read -r blob name; do
            tar -tf dist/pause.tar "blobs/sha256/$blob" >/dev/null 2>&1 || echo "$name"
        done
    } | sort -u | tr '\n' ' ')
    [ -z "$other" ] || die "different from digests.txt: ${other% }"
}

publish() {
    verify
    case $1 in 127.0.0.1:* | localhost:*) tls=false ;; *) tls=true ;; esac # as Docker does

    # If this image is already there, an earlier run pushed it and then failed: continue after the push.
    if raw "$1:$version" >"$work/there"; then
        [ "sha256:$(sha256sum <"$work/there")" = "$digest  -" ] ||
            die "$1:$version already exists and is another image; a tag never moves"
    else
        case $error in
        *'manifest unknown'* | *'name unknown'*) ;;
        *) die "cannot look up $1:$version: $error" ;;
        esac
        skopeo copy --quiet --all --preserve-digests "--dest-tls-verify=$tls" oci-archive:dist/pause.tar \
            "docker://$1:$version" 2>"$work/error" || die "cannot push $1:$version: $(error)"
    fi

    [ "sha256:$(raw "$1:$version" | sha256sum)" = "$digest  -" ] || die "$1:$version does not have the digest $digest"
    skopeo copy --quiet --all --preserve-digests "--src-tls-verify=$tls" "docker://$1@$digest" \
        "oci:$work/pulled:pause" 2>"$work/error" || die "cannot pull $1@$digest: $(error)"
    mkdir "$work/pushed"
    tar -xf dist/pause.tar -C "$work/pushed"
    diff -r "$work/pushed/blobs" "$work/pulled/blobs" >&2 || die "$1@$digest differs from dist/pause.tar"
    echo "$1@$digest"
}

rehearse() {
    for tool in docker-registry skopeo; do
        command -v $tool >/dev/null || die "$tool is not installed: apt-get install $tool"
    done
    build "v$version"
    cat >"$work/registry.yml" <<END
{ version: 0.1, storage: { filesystem: { rootdirectory: $work/registry } }, http: { addr: "127.0.0.1:0" } }
END
    docker-registry serve "$work/registry.yml" >"$work/log" 2>&1 &
    registry=$!
    until port=$(sed -n 's/.*listening on 127.0.0.1:\([0-9]*\).*/\1/p' "$work/log") && [ "$port" ]; do
        kill -0 $registry 2>/dev/null || die "docker-registry did not start: $(sed -n '$p' "$work/log")"
        sleep 0.1
    done
    image=127.0.0.1:$port/pause
    publish "$image"
    echo "the image pulled by its digest is the one in dist/"
}

# Prints the manifest or index of image $1 in the registry; if that fails, sets $error to the reason.
raw() {
    if skopeo inspect --raw "--tls-verify=$tls" "docker://$1" 2>"$work/error"; then return 0; fi
    error=$(error)
    return 1
}

# Prints skopeo's last line on stderr, without its decoration.
error() { sed -n '$s/.*msg="\(.*\)".*/\1/; $p' "$work/error"; }

die() { echo "publish.sh: $*" >&2; exit 1; }

main "$@"
