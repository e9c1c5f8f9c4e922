//! EABI, ARM state.
//!
//! | | where | source |
//! |---|---|---|
//! | number, arguments | r7; r0 to r4 | syscall(2); arch/arm/kernel/entry-common.S |
//! | result, clobbered | r0; nothing | the same |
//! | at entry | sp points at argc, 8-byte aligned | AAPCS32, 6.2.1.2; arch/arm/include/asm/processor.h |
//! | raises SIGILL | `udf #0` | Arm ARM, UDF (permanently undefined); do_undefinstr, arch/arm/kernel/traps.c |

use core::arch::{asm, naked_asm};
use linux_raw_sys::general as linux;

pub const SA_REQUIRED: u32 = 0;

#[unsafe(naked)]
#[unsafe(no_mangle)]
unsafe extern "C" fn _start() -> ! {
    naked_asm!("mov r0, sp", "bl {start}", start = sym super::start)
}

/// # Safety
/// The arguments must be right for the call.
pub unsafe fn syscall(number: u32, [a, b, c, d, e]: [usize; 5]) -> isize {
    let result;
    // SAFETY: the registers follow the table above; the caller promises that the arguments are right.
    unsafe {
        asm!(
            "svc 0",
            in("r7") number as usize,
            inlateout("r0") a => result,
            in("r1") b, in("r2") c, in("r3") d, in("r4") e,
            options(nostack),
        )
    };
    result
}

/// Ends the process by `exit_group`; if that is refused, by `exit`; if that is refused too, by SIGILL.
#[inline(never)] // six callers, one copy
pub fn exit(status: usize) -> ! {
    // SAFETY: the registers follow the table above; no pointer is passed; nothing is executed after the last line.
    unsafe {
        asm!(
            "mov r1, r0", // the result will be in r0
            "svc 0",
            "mov r7, {exit}",
            "mov r0, r1",
            "svc 0",
            "udf #0",
            exit = const linux::__NR_exit,
            in("r7") linux::__NR_exit_group as usize,
            in("r0") status,
            options(nostack, noreturn),
        )
    }
}

/// Never called. The unwind tables of the precompiled `core` refer to it, and the linker script discards those.
#[unsafe(no_mangle)]
extern "C" fn __aeabi_unwind_cpp_pr0() {}
