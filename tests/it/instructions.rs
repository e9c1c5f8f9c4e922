//! The binary that ships, disassembled for each architecture: every instruction that enters the kernel is known.

use std::fs;

use build::arch::{ALL, Arch};
use capstone::arch::{
    BuildsCapstone, BuildsCapstoneEndian, BuildsCapstoneExtraMode, arm, arm64, ppc, riscv, sysz, x86,
};
use capstone::{Capstone, Endian, Insn};
use kit::peers::pause_for;
use object::Object;

/// What src/sys/mod.rs asks the kernel for. `write` is there twice: the compiler put it into both of its users.
const CALLS: [&str; 9] =
    ["exit_group", "getpid", "pause", "poll", "rt_sigaction", "rt_sigprocmask", "wait4", "write", "write"];

#[test]
fn each_system_call_instruction_makes_a_call_that_is_known() {
    for arch in &ALL {
        let isa = Isa::of(arch);
        let file = fs::read(pause_for(arch)).expect("it is built");
        let entry = object::File::parse(&*file).expect("an ELF file").entry();
        let code = isa.capstone.disasm_all(&file[entry as usize..], entry).expect("instructions");
        let last = code.last().expect("an instruction");
        let end = last.address() as usize + last.bytes().len();
        assert_eq!(end, file.len(), "{}: all from the entry on is disassembled", arch.name);

        let enters = (0..code.len()).filter(|&at| isa.enters(&code[at]));
        let enters = enters.inspect(|&at| assert!(["", "0", "#0"].contains(&code[at].op_str().expect("text"))));
        let mut calls: Vec<&str> = enters.map(|at| (isa.name)(isa.number(&code[..at])).expect("a number")).collect();
        calls.sort();
        let sleeps_in_ppoll = ["arm64", "riscv64"].contains(&arch.name);
        let mut here = CALLS.map(|call| if sleeps_in_ppoll && call.starts_with('p') { "ppoll" } else { call });
        here.sort();
        assert_eq!(calls, here, "{}", arch.name);
    }
}

/// How an architecture enters the kernel.
struct Isa {
    capstone: Capstone,
    /// The instruction's name.
    enter: &'static str,
    /// Names of the register that has the call's number.
    register: &'static [&'static str],
    /// A call's name by its number.
    name: fn(usize) -> Option<&'static str>,
}

impl Isa {
    fn of(arch: &Arch) -> Self {
        macro_rules! isa {
            ($disassembler:expr, $enter:literal, $register:expr, $abi:ident) => {
                Self {
                    capstone: $disassembler.build().expect("a disassembler"),
                    enter: $enter,
                    register: &$register,
                    name: |number| syscalls::$abi::Sysno::new(number).map(|call| call.name()),
                }
            };
        }
        let new = Capstone::new;
        let mut isa = match arch.name {
            "amd64" => isa!(new().x86().mode(x86::ArchMode::Mode64), "syscall", ["eax", "rax"], x86_64),
            "arm64" => isa!(new().arm64().mode(arm64::ArchMode::Arm), "svc", ["w8", "x8"], aarch64),
            "arm" => isa!(new().arm().mode(arm::ArchMode::Arm), "svc", ["r7"], arm),
            "riscv64" => {
                let compressed = [riscv::ArchExtraMode::RiscVC].into_iter();
                isa!(new().riscv().mode(riscv::ArchMode::RiscV64).extra_mode(compressed), "ecall", ["a7"], riscv64)
            }
            "ppc64le" => {
                isa!(new().ppc().mode(ppc::ArchMode::Mode64).endian(Endian::Little), "sc", ["r0"], powerpc64)
            }
            "s390x" => isa!(new().sysz().mode(sysz::ArchMode::Default), "svc", ["%r1"], s390x),
            other => panic!("{other} has no row here"),
        };
        // These two have constants between functions. All their instructions have four bytes, so none is missed.
        isa.capstone.set_skipdata(["arm", "ppc64le"].contains(&arch.name)).expect("it can");
        isa
    }

    /// Whether `insn` enters the kernel, in the way that is ours or in an older or newer one.
    fn enters(&self, insn: &Insn) -> bool {
        let name = insn.mnemonic().expect("a name");
        let scv = self.enter == "sc" && insn.bytes()[3] >> 2 == 17; // which capstone 5 does not know
        name == self.enter || name.starts_with("int") || name == "sysenter" || scv
    }

    /// The constant that is in the register of the call's number at the end of `code`: the last that was put there.
    fn number(&self, code: &[Insn]) -> usize {
        let mut wanted = self.register.to_vec();
        for (at, insn) in code.iter().enumerate().rev() {
            let name = insn.mnemonic().expect("a name");
            let operands: Vec<&str> = insn.op_str().expect("operands").split(", ").collect();
            let value = match (name, &operands[..]) {
                ("pop", [to]) if wanted.contains(to) => code[at - 1].op_str().expect("what is pushed"),
                (_, [to, from]) if wanted.contains(to) => from,
                (_, [to, "zero", from]) if wanted.contains(to) => from,
                (_, [to, ..]) if wanted.contains(to) => panic!("not understood: {insn}"),
                _ => continue,
            };
            let value = value.trim_start_matches('#');
            match value.strip_prefix("0x").map_or_else(|| value.parse().ok(), |hex| usize::from_str_radix(hex, 16).ok())
            {
                Some(number) => return number,
                None => wanted = vec![value], // another register
            }
        }
        panic!("no number before the call")
    }
}
