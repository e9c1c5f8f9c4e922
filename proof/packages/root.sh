#!/bin/sh
# Makes target/NAME, the root folder of a newer Debian than this machine may be, with PACKAGES (a list with commas) in it,
# from the archive that this machine uses. Nothing of it starts here, nor is anything installed on this machine.
set -eu
cd "$(dirname "$0")/../.."
name=$1 packages=$2
# shellcheck source=proof/packages/debian.sh
program=$name && . proof/packages/debian.sh
root=$PWD/target/$name
forget "$name"
[ ! -d "$root" ] || exit 0
command -v debootstrap >/dev/null && [ "$(id -u)" = 0 ] || exit 0

make_root() {
    rm -rf "$root.part"
    # shellcheck disable=SC2046 # without an archive it takes Debian's own
    debootstrap --force-check-gpg --variant=minbase "--include=$packages" \
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
not_fetched "$name" "$why"
