//! The smallest possible program: it only pauses. (amd64)
#![no_std]
#![no_main]

core::arch::global_asm!(".globl _start", "_start: mov eax, 34", "syscall", "jmp _start");

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    loop {}
}
