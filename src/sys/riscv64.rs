//! | | where | source |
//! |---|---|---|
//! | number, arguments | a7; a0 to a4 | syscall(2); arch/riscv/kernel/traps.c |
//! | result, clobbered | a0; the vector registers, which this program does not use | the same; Documentation/arch/riscv/vector.rst |
//! | at entry | sp points at argc, 16-byte aligned | RISC-V psABI, calling convention |
//! | raises SIGILL | `c.unimp`, all zeros | RISC-V ISA, 1.5; do_trap_insn_illegal, arch/riscv/kernel/traps.c |

use core::arch::{asm, naked_asm};

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
    // SAFETY: the registers are as the table above says; the arguments are the caller's promise.
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

/// Ends the process by SIGILL.
pub fn trap() -> ! {
    // SAFETY: the instruction changes nothing, and execution never continues after it.
    unsafe { asm!("c.unimp", options(nomem, nostack, noreturn)) }
}
