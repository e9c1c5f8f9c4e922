#!/bin/sh
# Makes target/newer-debian, a root directory with Debian testing, for tests of programs that this machine may lack:
# cloud-init, Compose 2, Podman 5, crun and a client of Docker 29. It is a link to a directory that all clones on this
# machine share. Nothing is installed on the machine itself.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=proof/packages/debian.sh
program="a newer Debian" && . proof/packages/debian.sh
# debootstrap does not resolve virtual packages: cloud-init needs python3-cffi-backend.
packages=cloud-init,conmon,crun,docker-cli,docker-compose,iproute2,iptables,netavark,podman
packages=$packages,python3-cffi-backend,skopeo,systemd
root=$kept/newer-debian-$(sha256sum <proof/packages/newer-debian.sh | cut -c -16)
forget newer-debian
rm -rf target/newer-debian
command -v debootstrap >/dev/null && [ "$(id -u)" = 0 ] || exit 0
mkdir -p target
lock newer-debian # another run waits, and finds what this one made

finish() {
    ln -s "$root" target/newer-debian
    exit 0
}
[ ! -d "$root" ] || finish

make_root() {
    rm -rf "$root.part"
    # shellcheck disable=SC2046 # if there is no archive, debootstrap uses Debian's own
    debootstrap --force-check-gpg --variant=minbase "--include=$packages" \
        --cache-dir="$root.debs" "$1" "$root.part" $(archives | head -n 1) >"$root.log" 2>&1
}
rm -rf "$kept"/newer-debian-*.part # of a run that was interrupted
mkdir -p "$root.debs"
why=
for release in testing sid; do
    if retry make_root "$release"; then
        echo 127.0.0.1 localhost >"$root.part/etc/hosts"
        mv "$root.part" "$root"
        rm -rf "$root.debs"
        finish
    fi
    why="$why${why:+; }$release: $(grep -m 1 '^E: ' "$root.log" || tail -n 1 "$root.log")"
done
not_fetched newer-debian "$why"
