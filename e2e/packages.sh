#!/bin/sh
# Installs the engines that e2e/ uses and this machine lacks, as root on Debian; elsewhere their tests are skipped.
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=tests/need.sh
. tests/need.sh

need /usr/lib/cni/bridge containernetworking-plugins
need buildah buildah
need busybox busybox-static
need conmon conmon
need containerd containerd
need crun crun
need debootstrap "debootstrap debian-archive-keyring"
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

install_missing ||
    echo "Some tests will be skipped: to run them, install (Debian's names):$missing" >&2
