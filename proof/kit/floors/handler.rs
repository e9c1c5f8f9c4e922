//! The fastest start in which SIGTERM is not lost: installs a handler for it and sleeps. It builds a `struct sigaction`
//! on the stack (the handler, SA_RESTORER without a restorer, an empty mask), calls rt_sigaction(SIGTERM, it, NULL, 8),
//! and then pause() in a loop. The handler calls exit_group(0).

#![no_std]
#![no_main]
core::arch::global_asm!(
    ".globl _start",
    "_start:",
    "push 0",
    "push 0",
    "push 0x4000000",
    "lea rax, [rip + 3f]",
    "push rax",
    "mov eax, 13",
    "mov edi, 15",
    "mov rsi, rsp",
    "xor edx, edx",
    "mov r10d, 8",
    "syscall",
    "2:",
    "mov eax, 34",
    "syscall",
    "jmp 2b",
    "3:",
    "mov eax, 231",
    "xor edi, edi",
    "syscall",
);
#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    loop {}
}
