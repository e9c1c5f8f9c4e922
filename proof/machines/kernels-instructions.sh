#!/bin/sh
# Builds the test proof/instructions for machines that have only BusyBox, into target/instructions/ARCHITECTURE: a
# static program, linked by rust-lld. Rust's target for arm64 contains a libc (musl); for ppc64le, Debian's is used.
# Other architectures cannot be stepped: the kernel has no PTRACE_SINGLESTEP for arm and riscv64, and on s390x QEMU 7.2
# steps past branches (`brasl`) instead of taking them.
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
proof/packages/libc.sh
build arm64 aarch64-unknown-linux-musl
libc=$PWD/target/libc
[ ! -d "$libc" ] || build ppc64le powerpc64le-unknown-linux-gnu -Clinker-flavor=ld.lld -Ctarget-feature=+crt-static \
    -Crelocation-model=static "-Clink-arg=$libc/crt1.o" "-Clink-arg=$libc/crti.o" "-Clink-arg=$libc/crtn.o" "-L$libc"
