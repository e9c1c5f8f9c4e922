//! | | where | source |
//! |---|---|---|
//! | number, arguments | r1; r2 to r6 | syscall(2); arch/s390/kernel/syscall.c |
//! | result, clobbered | r2; nothing: the kernel restores the others | system_call, arch/s390/kernel/entry.S |
//! | at entry | r15 points at argc, 8-byte aligned | s390x ELF ABI, process initialization |
//! | a function | the callee may use 160 bytes at r15; the first 8 are the back chain | s390x ELF ABI, stack frame |
//! | raises SIGILL | operation code 00 | Principles of Operation, ch. 6; illegal_op, arch/s390/kernel/traps.c |

use core::arch::{asm, naked_asm};
use linux_raw_sys::general as linux;

pub const SA_REQUIRED: u32 = 0;

#[unsafe(naked)]
#[unsafe(no_mangle)]
unsafe extern "C" fn _start() -> ! {
    naked_asm!(
        "lgr %r2, %r15",
        "aghi %r15, -160",
        "xc 0(8,%r15), 0(%r15)", // a NULL back chain
        "brasl %r14, {start}",
        start = sym super::start,
    )
}

/// # Safety
/// The arguments must be right for the call.
pub unsafe fn syscall(number: u32, [a, b, c, d, e]: [usize; 5]) -> isize {
    let result;
    // SAFETY: the registers follow the table above; the caller promises that the arguments are right.
    unsafe {
        asm!(
            "svc 0",
            in("r1") number as usize,
            inlateout("r2") a => result,
            in("r3") b, in("r4") c, in("r5") d, in("r6") e,
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
            "lgr %r3, %r2", // the result will be in r2
            "svc 0",
            "lghi %r1, {exit}",
            "lgr %r2, %r3",
            "svc 0",
            ".short 0",
            exit = const linux::__NR_exit,
            in("r1") linux::__NR_exit_group as usize,
            in("r2") status,
            options(nostack, noreturn),
        )
    }
}
