//! | | where | source |
//! |---|---|---|
//! | number, arguments | rax; rdi, rsi, rdx, r10, r8 | syscall(2); System V AMD64 psABI, A.2.1 |
//! | result, clobbered | rax; rcx, r11 | as above |
//! | at entry | rsp points at argc, 16-byte aligned | psABI, 3.4.1 |
//! | raises SIGILL | `ud2` | Intel SDM, UD; exc_invalid_op, arch/x86/kernel/traps.c |

abi! {
    _start: ["xor ebp, ebp", "mov rdi, rsp", "call {start}"],
    syscall(number, a, b, c, d, e) -> result: [
        "syscall",
        inlateout("rax") number => result,
        in("rdi") a, in("rsi") b, in("rdx") c, in("r10") d, in("r8") e,
        lateout("rcx") _, lateout("r11") _,
    ],
    trap: "ud2",
}
