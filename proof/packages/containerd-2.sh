#!/bin/sh
# Makes target/containerd-2, the root of a Debian that has containerd 2 and its runc, from the archive that this machine
# uses.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=proof/packages/debian.sh
program="containerd 2" && . proof/packages/debian.sh
root=$PWD/target/containerd-2
forget containerd-2
[ ! -d "$root" ] || exit 0
command -v debootstrap >/dev/null && [ "$(id -u)" = 0 ] || exit 0

make_root() {
    rm -rf "$root.part"
    # shellcheck disable=SC2046 # without an archive it takes Debian's own
    debootstrap --force-check-gpg --variant=minbase --include=containerd,containernetworking-plugins,runc \
        --cache-dir="$root.debs" "$1" "$root.part" $(archives | head -n 1) >"$root.log" 2>&1
}
mkdir -p "$root.debs"
why=
for release in testing sid; do
    if retry make_root "$release"; then
        echo 127.0.0.1 localhost >"$root.part/etc/hosts"
        mv "$root.part" "$root"
        rm -rf "$root.debs"
        exit 0
    fi
    why="$why${why:+; }$release: $(grep -m 1 '^E: ' "$root.log" || tail -n 1 "$root.log")"
done
not_fetched containerd-2 "$why"
