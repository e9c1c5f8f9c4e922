#!/bin/sh
# Fetches Debian's kernels, each with a BusyBox, into target/kernels/PACKAGE/: `kernel`, `busybox`, MODULE.ko for each
# module, and `fetched`, with the request and the release that delivered it. Reads one request per line:
#     ARCHITECTURE PACKAGE [MODULE...]
# Takes each from the first release that delivers it, and keeps it, for all clones on this machine. What no release
# delivers is recorded as not fetched.
# With arguments, RELEASE..., uses only these releases, and the directory is target/kernels/RELEASE/PACKAGE/ with the
# first.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=proof/packages/debian.sh
program="a kernel" && . proof/packages/debian.sh
# trixie is the first release with riscv64; sid, which may be broken, is the last resort.
releases=${*:-trixie forky bookworm sid}
folder=${1+$1/}
mkdir -p "target/kernels/$folder"
cd "target/kernels/$folder"

lines=$(cat)
missing() {
    echo "$lines" | while read -r arch package modules; do
        grep -qsFx "$arch $package${modules:+ $modules}" "$package/fetched" || echo "$arch $package $modules"
    done
}
lock kernels
missing | while read -r arch package modules; do # take what another clone has fetched
    ! grep -qsFx "$arch $package${modules:+ $modules}" "$kept/kernels/$folder$package/fetched" ||
        copy "$kept/kernels/$folder$package" "$PWD/$package"
done

deliver() { # ARCHITECTURE PACKAGE [MODULE...], from the release whose lists apt has
    line=$* arch=$1 package=$2
    shift 2
    rm -rf part
    mkdir part
    # From forky on, the kernel and its modules are in separate packages, on which linux-image depends.
    packages=$(of_arch apt-cache depends --recurse --important "$package" |
        grep -Ex "linux-(image|binary${1+|modules})-[0-9].*" | sort -u)
    [ -n "$packages" ] || return
    # shellcheck disable=SC2086 # a list of words
    (cd part && of_arch apt-get download $packages busybox-static) || return
    for deb in part/linux-*.deb; do
        for file in 'vmlinu[xz]*' $(printf '%s.ko.xz ' "$@"); do # not every package has all of them
            dpkg-deb --fsys-tarfile "$deb" | tar -x -C part --transform='s|.*/||' --wildcards "*/$file" 2>/dev/null || :
        done
    done
    mv part/vmlinu* part/kernel || return
    for module; do
        xz --decompress "part/$module.ko.xz" || return
    done
    dpkg-deb --fsys-tarfile part/busybox-static_*.deb | tar -xO --wildcards '*/bin/busybox' >part/busybox || return
    chmod 0755 part/busybox
    rm part/*.deb
    printf '%s\n' "$line" "$release" >part/fetched
    rm -rf "$package"
    mv part "$package"
    copy "$PWD/$package" "$kept/kernels/$folder$package"
}
of_arch() {
    tool=$1
    shift
    apt_own "$tool" -o APT::Architecture="$arch" -o APT::Architectures="$arch" -o APT::Default-Release="$prefer" "$@"
}

[ -z "$(missing)" ] || { prepare_apt && : >apt/reasons; }
for release in $releases; do
    for arch in $(missing | cut -d ' ' -f 1 | sort -u); do
        use_release "$release" deb
        prefer=
        rm -f apt/sources/base.list
        case $release in *-backports) # it has no BusyBox
            prefer=$release
            sed "s/ $release / ${release%-backports} /" apt/sources/debian.list >apt/sources/base.list
            ;;
        esac
        if ! of_arch apt-get update 2>apt/log && grep -q InRelease apt/log; then
            echo "every $release: $(reason <apt/log)" >>apt/reasons
            break
        fi
        missing | grep "^$arch " | while read -r line; do
            # shellcheck disable=SC2086 # a list of words
            deliver $line 2>>apt/log || echo "$arch $release: $(reason <apt/log)" >>apt/reasons
        done
    done
done

echo "$lines" | while read -r _ package _; do
    forget "kernel $folder$package"
done
missing | while read -r arch package _; do
    not_fetched "kernel $folder$package" "$(sed -En "s/^($arch|every) //p" apt/reasons | uniq | paste -sd ';')"
done
rm -rf apt part
