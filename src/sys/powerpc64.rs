//! Little endian, ELFv2.
//!
//! | | where | source |
//! |---|---|---|
//! | number, arguments | r0; r3 to r7 | syscall(2); Documentation/arch/powerpc/syscall64-abi.rst |
//! | result | r3; an error is positive with cr0.SO set | the same |
//! | clobbered | r0, r4 to r12, cr0, cr1, cr5 to cr7, ctr, xer | the same |
//! | at entry | r1 points at argc; r12 is the address of `_start` | start_thread, arch/powerpc/kernel/process.c |
//! | a function | r2 is the TOC pointer; the callee may use 32 bytes at r1 | 64-bit ELFv2 ABI, 2.2 |
//! | raises SIGILL | all zeros | Power ISA, illegal instructions; do_program_check, arch/powerpc/kernel/traps.c |

use core::arch::{asm, naked_asm};
use linux_raw_sys::general as linux;

pub const SA_REQUIRED: u32 = 0;

#[unsafe(naked)]
#[unsafe(no_mangle)]
unsafe extern "C" fn _start() -> ! {
    naked_asm!(
        "addis 2, 12, .TOC.-_start@ha",
        "addi 2, 2, .TOC.-_start@l",
        "mr 3, 1",
        "li 0, 0",
        "stdu 0, -32(1)", // a frame with a NULL back chain
        "bl {start}",
        "nop",
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
            "sc",
            "bns+ 2f",
            "neg 3, 3",
            "2:",
            inlateout("r0") number as usize => _,
            inlateout("r3") a => result,
            inlateout("r4") b => _, inlateout("r5") c => _, inlateout("r6") d => _, inlateout("r7") e => _,
            lateout("r8") _, lateout("r9") _, lateout("r10") _, lateout("r11") _, lateout("r12") _,
            lateout("cr0") _, lateout("cr1") _, lateout("cr5") _, lateout("cr6") _, lateout("cr7") _,
            lateout("ctr") _, lateout("xer") _,
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
            "mr 31, 3", // the result will be in r3
            "sc",
            "li 0, {exit}",
            "mr 3, 31",
            "sc",
            ".long 0",
            exit = const linux::__NR_exit,
            in("r0") linux::__NR_exit_group as usize,
            in("r3") status,
            options(nostack, noreturn),
        )
    }
}
