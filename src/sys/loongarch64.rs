//! | | where | source |
//! |---|---|---|
//! | number, arguments | a7; a0 to a4 | syscall(2); do_syscall, arch/loongarch/kernel/syscall.c |
//! | result, clobbered | a0; t0 to t8 | the same; handle_syscall, arch/loongarch/kernel/entry.S, does not save them |
//! | at entry | sp points at argc, 16-byte aligned | LoongArch psABI, calling convention |
//! | raises SIGILL | `ud 2` | LoongArch reference manual, 2.2.7.1; do_ri, arch/loongarch/kernel/traps.c |
//!
//! `ud` is `amswap.w` with the same register for result and address, which is undefined for every register. QEMU 7.2
//! nevertheless executes the usual one, `ud 0`.

use core::arch::{asm, naked_asm};
use linux_raw_sys::general as linux;

pub const SA_REQUIRED: u32 = 0;

#[unsafe(naked)]
#[unsafe(no_mangle)]
unsafe extern "C" fn _start() -> ! {
    naked_asm!("move $a0, $sp", "bl {start}", start = sym super::start)
}

/// # Safety
/// The arguments must be right for the call.
pub unsafe fn syscall(number: u32, [a, b, c, d, e]: [usize; 5]) -> isize {
    let result;
    // SAFETY: the registers follow the table above; the caller promises that the arguments are right.
    unsafe {
        asm!(
            "syscall 0",
            in("$a7") number as usize,
            inlateout("$a0") a => result,
            in("$a1") b, in("$a2") c, in("$a3") d, in("$a4") e,
            lateout("$t0") _, lateout("$t1") _, lateout("$t2") _, lateout("$t3") _, lateout("$t4") _,
            lateout("$t5") _, lateout("$t6") _, lateout("$t7") _, lateout("$t8") _,
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
            "move $a1, $a0", // the result will be in a0
            "syscall 0",
            "li.w $a7, {exit}",
            "move $a0, $a1",
            "syscall 0",
            "ud 2",
            exit = const linux::__NR_exit,
            in("$a7") linux::__NR_exit_group as usize,
            in("$a0") status,
            options(nostack, noreturn),
        )
    }
}
