//! The smallest program that makes pause's system calls, which src/main.rs explains. (amd64)
#![no_std]
#![no_main]

core::arch::global_asm!(
    ".globl _start",
    "_start: sub rsp, 32", // a kernel_sigaction: handler, flags, no restorer, mask
    "lea rax, [rip + end]",
    "mov [rsp], rax",
    "mov qword ptr [rsp + 8], 0x44000000", // SA_RESTORER | SA_NODEFER
    "mov qword ptr [rsp + 16], 0",
    "mov qword ptr [rsp + 24], 0x10000", // SIGCHLD
    "mov edi, 15",                       // rt_sigaction(SIGTERM)
    "call handle",
    "mov edi, 2", // rt_sigaction(SIGINT)
    "call handle",
    "mov eax, 14", // rt_sigprocmask(SIG_SETMASK, {})
    "mov edi, 2",
    "lea rsi, [rsp + 16]",
    "syscall",
    "mov eax, 39", // getpid()
    "syscall",
    "mov dword ptr [rsp + 8], 0x4000003", // SA_RESTORER | SA_NOCLDSTOP | SA_NOCLDWAIT
    "mov edi, 17",                        // rt_sigaction(SIGCHLD)
    "call handle",
    "mov eax, 61", // wait4(-1, NULL, WNOHANG | __WALL, NULL)
    "mov rdi, -1",
    "xor esi, esi",
    "mov edx, 0x40000001",
    "xor r10d, r10d",
    "syscall",
    "sleep: mov eax, 34", // pause()
    "syscall",
    "jmp sleep",
    "handle: mov eax, 13",
    "lea rsi, [rsp + 8]", // past the return address
    "xor edx, edx",
    "mov r10d, 8",
    "syscall",
    "ret",
    "end: mov eax, 231", // exit_group(0)
    "xor edi, edi",
    "syscall",
);

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    loop {}
}
