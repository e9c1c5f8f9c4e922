#!/bin/sh
# Builds a kubelet into target/kubelet/kubelet, from Debian's source with Debian's Go: 3 to 8 minutes, once.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=proof/packages/debian.sh
program="the kubelet" && . proof/packages/debian.sh
mkdir -p target/kubelet
cd target/kubelet
forget kubelet
[ ! -x kubelet ] || exit 0

# Only this release has this Go.
fetch_source bookworm kubernetes golang-1.19-go golang-1.19-src golang-github-modern-go-reflect2-dev ||
    { not_fetched kubelet "$why"; exit 0; }
for package in *.deb; do
    dpkg -x "$package" debian
done
source=go/src/k8s.io/kubernetes
mkdir -p $source
tar -xf kubernetes_*.orig.tar.* --strip-components=1 -C $source
# The vendored reflect2 breaks with Go 1.18 and later.
reflect2=github.com/modern-go/reflect2
rm -rf $source/vendor/$reflect2
cp -r debian/usr/share/gocode/src/$reflect2 $source/vendor/$reflect2

version=$(echo kubernetes_*.orig.tar.* | sed 's/.*[_y]\([0-9.]*\)\.orig.*/v\1/') # of 1.20.5+really1.20.2: v1.20.2
export GOROOT="$PWD/debian/usr/lib/go-1.19" GOPATH="$PWD/go" GOCACHE="$PWD/cache" GO111MODULE=off CGO_ENABLED=0
(
    cd $source
    "$GOROOT/bin/go" build -o "$GOPATH/kubelet" \
        -ldflags "-s -w -X k8s.io/kubernetes/vendor/k8s.io/component-base/version.gitVersion=$version" ./cmd/kubelet
)
mv go/kubelet .
rm -rf ./*.deb apt cache debian go kubernetes_*
