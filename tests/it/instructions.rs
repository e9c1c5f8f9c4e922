//! Disassembles the binary that ships for each architecture, and accounts for every instruction that enters the kernel.

use std::fs;

use build::arch::{ALL, Arch};
use capstone::arch::{
    BuildsCapstone, BuildsCapstoneEndian, BuildsCapstoneExtraMode, arm, arm64, ppc, riscv, sysz, x86,
};
use capstone::{Capstone, CsResult, Endian};
use kit::peers::pause_for;
use object::Object;

/// The system calls in src/sys/mod.rs, with `write` twice because the compiler inlines it into both callers.
const CALLS: [&str; 10] =
    ["exit", "exit_group", "getpid", "pause", "poll", "rt_sigaction", "rt_sigprocmask", "wait4", "write", "write"];

#[test]
fn each_system_call_instruction_makes_a_call_that_is_known() {
    for arch in &ALL {
        let isa = Isa::of(arch);
        let file = fs::read(pause_for(arch)).expect("it is built");
        let code = isa.disassemble(&file);
        let entry = object::File::parse(&*file).expect("an ELF file").entry() as usize;
        let end = entry + code.iter().map(|insn| insn.bytes.len()).sum::<usize>();
        assert_eq!(end, file.len(), "{}: everything from the entry on is disassembled", arch.name);

        let calls = isa.calls(&code);
        let mut calls: Vec<&str> = calls.iter().map(|&(_, call)| call).collect();
        calls.sort();
        let mut here = CALLS.map(|call| if call.starts_with('p') && !isa.has(call) { "ppoll" } else { call });
        here.sort();
        assert_eq!(calls, here, "{}", arch.name);
    }
}

/// Checks that `exit_group` is followed by `exit` and then by an undefined instruction, with no branch between them, so
/// that the program ends even if both calls are refused. (On ppc64le a branch skips one instruction, which negates an
/// error.)
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
        let rest = &code[from + 1..];
        for (insn, next) in rest.iter().zip(&rest[1..]).take_while(|(insn, _)| insn.bytes != isa.undefined) {
            exits += usize::from(isa.enters(insn));
            let moves = ["addi", "c.li", "c.mv", "lghi", "lgr", "li", "mov", "movz", "mr", "neg", "pop", "push", "xor"];
            let goes_on = moves.contains(&&*insn.name) || insn.bytes == BNS_OVER_ONE && next.name == "neg";
            assert!(isa.enters(insn) || goes_on, "{}: {insn:?}", arch.name);
        }
        assert_eq!(exits, 1, "{}", arch.name);
    }
}

/// `bns+ .+8` on ppc64le, which skips the next instruction unless a system call failed.
const BNS_OVER_ONE: [u8; 4] = [0x08, 0x00, 0xe3, 0x40];

/// Returns whether pause sleeps in `ppoll` on `arch`, because that lacks `pause`.
pub fn sleeps_in_ppoll(arch: &Arch) -> bool {
    !Isa::of(arch).has("pause")
}

/// Returns pause for `arch`, with its first instruction replaced by the undefined one.
pub fn undefined_at_entry(arch: &Arch) -> Vec<u8> {
    let mut file = fs::read(pause_for(arch)).expect("it is built");
    let entry = object::File::parse(&*file).expect("an ELF file").entry() as usize;
    let undefined = Isa::of(arch).undefined;
    file[entry..entry + undefined.len()].copy_from_slice(undefined);
    file
}

/// An instruction: its name, as disassemblers write it, and its operands, separated by commas.
#[derive(Debug)]
struct Insn {
    bytes: Vec<u8>,
    name: String,
    operands: String,
}

/// How an architecture enters the kernel.
struct Isa {
    /// None for LoongArch, which capstone 5 does not support.
    capstone: Option<Capstone>,
    /// The instruction's name.
    enter: &'static str,
    /// The names of the register that holds the call's number.
    register: &'static [&'static str],
    /// A call's name by its number.
    name: fn(usize) -> Option<&'static str>,
    /// An instruction that raises SIGILL.
    undefined: &'static [u8],
}

/// Makes a row of [`Isa::of`].
macro_rules! isa {
    ($capstone:expr, $enter:literal, $register:expr, $abi:ident, $undefined:expr) => {
        Isa {
            capstone: $capstone,
            enter: $enter,
            register: &$register,
            name: |number| syscalls::$abi::Sysno::new(number).map(|call| call.name()),
            undefined: &$undefined,
        }
    };
}

impl Isa {
    fn of(arch: &Arch) -> Self {
        let new = Capstone::new;
        let some = |built: CsResult<Capstone>| Some(built.expect("a disassembler"));
        let mut isa = match arch.name {
            "amd64" => {
                let mode = new().x86().mode(x86::ArchMode::Mode64);
                isa!(some(mode.build()), "syscall", ["eax", "rax"], x86_64, [0x0f, 0x0b])
            }
            "arm64" => {
                let mode = new().arm64().mode(arm64::ArchMode::Arm);
                isa!(some(mode.build()), "svc", ["w8", "x8"], aarch64, [0; 4])
            }
            "arm" => {
                let mode = new().arm().mode(arm::ArchMode::Arm);
                isa!(some(mode.build()), "svc", ["r7"], arm, [0xf0, 0x00, 0xf0, 0xe7])
            }
            "riscv64" => {
                let compressed = [riscv::ArchExtraMode::RiscVC].into_iter();
                let mode = new().riscv().mode(riscv::ArchMode::RiscV64).extra_mode(compressed);
                isa!(some(mode.build()), "ecall", ["a7"], riscv64, [0; 2])
            }
            "ppc64le" => {
                let mode = new().ppc().mode(ppc::ArchMode::Mode64).endian(Endian::Little);
                isa!(some(mode.build()), "sc", ["r0"], powerpc64, [0; 4])
            }
            "s390x" => {
                let mode = new().sysz().mode(sysz::ArchMode::Default);
                isa!(some(mode.build()), "svc", ["%r1"], s390x, [0; 2])
            }
            "loong64" => isa!(None, "syscall", ["r11"], loongarch64, [0x42, 0x04, 0x60, 0x38]),
            other => panic!("{other} has no row here"),
        };
        // What is not an instruction (constants between functions, the undefined one) is skipped in steps of the
        // shortest instruction, to which all are aligned, so no instruction is missed.
        if let Some(capstone) = &mut isa.capstone {
            capstone.set_skipdata(["arm", "ppc64le", "s390x"].contains(&arch.name)).expect("it can");
        }
        isa
    }

    /// Returns whether the architecture's table of system calls contains `call`.
    fn has(&self, call: &str) -> bool {
        (0..1000).any(|number| (self.name)(number) == Some(call))
    }

    fn disassemble(&self, file: &[u8]) -> Vec<Insn> {
        let entry = object::File::parse(file).expect("an ELF file").entry();
        let code = &file[entry as usize..];
        let Some(capstone) = &self.capstone else {
            return code.chunks_exact(4).map(|word| loongarch(word.try_into().expect("four bytes"))).collect();
        };
        let code = capstone.disasm_all(code, entry).expect("instructions");
        let known = |insn: &capstone::Insn| Insn {
            bytes: insn.bytes().to_vec(),
            name: insn.mnemonic().expect("a name").to_owned(),
            operands: insn.op_str().expect("operands").to_owned(),
        };
        code.iter().map(known).collect()
    }

    /// Returns the positions in `code` where the kernel is entered, each with its system call.
    fn calls(&self, code: &[Insn]) -> Vec<(usize, &'static str)> {
        let enters = (0..code.len()).filter(|&at| self.enters(&code[at]));
        let enters = enters.inspect(|&at| assert!(["", "0", "#0"].contains(&&*code[at].operands)));
        enters.map(|at| (at, (self.name)(self.number(&code[..at])).expect("a number"))).collect()
    }

    /// Returns whether `insn` enters the kernel, in the way that pause does or in an older or newer way.
    fn enters(&self, insn: &Insn) -> bool {
        let name = &insn.name;
        let scv = self.enter == "sc" && insn.bytes[3] >> 2 == 17; // which capstone 5 does not support
        name == self.enter || name.starts_with("int") || name == "sysenter" || scv
    }

    /// Returns the last constant that `code` puts into the register of the call's number.
    fn number(&self, code: &[Insn]) -> usize {
        let mut wanted = self.register.to_vec();
        for (at, insn) in code.iter().enumerate().rev() {
            let operands: Vec<&str> = insn.operands.split(", ").collect();
            let value = match (&*insn.name, &operands[..]) {
                ("pop", [to]) if wanted.contains(to) => &*code[at - 1].operands, // what is pushed
                (_, [to, from]) if wanted.contains(to) => from,
                (_, [to, "zero", from]) if wanted.contains(to) => from,
                (_, [to, ..]) if wanted.contains(to) => panic!("not understood: {insn:?}"),
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

/// Decodes the LoongArch instructions that enter the kernel or may put a call's number into a register (LoongArch
/// reference manual, appendix B). For any other instruction it returns only the register that may be written, whose
/// bits are in the same place in every instruction that writes one.
fn loongarch(word: [u8; 4]) -> Insn {
    let bits = u32::from_le_bytes(word);
    let [to, from, second] = [0, 5, 10].map(|shift| format!("r{}", bits >> shift & 31));
    let constant = bits >> 10 & 0xfff;
    let (name, operands) = match (bits >> 15, bits >> 22) {
        (0x56, _) => ("syscall", (bits & 0x7fff).to_string()),
        (0x2a, _) if second == "r0" => ("mov", format!("{to}, {from}")), // or
        (_, 0x0a | 0x0b | 0x0e) if from == "r0" => ("li", format!("{to}, {constant}")), // addi.w, addi.d, ori
        _ => ("unknown", format!("{to}, ?, ?, ?")),
    };
    Insn { bytes: word.to_vec(), name: name.to_owned(), operands }
}
