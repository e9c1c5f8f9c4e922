//! | | where | source |
//! |---|---|---|
//! | number, arguments | x8; x0 to x4 | syscall(2); arch/arm64/kernel/syscall.c |
//! | result, clobbered | x0; nothing | the same |
//! | at entry | sp points at argc, 16-byte aligned | arch/arm64/include/asm/elf.h, processor.h |
//! | raises SIGILL | `udf #0` | Arm ARM, UDF (permanently undefined); do_el0_undef, arch/arm64/kernel/traps.c |

use core::arch::{asm, naked_asm};
use linux_raw_sys::general as linux;

pub const SA_REQUIRED: u32 = 0;

#[unsafe(naked)]
#[unsafe(no_mangle)]
unsafe extern "C" fn _start() -> ! {
    naked_asm!("mov x0, sp", "bl {start}", start = sym super::start)
}

/// # Safety
/// The arguments must be right for the call.
pub unsafe fn syscall(number: u32, [a, b, c, d, e]: [usize; 5]) -> isize {
    let result;
    // SAFETY: the registers follow the table above; the caller promises that the arguments are right.
    unsafe {
        asm!(
            "svc 0",
            in("x8") number as usize,
            inlateout("x0") a => result,
            in("x1") b, in("x2") c, in("x3") d, in("x4") e,
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
            "mov x1, x0", // the result will be in x0
            "svc 0",
            "mov x8, {exit}",
            "mov x0, x1",
            "svc 0",
            "udf #0",
            exit = const linux::__NR_exit,
            in("x8") linux::__NR_exit_group as usize,
            in("x0") status,
            options(nostack, noreturn),
        )
    }
}
