//! The ELF file of each architecture: size, segments and headers.

use std::fs;

use build::arch::{ALL, Arch};
use kit::peers::pause_for;
use object::Endianness;
use object::elf::{self, FileHeader32, FileHeader64};
use object::read::elf::{Dyn, FileHeader, ProgramHeader};

#[test]
fn one_read_execute_segment_and_nothing_more() {
    for arch in &ALL {
        let file = pause_for(arch);
        let bytes = fs::read(file).expect("it is built");
        assert!(bytes.len() as u64 <= arch.max_bytes, "{} has {} bytes", arch.name, bytes.len());
        match object::FileKind::parse(&*bytes).expect("an ELF file") {
            object::FileKind::Elf32 => check::<FileHeader32<Endianness>>(arch, &bytes),
            _ => check::<FileHeader64<Endianness>>(arch, &bytes),
        }
    }
}

fn check<Elf: FileHeader<Endian = Endianness>>(arch: &Arch, bytes: &[u8]) {
    let name = arch.name;
    let header = Elf::parse(bytes).expect("an ELF file");
    let e = header.endian().expect("an endianness");
    assert_eq!(header.e_machine(e).0, arch.elf_machine, "{name}");
    assert_eq!(header.e_flags(e).0, arch.elf_flags, "{name}");
    assert_eq!(header.e_type(e), elf::ET_DYN, "{name}: position-independent");
    assert!(matches!(header.e_ident().os_abi, elf::ELFOSABI_NONE | elf::ELFOSABI_GNU), "{name}");

    // The kernel reads p_type and p_flags of each in fs/binfmt_elf.c.
    let segments = header.program_headers(e, bytes).expect("segments");
    let (read, write, execute) = (elf::PF_R, elf::PF_W, elf::PF_X);
    let kinds: Vec<_> = segments.iter().map(|segment| (segment.p_type(e), segment.p_flags(e))).collect();
    let expected = [(elf::PT_LOAD, read | execute), (elf::PT_DYNAMIC, read), (elf::PT_GNU_STACK, read | write)];
    assert_eq!(kinds, expected, "{name}");
    let load = &segments[0];
    assert_eq!((load.p_offset(e).into(), load.p_vaddr(e).into()), (0, 0), "{name}: right on every page size");
    assert_eq!(load.p_filesz(e).into(), load.p_memsz(e).into(), "{name}: no .bss");
    let entry: u64 = header.e_entry(e).into();
    assert!(entry > 0 && entry < load.p_filesz(e).into(), "{name}");

    assert_eq!(load.p_filesz(e).into(), bytes.len() as u64, "{name}: nothing after it, so neither notes nor symbols");
    assert_eq!((header.e_shoff(e).into(), header.e_shnum(e)), (0, 0), "{name}: no section header");

    let tags = segments[1].dynamic(e, bytes).expect("a dynamic section").expect("a dynamic section");
    let tags: Vec<_> = tags.iter().map(|tag| tag.d_tag(e)).collect();
    assert!(tags.contains(&elf::DT_FLAGS_1), "{name}: says that it is a position-independent executable");
    for tag in [elf::DT_REL, elf::DT_RELA, elf::DT_RELR, elf::DT_JMPREL, elf::DT_TEXTREL, elf::DT_NEEDED] {
        assert!(!tags.contains(&tag), "{name}: {tag:?}");
    }
}
