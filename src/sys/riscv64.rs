//! | | where | source |
//! |---|---|---|
//! | number, arguments | a7; a0 to a4 | syscall(2); arch/riscv/kernel/traps.c |
//! | result, clobbered | a0; the vector registers, which this program does not use | as above; Documentation/arch/riscv/vector.rst |
//! | at entry | sp points at argc, 16-byte aligned | RISC-V psABI, calling convention |
//! | raises SIGILL | `c.unimp`, all zeros | RISC-V ISA, 1.5; do_trap_insn_illegal, arch/riscv/kernel/traps.c |

abi! {
    _start: ["mv a0, sp", "call {start}"],
    syscall(number, a, b, c, d, e) -> result: [
        "ecall", in("a7") number, inlateout("a0") a => result, in("a1") b, in("a2") c, in("a3") d, in("a4") e,
    ],
    trap: "c.unimp",
}
