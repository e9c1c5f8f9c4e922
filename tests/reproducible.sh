#!/bin/sh
# Builds everything twice. The second build uses a different directory, toolchain directory, user, umask, locale, time
# zone and number of processors, and sets compiler flags in the environment. All files must be the same.
set -eu
cd "$(dirname "$0")/.."
copies=$(mktemp -d)
trap 'rm -rf "$copies"' EXIT

other=$copies/'another folder'
mkdir "$copies/one" "$other"
for copy in "$copies/one" "$other"; do
    tar --exclude=./target --exclude=./dist --exclude=./.git -cf - . | tar -xf - -C "$copy"
done

# The whole toolchain, except the documentation, which is large.
toolchain=$copies/toolchain
mkdir "$toolchain"
tar --exclude=./share -C "$(rustc --print sysroot)" -cf - . | tar -xf - -C "$toolchain"

cargo="${CARGO:-cargo}"
(cd "$copies/one" && "$cargo" xtask image >/dev/null)
as_another=
if unshare --user --map-user=1234 --map-group=1234 true 2>/dev/null; then
    as_another='unshare --user --map-user=1234 --map-group=1234'
else
    # shellcheck source=proof/kit/skip.sh
    (. proof/kit/skip.sh && skipped "another user for the second build, because no user namespace can be created")
fi
(
    cd "$other"
    umask 077
    export LC_ALL=tr_TR.UTF-8 TZ=Asia/Kathmandu USER=somebody RUSTFLAGS=-Copt-level=0 CARGO_PROFILE_RELEASE_STRIP=none
    export PATH="$toolchain/bin:$PATH"
    $as_another taskset --cpu-list 0 "$toolchain/bin/cargo" xtask image >/dev/null
)
diff -r "$copies/one/dist" "$other/dist"
(cd "$other/dist" && sha256sum --quiet --check SHA256SUMS)
echo "two builds of all platforms and the image: identical bytes"
