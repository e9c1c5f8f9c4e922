//! | | where | source |
//! |---|---|---|
//! | number, arguments | rax; rdi, rsi, rdx, r10, r8 | syscall(2); System V AMD64 psABI, A.2.1 |
//! | result, clobbered | rax; rcx, r11 | the same |
//! | at entry | rsp points at argc, 16-byte aligned | psABI, 3.4.1 |
//! | raises SIGILL | `ud2` | Intel SDM, UD; exc_invalid_op, arch/x86/kernel/traps.c |

use core::arch::{asm, naked_asm};
use linux_raw_sys::general as linux;

/// The kernel kills a process whose handler has no restorer (`x64_setup_rt_frame`,
/// arch/x86/kernel/signal_64.c). The flag alone is enough for handlers that do not return.
pub const SA_REQUIRED: u32 = linux::SA_RESTORER;

#[unsafe(naked)]
#[unsafe(no_mangle)]
unsafe extern "C" fn _start() -> ! {
    naked_asm!("xor ebp, ebp", "mov rdi, rsp", "call {start}", start = sym super::start)
}

/// # Safety
/// The arguments must be right for the call.
pub unsafe fn syscall(number: u32, [a, b, c, d, e]: [usize; 5]) -> isize {
    let result;
    // SAFETY: the registers follow the table above; the caller promises that the arguments are right.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number as usize => result,
            in("rdi") a, in("rsi") b, in("rdx") c, in("r10") d, in("r8") e,
            lateout("rcx") _, lateout("r11") _,
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
            "syscall",
            "mov eax, {exit}",
            "syscall",
            "ud2",
            exit = const linux::__NR_exit,
            in("rax") linux::__NR_exit_group as usize,
            in("rdi") status,
            options(nostack, noreturn),
        )
    }
}
