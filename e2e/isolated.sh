#!/bin/sh
# Runs "$@" where engines find their usual folders empty, and where all that they start and mount goes with it.
set -eu
[ "$(id -u)" = 0 ] || { echo "the tests in engines run as root" >&2; exit 1; }
# shellcheck disable=SC2016 # for the inner shell
exec unshare --mount --pid --fork --kill-child --mount-proc sh -euc '
    for folder in /run /etc/containerd /etc/docker /var/lib/containerd /var/lib/docker /var/lib/containers; do
        mkdir -p "$folder"
        mount -t tmpfs -o mode=0755 tmpfs "$folder"
    done
    exec "$@"' sh "$@"
