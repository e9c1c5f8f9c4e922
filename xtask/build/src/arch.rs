//! The one table of architectures.

use std::env::consts::ARCH;

use anyhow::{Context, Result};

/// An architecture for which pause is built.
#[derive(Debug)]
pub struct Arch {
    /// `architecture` in the OCI image specification (Go's GOARCH); also names the files.
    pub name: &'static str,
    /// `variant` in the OCI image specification. arm64 has none, because some engines do not match "v8".
    pub variant: Option<&'static str>,
    /// Rust's target triple. Its last part does not matter, because no libc is linked.
    pub triple: &'static str,
    /// Rust's `target_arch`; names the file in src/sys.
    pub rust: &'static str,
    /// The emulator that runs a program of this architecture on another (Debian's qemu-user-static).
    pub qemu: &'static str,
    /// `e_machine` of the ELF header.
    pub elf_machine: u16,
    /// `e_flags` of the ELF header: the ABI, on architectures with more than one.
    pub elf_flags: u32,
    /// rustc's `-Ctarget-feature`: turns off what the target assumes but some machines or kernels lack.
    pub features: &'static str,
    /// The maximum size of the binary.
    pub max_bytes: u64,
    /// Whether `core` is built from source (the component rust-src): a compiled one is not always available.
    pub builds_core: bool,
}

/// All architectures, the most used first.
#[rustfmt::skip]
pub const ALL: [Arch; 7] = [
    Arch { name: "amd64", variant: None, triple: "x86_64-unknown-linux-musl", rust: "x86_64",
        qemu: "qemu-x86_64-static", elf_machine: 62, elf_flags: 0,
        features: "", max_bytes: 2048, builds_core: false },
    Arch { name: "arm64", variant: None, triple: "aarch64-unknown-linux-musl", rust: "aarch64",
        qemu: "qemu-aarch64-static", elf_machine: 183, elf_flags: 0,
        features: "", max_bytes: 2048, builds_core: false },
    // EABI 5, floating-point arguments in registers
    Arch { name: "arm", variant: Some("v7"), triple: "armv7-unknown-linux-gnueabihf", rust: "arm",
        qemu: "qemu-arm-static", elf_machine: 40, elf_flags: 0x0500_0400,
        features: "", max_bytes: 2560, builds_core: false },
    // compressed instructions, double floats in registers
    Arch { name: "riscv64", variant: None, triple: "riscv64gc-unknown-linux-gnu", rust: "riscv64",
        qemu: "qemu-riscv64-static", elf_machine: 243, elf_flags: 5,
        features: "", max_bytes: 2560, builds_core: false },
    // ELFv2
    Arch { name: "ppc64le", variant: None, triple: "powerpc64le-unknown-linux-gnu", rust: "powerpc64",
        qemu: "qemu-ppc64le-static", elf_machine: 21, elf_flags: 2,
        features: "", max_bytes: 2560, builds_core: false },
    Arch { name: "s390x", variant: None, triple: "s390x-unknown-linux-gnu", rust: "s390x",
        qemu: "qemu-s390x-static", elf_machine: 22, elf_flags: 0,
        features: "", max_bytes: 2560, builds_core: false },
    // ABI 1, double floats in registers; no LSX, vectors that small processors, kernels before 6.5 and QEMU 7.2 lack
    Arch { name: "loong64", variant: None, triple: "loongarch64-unknown-linux-gnu", rust: "loongarch64",
        qemu: "qemu-loongarch64-static", elf_machine: 258, elf_flags: 0x43,
        features: "-lsx", max_bytes: 2560, builds_core: true },
];

impl Arch {
    /// Returns the architecture of this machine.
    pub fn here() -> Result<&'static Self> {
        ALL.iter()
            .find(|arch| arch.rust == ARCH)
            .with_context(|| format!("pause is not built for {ARCH}; see the table in xtask/build/src/arch.rs"))
    }

    /// Returns the platform as engines write it, for example `linux/arm/v7`.
    pub fn platform(&self) -> String {
        let variant = self.variant.map(|variant| format!("/{variant}")).unwrap_or_default();
        format!("linux/{}{variant}", self.name)
    }
}
