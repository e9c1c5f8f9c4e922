//! EABI, ARM state.
//!
//! | | where | source |
//! |---|---|---|
//! | number, arguments | r7; r0 to r4 | syscall(2); arch/arm/kernel/entry-common.S |
//! | result, clobbered | r0; nothing | as above |
//! | at entry | sp points at argc, 8-byte aligned | AAPCS32, 6.2.1.2; arch/arm/include/asm/processor.h |
//! | raises SIGILL | `udf #0` | Arm ARM, UDF (permanently undefined); do_undefinstr, arch/arm/kernel/traps.c |

abi! {
    _start: ["mov r0, sp", "bl {start}"],
    syscall(number, a, b, c, d, e) -> result: [
        "svc 0", in("r7") number, inlateout("r0") a => result, in("r1") b, in("r2") c, in("r3") d, in("r4") e,
    ],
    trap: "udf #0",
}

/// Satisfies the unwind tables of the precompiled `core`, which refer to it and which the linker script discards. It is
/// never called.
#[unsafe(no_mangle)]
extern "C" fn __aeabi_unwind_cpp_pr0() {}
