//! | | where | source |
//! |---|---|---|
//! | number, arguments | a7; a0 to a4 | syscall(2); do_syscall, arch/loongarch/kernel/syscall.c |
//! | result, clobbered | a0; t0 to t8 | as above; handle_syscall, arch/loongarch/kernel/entry.S, does not save them |
//! | at entry | sp points at argc, 16-byte aligned | LoongArch psABI, calling convention |
//! | raises SIGILL | `ud 2` | LoongArch reference manual, 2.2.7.1; do_ri, arch/loongarch/kernel/traps.c |
//!
//! `ud` is `amswap.w` with the same register for result and address, which is undefined for every register. The usual
//! `ud 0` does not trap in QEMU 7.2.

abi! {
    _start: ["move $a0, $sp", "bl {start}"],
    syscall(number, a, b, c, d, e) -> result: [
        "syscall 0",
        in("$a7") number,
        inlateout("$a0") a => result, in("$a1") b, in("$a2") c, in("$a3") d, in("$a4") e,
        lateout("$t0") _, lateout("$t1") _, lateout("$t2") _, lateout("$t3") _, lateout("$t4") _,
        lateout("$t5") _, lateout("$t6") _, lateout("$t7") _, lateout("$t8") _,
    ],
    trap: "ud 2",
}
