#!/bin/sh
# Installs the image of pause on a node out of this file. Nothing runs before its last line. Apache-2.0.
set -eu
name=@NAME@

usage() {
    cat <<END
Usage: sh pause-install.sh [--as NAME|configured] [--check]
Imports $name into each engine that is found: containerd, k3s, RKE2, CRI-O, Docker, Podman.
  --as NAME        under this name
  --as configured  under the name of the engine's configured sandbox image
  --check          change nothing; say what is there and what to do
END
}

main() {
    as=$name check=
    while [ $# -gt 0 ]; do
        case $1 in
        --as) [ $# -gt 1 ] || die "--as needs a name"; as=$2; shift ;;
        --check) check=yes ;;
        -h | --help) usage; exit ;;
        *) die "unknown option $1; see --help" ;;
        esac
        shift
    done
    case $as in
    configured) ;;
    *[!A-Za-z0-9._/:-]* | *[A-Z]*:* | -* | *: | '') die "not the name of an image: $as" ;;
    *:*) ;;
    *) die "write the tag out: $as:TAG" ;;
    esac
    [ "$(id -u)" = 0 ] || die "run this as root"
    case $(uname -m) in
    x86_64) arch=amd64 ;;
    aarch64) arch=arm64 ;;
    armv7l | armv8l) arch=arm ;;
    riscv64 | ppc64le | s390x) arch=$(uname -m) ;;
    *) die "pause is not made for this architecture: $(uname -m)" ;;
    esac
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    trap 'exit 1' HUP INT TERM
    mkdir "$folder/image"
    payload | base64 -d >"$folder/gz" 2>/dev/null || :
    echo "@SHA256@  $folder/gz" | sha256sum -c >/dev/null 2>&1 || die "this file is damaged: get it again"
    gzip -dc "$folder/gz" | tar -xf - -C "$folder/image"
    cp "$folder/image/index.json" "$folder"

    found='' failed=''
    rke2=/var/lib/rancher/rke2
    if has k3s; then engine k3s containerd k3s ctr; fi
    if has $rke2/bin/ctr; then engine RKE2 containerd $rke2/bin/ctr -a /run/k3s/containerd/containerd.sock; fi
    if has ctr; then engine containerd containerd ctr; fi
    if has crio; then engine CRI-O crio; fi
    if has docker; then engine Docker docker; fi
    if has podman && ! has crio; then engine Podman podman; fi
    [ "$found" ] || die "no engine is found: none of ctr, k3s, crio, docker, podman is in PATH"
    [ -z "$failed" ] || exit 1
}

# Engine $1 of kind $2, whose client is the rest. If one fails, the others still get theirs.
engine() {
    found=yes title=$1 kind=$2
    shift 2
    if ("${kind}_" "$@"); then :; else failed=yes; fi
}

containerd_() {
    on "$@" version || fail "is not running"
    case $title in
    k3s | RKE2) config="cat /var/lib/rancher/$(echo "$title" | tr KER ker)/agent/etc/containerd/config.toml" ;;
    *) config='containerd config dump' ;;
    esac
    # containerd 1 and 2
    configured=$($config 2>/dev/null | sed -n "s/^ *sandbox\(_image\)\{0,1\} *= *[\"']\(.*\)[\"'].*/\2/p" | head -n 1)
    set -- "$@" -n k8s.io images
    choose
    old=$("$@" ls "name==$ref" | sed 1d)
    set_it="set it as --pause-image and restart"
    [ "$title" != containerd ] || set_it="set it as sandbox_image (containerd 2: pinned_images.sandbox) and restart"
    [ "$ref" != "$configured" ] || set_it='it is the configured sandbox image'
    if [ "$check" ]; then
        pinned='not pinned: garbage collection may take it'
        case $old in *pinned=pinned*) pinned=pinned ;; esac
        report "$old" "$pinned" "linux/$arch"
        return
    fi
    pack || fail "cannot make the archive"
    on "$@" import "$folder/tar" || fail "cannot import"
    on "$@" label "$ref" io.cri-containerd.image=managed io.cri-containerd.pinned=pinned || {
        [ "$old" ] || "$@" rm "$ref" >/dev/null 2>&1
        fail "cannot label"
    }
    # shellcheck disable=SC2086 # columns
    installed "$(set -- $old && echo "${3:-}")" "pinned; $set_it"
}

crio_() {
    configured=$(crio config 2>/dev/null | sed -n 's/^[# ]*pause_image = "\(.*\)"/\1/p' | head -n 1)
    storage pinned_images
}

podman_() {
    configured=$(sed -n 's/^ *infra_image *= *"\(.*\)"/\1/p' /etc/containers/containers.conf 2>/dev/null | head -n 1)
    storage infra_image
}

# CRI-O's and Podman's images are in one place, which either tool fills.
storage() {
    choose
    case $1 in
    infra_image) set_it="set [engine] infra_image = \"$ref\" and infra_command = \"/pause\" in containers.conf" ;;
    *) set_it="set [crio.image] pause_image = \"$ref\" and pinned_images = [\"$ref\"], and restart" ;;
    esac
    old=$(if has podman; then podman image inspect -f '{{.Digest}} linux/{{.Architecture}}' "$ref"; else
        skopeo inspect -f '{{.Digest}} linux/{{.Architecture}}' "containers-storage:$ref"; fi 2>/dev/null) || old=
    if [ "$check" ]; then report "$old" 'kept by its configuration alone' "linux/$arch"; return; fi
    pack || fail "cannot make the archive"
    if has podman; then on podman load -i "$folder/tar" || fail "cannot load"; else
        on skopeo copy "docker-archive:$folder/tar" "containers-storage:$ref" || fail "cannot copy"; fi
    installed "${old%% *}" "$set_it"
}

docker_() {
    on docker version || fail "is not running"
    configured=
    choose
    old=$(docker image inspect -f '{{.Id}} linux/{{.Architecture}}' "$ref" 2>/dev/null) || old=
    set_it="use it: docker run -d --name pause --ipc=shareable $ref"
    if [ "$check" ]; then report "$old" 'Docker itself collects no tagged image' "linux/$arch"; return; fi
    pack || fail "cannot make the archive"
    on docker load -i "$folder/tar" || fail "cannot load"
    installed "${old%% *}" "$set_it"
}

# The name to install under.
choose() {
    ref=$as
    [ "$as" != configured ] || ref=${configured:-$name}
    case $ref in *@*) fail "the configured name has a digest, which no other image can have: $ref" ;; esac
}

# The archive under that name, whose manifest.json (for docker) is of this architecture.
pack() (
    cd "$folder/image/blobs/sha256"
    config=$(grep -l "^{\"architecture\":\"$arch\"" ./*)
    layer=$(sed -n "s|.*${config#./}.*\"layers\":\[{\"digest\":\"sha256:\([0-9a-f]*\).*|\1|p" ./*)
    cd ../..
    sed "s|$name|$ref|" ../index.json >index.json
    b=blobs/sha256
    echo "[{\"Config\":\"$b/${config#./}\",\"Layers\":[\"$b/$layer\"],\"RepoTags\":[\"$ref\"]}]" >manifest.json
    tar -cf ../tar ./*
)

report() {
    case $1 in
    '') state="not present; run this without --check" ;;
    *"$3"*) state="present for $3, $2" ;;
    *) state="present, but not for $3; run this without --check" ;;
    esac
    echo "$title: configured: ${configured:-none}; $ref is $state; $set_it"
}

installed() {
    echo "$title: $ref is installed (before: ${1:-nothing}); $2"
}

on() { "$@" >/dev/null 2>"$folder/error" </dev/null; }
has() { command -v "$1" >/dev/null 2>&1; }
fail() { echo "$title: $1$(sed 's/^/: /; q' "$folder/error" 2>/dev/null)" >&2; exit 1; }
die() { echo "pause-install: $*" >&2; exit 1; }

payload() {
    cat <<'END'
@PAYLOAD@
END
}

main "$@"
