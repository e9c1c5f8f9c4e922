#!/bin/sh
# Builds the test proof/instructions for machines that have nothing but busybox, into target/instructions/ARCHITECTURE: a
# static program, linked by rust-lld. arm64's target of Rust comes with a libc (musl); for ppc64le and s390x it is Debian's.
# No other architecture has single steps: arm and riscv64 lack PTRACE_SINGLESTEP.
set -eu
cd "$(dirname "$0")/../.."
mkdir -p target/instructions
export CARGO_PROFILE_BENCH_STRIP=symbols

build() { # ARCHITECTURE TARGET [RUSTC'S FLAG...]
    arch=$1 target=$2
    shift 2
    built=$(RUSTFLAGS="-Clinker=rust-lld $*" cargo test --locked --profile bench --no-run --package instructions \
        --target "$target" 2>&1) || { echo "$built" >&2 && exit 1; }
    cp "$(echo "$built" | sed -n 's/^ *Executable .*(\(.*\))$/\1/p')" "target/instructions/$arch"
}
with_debians_libc() { # ARCHITECTURE TARGET TRIPLE
    libc=$PWD/target/libc/$3
    [ ! -d "$libc" ] || build "$1" "$2" -Clinker-flavor=ld.lld -Ctarget-feature=+crt-static -Crelocation-model=static \
        "-Clink-arg=$libc/crt1.o" "-Clink-arg=$libc/crti.o" "-Clink-arg=$libc/crtn.o" "-L$libc"
}
proof/packages/libc.sh
build arm64 aarch64-unknown-linux-musl
with_debians_libc ppc64le powerpc64le-unknown-linux-gnu powerpc64le-linux-gnu
with_debians_libc s390x s390x-unknown-linux-gnu s390x-linux-gnu
