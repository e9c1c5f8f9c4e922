#!/bin/sh
# Makes target/containerd-2, the root of a Debian (testing) that has containerd 2 and its runc, from the archive that
# this machine uses. What cannot be had is said, and the test that needs it is skipped.
set -eu
cd "$(dirname "$0")/../.."
root=$PWD/target/containerd-2
[ ! -d "$root" ] || exit 0
command -v debootstrap >/dev/null && [ "$(id -u)" = 0 ] || exit 0

apt-get -qq update
# shellcheck disable=SC2016 # apt's own variable
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Label: Debian' | head -n 1)
rm -rf "$root.part"
# shellcheck disable=SC2086 # without a mirror it takes Debian's own
debootstrap --force-check-gpg --variant=minbase --include=containerd,containernetworking-plugins,runc \
    testing "$root.part" $mirror >"$root.log" || { tail -n 3 "$root.log" >&2; exit 0; }
echo 127.0.0.1 localhost >"$root.part/etc/hosts"
mv "$root.part" "$root"
