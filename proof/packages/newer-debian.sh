#!/bin/sh
# Makes target/newer-debian, a root folder with Debian testing, for tests of programs that this machine may lack:
# cloud-init, Compose 2 and Podman 5. Nothing is installed on this machine itself.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=proof/packages/debian.sh
program="a newer Debian" && . proof/packages/debian.sh
root=$PWD/target/newer-debian
forget newer-debian
[ ! -d "$root" ] || exit 0
command -v debootstrap >/dev/null && [ "$(id -u)" = 0 ] || exit 0
# debootstrap does not resolve virtual packages: cloud-init needs python3-cffi-backend.
packages=cloud-init,conmon,crun,docker-compose,netavark,podman,python3-cffi-backend,systemd

make_root() {
    rm -rf "$root.part"
    # shellcheck disable=SC2046 # if there is no archive, debootstrap uses Debian's own
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
not_fetched newer-debian "$why"
