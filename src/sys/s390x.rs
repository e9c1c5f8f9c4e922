//! | | where | source |
//! |---|---|---|
//! | number, arguments | r1; r2 to r6 | syscall(2); arch/s390/kernel/syscall.c |
//! | result, clobbered | r2; nothing: the kernel restores the others | system_call, arch/s390/kernel/entry.S |
//! | at entry | r15 points at argc, 8-byte aligned | s390x ELF ABI, process initialization |
//! | function call | the callee may use 160 bytes at r15; the first 8 are the back chain | s390x ELF ABI, stack frame |
//! | raises SIGILL | operation code 00 | Principles of Operation, ch. 6; illegal_op, arch/s390/kernel/traps.c |

abi! {
    _start: [
        "lgr %r2, %r15",
        "aghi %r15, -160",
        "xc 0(8,%r15), 0(%r15)", // a NULL back chain
        "brasl %r14, {start}",
    ],
    syscall(number, a, b, c, d, e) -> result: [
        "svc 0", in("r1") number, inlateout("r2") a => result, in("r3") b, in("r4") c, in("r5") d, in("r6") e,
    ],
    trap: ".short 0",
}
