#!/bin/sh
# Unpacks into target/loong64/ what boots a loong64 kernel: QEMU and its firmware, from the first release of Debian that
# delivers both. The kernels are EFI images, for which QEMU 7.2 has no firmware. The unpacked QEMU runs with its
# own libraries; nothing is installed, and no root is needed.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=proof/packages/debian.sh
program="a QEMU for loong64" && . proof/packages/debian.sh
command -v dpkg >/dev/null && [ "$(dpkg --print-architecture)" = amd64 ] || cannot_be_had "$0 runs only on amd64"
mkdir -p target/loong64
cd target/loong64
forget 'QEMU for loong64'
[ ! -x qemu-system-loongarch64 ] || exit 0

deliver() { # RELEASE
    use_release "$1" deb
    rm -rf root apt/cache/archives/*.deb
    apt_own apt-get update && apt_own apt-get install --yes --download-only --no-install-recommends \
        qemu-system-misc qemu-efi-loongarch64 || return
    for package in apt/cache/archives/*.deb; do
        dpkg -x "$package" root || return
    done
    cp root/usr/share/qemu-efi-loongarch64/QEMU_EFI.fd root/usr/share/qemu/loongarch64.fd
}
wrap() {
    # Modules of this machine's own QEMU would not match.
    cat >part <<END
#!/bin/sh
export QEMU_MODULE_DIR=$PWD/root/usr/lib/x86_64-linux-gnu/qemu
exec $PWD/root/usr/lib64/ld-linux-x86-64.so.2 --library-path $PWD/root/usr/lib/x86_64-linux-gnu \\
    $PWD/root/usr/bin/qemu-system-loongarch64 -L $PWD/root/usr/share/qemu "\$@"
END
    chmod 0755 part
    ./part --version >/dev/null && mv part qemu-system-loongarch64
}

why=
prepare_apt
for release in trixie forky sid; do
    if deliver "$release" 2>apt/log >/dev/null && wrap 2>apt/log; then
        rm -rf apt
        exit 0
    fi
    why="$why${why:+; }$release: $(reason <apt/log)"
done
rm -rf apt root part
not_fetched 'QEMU for loong64' "$why"
