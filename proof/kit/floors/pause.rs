//! The smallest possible program: it only pauses. `ppoll(NULL, 0, NULL, NULL)` replaces a missing `pause`.
#![no_std]
#![no_main]

use core::arch::global_asm;

#[cfg(target_arch = "x86_64")]
global_asm!(".globl _start", "_start: mov eax, 34", "syscall", "jmp _start");

#[cfg(target_arch = "aarch64")]
global_asm!(
    ".globl _start",
    "_start: mov x0, 0",
    "mov x1, 0",
    "mov x2, 0",
    "mov x3, 0",
    "mov x8, 73",
    "svc 0",
    "b _start",
);

#[cfg(target_arch = "powerpc64")]
global_asm!(".globl _start", "_start: li 0, 29", "sc", "b _start");

#[cfg(target_arch = "loongarch64")]
global_asm!(
    ".globl _start",
    "_start: move $a0, $zero",
    "move $a1, $zero",
    "move $a2, $zero",
    "move $a3, $zero",
    "li.w $a7, 73",
    "syscall 0",
    "b _start",
);

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    loop {}
}
