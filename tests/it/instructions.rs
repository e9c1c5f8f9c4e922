//! The binary that ships, disassembled for each architecture: every instruction that enters the kernel is known.

use std::fs;

use capstone::arch::{
    BuildsCapstone, BuildsCapstoneEndian, BuildsCapstoneExtraMode, arm, arm64, ppc, riscv, sysz, x86,
};
use capstone::{Capstone, Endian, Insn, Instructions};
use object::Object;
use xtask::arch::{ALL, Arch};

use crate::support::pause_for;

/// What src/sys/mod.rs asks the kernel for. `write` is there twice: the compiler put it into both of its users.
const CALLS: [&str; 10] =
    ["exit", "exit_group", "getpid", "pause", "poll", "rt_sigaction", "rt_sigprocmask", "wait4", "write", "write"];

#[test]
fn each_system_call_instruction_makes_a_call_that_is_known() {
    for arch in &ALL {
        let isa = Isa::of(arch);
        let file = fs::read(pause_for(arch)).expect("it is built");
        let code = isa.disassemble(&file);
        let last = code.last().expect("an instruction");
        let end = last.address() as usize + last.bytes().len();
        assert_eq!(end, file.len(), "{}: all from the entry on is disassembled", arch.name);

        let calls = isa.calls(&code);
        let mut calls: Vec<&str> = calls.iter().map(|&(_, call)| call).collect();
        calls.sort();
        let sleeps_in_ppoll = ["arm64", "riscv64"].contains(&arch.name);
        let mut here = CALLS.map(|call| if sleeps_in_ppoll && call.starts_with('p') { "ppoll" } else { call });
        here.sort();
        assert_eq!(calls, here, "{}", arch.name);
    }
}

/// `exit_group` is followed by `exit` and then by an undefined instruction, with no branch between them. So the program
/// ends even where both calls are refused.
#[test]
fn exit_goes_straight_to_an_undefined_instruction() {
    for arch in &ALL {
        let isa = Isa::of(arch);
        let file = fs::read(pause_for(arch)).expect("it is built");
        let code = isa.disassemble(&file);
        let calls = isa.calls(&code);
        let first = calls.iter().position(|&(_, call)| call == "exit_group").expect("it is called");
        let [(from, _), (_, "exit")] = calls[first..first + 2] else { panic!("{}: {calls:?}", arch.name) };
        let mut exits = 0;
        for insn in code[from + 1..].iter().take_while(|insn| insn.bytes() != isa.undefined) {
            exits += usize::from(isa.enters(insn));
            let moves = ["addi", "c.mv", "lghi", "lgr", "li", "mov", "movz", "mr"];
            let name = insn.mnemonic().expect("a name");
            assert!(isa.enters(insn) || moves.contains(&name), "{}: {insn}", arch.name);
        }
        assert_eq!(exits, 1, "{}", arch.name);
    }
}

/// pause for `arch`, but that its first instruction is the undefined one.
pub fn undefined_at_entry(arch: &Arch) -> Vec<u8> {
    let mut file = fs::read(pause_for(arch)).expect("it is built");
    let entry = object::File::parse(&*file).expect("an ELF file").entry() as usize;
    let undefined = Isa::of(arch).undefined;
    file[entry..entry + undefined.len()].copy_from_slice(undefined);
    file
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
    /// An instruction that raises SIGILL.
    undefined: &'static [u8],
}

impl Isa {
    fn of(arch: &Arch) -> Self {
        macro_rules! isa {
            ($disassembler:expr, $enter:literal, $register:expr, $abi:ident, $undefined:expr) => {
                Self {
                    capstone: $disassembler.build().expect("a disassembler"),
                    enter: $enter,
                    register: &$register,
                    name: |number| syscalls::$abi::Sysno::new(number).map(|call| call.name()),
                    undefined: &$undefined,
                }
            };
        }
        let new = Capstone::new;
        let mut isa = match arch.name {
            "amd64" => {
                let mode = new().x86().mode(x86::ArchMode::Mode64);
                isa!(mode, "syscall", ["eax", "rax"], x86_64, [0x0f, 0x0b])
            }
            "arm64" => isa!(new().arm64().mode(arm64::ArchMode::Arm), "svc", ["w8", "x8"], aarch64, [0; 4]),
            "arm" => isa!(new().arm().mode(arm::ArchMode::Arm), "svc", ["r7"], arm, [0xf0, 0x00, 0xf0, 0xe7]),
            "riscv64" => {
                let compressed = [riscv::ArchExtraMode::RiscVC].into_iter();
                let mode = new().riscv().mode(riscv::ArchMode::RiscV64).extra_mode(compressed);
                isa!(mode, "ecall", ["a7"], riscv64, [0; 2])
            }
            "ppc64le" => {
                let mode = new().ppc().mode(ppc::ArchMode::Mode64).endian(Endian::Little);
                isa!(mode, "sc", ["r0"], powerpc64, [0; 4])
            }
            "s390x" => isa!(new().sysz().mode(sysz::ArchMode::Default), "svc", ["%r1"], s390x, [0; 2]),
            other => panic!("{other} has no row here"),
        };
        // What is no instruction (constants between functions, the undefined one) is skipped by the size of the
        // shortest, to which all are aligned: so no instruction is missed.
        isa.capstone.set_skipdata(["arm", "ppc64le", "s390x"].contains(&arch.name)).expect("it can");
        isa
    }

    fn disassemble(&self, file: &[u8]) -> Instructions<'_> {
        let entry = object::File::parse(file).expect("an ELF file").entry();
        self.capstone.disasm_all(&file[entry as usize..], entry).expect("instructions")
    }

    /// Where in `code` the kernel is entered, and for which call.
    fn calls(&self, code: &[Insn]) -> Vec<(usize, &'static str)> {
        let enters = (0..code.len()).filter(|&at| self.enters(&code[at]));
        let enters = enters.inspect(|&at| assert!(["", "0", "#0"].contains(&code[at].op_str().expect("text"))));
        enters.map(|at| (at, (self.name)(self.number(&code[..at])).expect("a number"))).collect()
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
