//! | | where | source |
//! |---|---|---|
//! | number, arguments | a7; a0 to a4 | syscall(2); arch/riscv/kernel/traps.c |
//! | result, clobbered | a0; the vector registers, which this program does not use | the same; Documentation/arch/riscv/vector.rst |
//! | at entry | sp points at argc, 16-byte aligned | RISC-V psABI, calling convention |
//! | raises SIGILL | `c.unimp`, all zeros | RISC-V ISA, 1.5; do_trap_insn_illegal, arch/riscv/kernel/traps.c |

use core::arch::{asm, naked_asm};
use linux_raw_sys::general as linux;

pub const SA_REQUIRED: u32 = 0;

#[unsafe(naked)]
#[unsafe(no_mangle)]
unsafe extern "C" fn _start() -> ! {
    naked_asm!("mv a0, sp", "call {start}", start = sym super::start)
}

/// # Safety
/// The arguments must be right for the call.
pub unsafe fn syscall(number: u32, [a, b, c, d, e]: [usize; 5]) -> isize {
    let result;
    // SAFETY: the registers follow the table above; the caller promises that the arguments are right.
    unsafe {
        asm!(
            "ecall",
            in("a7") number as usize,
            inlateout("a0") a => result,
            in("a1") b, in("a2") c, in("a3") d, in("a4") e,
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
            "mv a1, a0", // the result will be in a0
            "ecall",
            "li a7, {exit}",
            "mv a0, a1",
            "ecall",
            "c.unimp",
            exit = const linux::__NR_exit,
            in("a7") linux::__NR_exit_group as usize,
            in("a0") status,
            options(nostack, noreturn),
        )
    }
}
