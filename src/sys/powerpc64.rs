//! Little endian, ELFv2.
//!
//! | | where | source |
//! |---|---|---|
//! | number, arguments | r0; r3 to r7 | syscall(2); Documentation/arch/powerpc/syscall64-abi.rst |
//! | result | r3; an error is positive with cr0.SO set | as above |
//! | clobbered | r0, r4 to r12, cr0, cr1, cr5 to cr7, ctr, xer | as above |
//! | at entry | r1 points at argc; r12 is the address of `_start` | start_thread, arch/powerpc/kernel/process.c |
//! | function call | r2 is the TOC pointer; the callee may use 32 bytes at r1 | 64-bit ELFv2 ABI, 2.2 |
//! | raises SIGILL | all zeros | Power ISA, illegal instructions; do_program_check, arch/powerpc/kernel/traps.c |

abi! {
    _start: [
        "addis 2, 12, .TOC.-_start@ha",
        "addi 2, 2, .TOC.-_start@l",
        "mr 3, 1",
        "li 0, 0",
        "stdu 0, -32(1)", // a frame with a NULL back chain
        "bl {start}",
        "nop",
    ],
    syscall(number, a, b, c, d, e) -> result: [
        "sc",
        "bns+ 2f",
        "neg 3, 3",
        "2:",
        inlateout("r0") number => _,
        inlateout("r3") a => result,
        inlateout("r4") b => _, inlateout("r5") c => _, inlateout("r6") d => _, inlateout("r7") e => _,
        lateout("r8") _, lateout("r9") _, lateout("r10") _, lateout("r11") _, lateout("r12") _,
        lateout("cr0") _, lateout("cr1") _, lateout("cr5") _, lateout("cr6") _, lateout("cr7") _,
        lateout("ctr") _, lateout("xer") _,
    ],
    trap: ".long 0",
}
