#!/bin/sh
# Builds kubelet 1.20, which still drives Docker itself, into target/engines/kubelet-1.20, from Debian 12's source with
# Debian's Go. This takes 3 to 8 minutes, once for all clones on this machine.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=proof/packages/debian.sh
program="kubelet 1.20" && . proof/packages/debian.sh
forget kubelet-1.20
here=$PWD/target/engines/kubelet-1.20
rm -rf "$here"
mkdir -p "$kept/engines"
lock engines/kubelet-1.20 # another run waits, and finds what this one built
built=$kept/engines/kubelet-1.20-$(sha256sum <proof/packages/kubelet.sh | cut -c -16)
if [ -d "$built" ]; then
    copy "$built" "$here"
    exit
fi
rm -rf "$kept/engines/kubelet-1.20"-*.part # of a run that was interrupted
mkdir -p "$built.part"
cd "$built.part"

# Only this release contains this Go.
fetch_source bookworm kubernetes golang-1.19-go golang-1.19-src golang-github-modern-go-reflect2-dev ||
    { not_fetched kubelet-1.20 "$why" && exit 0; }
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
mkdir bin
mv go/kubelet bin
mv bin "$built"
cd /
rm -rf "$built.part"
copy "$built" "$here"
