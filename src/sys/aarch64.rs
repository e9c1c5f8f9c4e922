//! | | where | source |
//! |---|---|---|
//! | number, arguments | x8; x0 to x4 | syscall(2); arch/arm64/kernel/syscall.c |
//! | result, clobbered | x0; what SVE adds to the vector registers, which this program does not use | as above; Documentation/arch/arm64/sve.rst |
//! | at entry | sp points at argc, 16-byte aligned | arch/arm64/include/asm/elf.h, processor.h |
//! | raises SIGILL | `udf #0` | Arm ARM, UDF (permanently undefined); do_el0_undef, arch/arm64/kernel/traps.c |

abi! {
    _start: ["mov x0, sp", "bl {start}"],
    syscall(number, a, b, c, d, e) -> result: [
        "svc 0", in("x8") number, inlateout("x0") a => result, in("x1") b, in("x2") c, in("x3") d, in("x4") e,
    ],
    trap: "udf #0",
}
