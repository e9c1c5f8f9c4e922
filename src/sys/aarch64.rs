//! | | where | source |
//! |---|---|---|
//! | number, arguments | x8; x0 to x4 | syscall(2); arch/arm64/kernel/syscall.c |
//! | result, clobbered | x0; nothing | the same |
//! | at entry | sp points at argc, 16-byte aligned | arch/arm64/include/asm/elf.h, processor.h |
//! | raises SIGILL | `udf #0` | Arm ARM, UDF (permanently undefined); do_el0_undef, arch/arm64/kernel/traps.c |

use core::arch::{asm, naked_asm};

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
    // SAFETY: the registers are as the table above says; the arguments are the caller's promise.
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

/// Ends the process by SIGILL.
pub fn trap() -> ! {
    // SAFETY: the instruction changes nothing, and execution never continues after it.
    unsafe { asm!("udf #0", options(nomem, nostack, noreturn)) }
}
