#!/bin/sh
# Installs the engines that e2e/ uses and this machine lacks, as root on Debian; elsewhere their tests are skipped.
set -eu

missing=
need() {
    command -v "$1" >/dev/null || missing="$missing $2"
}
need /usr/lib/cni/bridge containernetworking-plugins
need buildah buildah
need busybox busybox-static
need conmon conmon
need containerd containerd
need crun crun
need iptables iptables # Docker's published ports
need ip iproute2
need newuidmap uidmap # Podman without root
need nginx nginx-light
need docker-registry docker-registry
need dockerd docker.io
need /usr/lib/podman/netavark netavark
need podman podman
need runc runc
need skopeo skopeo
need umoci umoci

[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "Some tests will be skipped: to run them, install (Debian's names):$missing" >&2
    exit 0
fi
echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
# shellcheck disable=SC2086 # a list of words
apt-get -qq install --yes --no-install-recommends $missing >/dev/null
