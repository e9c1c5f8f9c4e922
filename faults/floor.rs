//! A program that installs a handler for SIGTERM, sleeps, and does nothing else: no start can be faster. It is compiled
//! and linked as the product is.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use xtask::arch::Arch;

use crate::skip::skip;

/// For amd64: on the stack a `struct sigaction` with an empty mask, no restorer but the flag, the handler; then
/// rt_sigaction(SIGTERM, it, NULL, 8), and pause() again and again. The handler: exit_group(0).
const SOURCE: &str = r#"
#![no_std]
#![no_main]
core::arch::global_asm!(
    ".globl _start", "_start:",
    "push 0", "push 0", "push 0x4000000", "lea rax, [rip + 3f]", "push rax",
    "mov eax, 13", "mov edi, 15", "mov rsi, rsp", "xor edx, edx", "mov r10d, 8", "syscall",
    "2:", "mov eax, 34", "syscall", "jmp 2b",
    "3:", "mov eax, 231", "xor edi, edi", "syscall",
);
#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    loop {}
}
"#;

/// Where it is; None on other architectures.
pub fn build() -> Option<PathBuf> {
    let arch = Arch::host().expect("an architecture of pause");
    if arch.name != "amd64" {
        skip("the floor is an assembly program for amd64");
        return None;
    }
    let folder = xtask::root().join("target/faults");
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join("floor.rs"), SOURCE).expect("a file");
    let built = Command::new("rustc")
        .args(["--edition=2024", "--target", arch.triple, "-Copt-level=z", "-Cpanic=abort", "-Cstrip=symbols"])
        .args(xtask::build::rustc_flags())
        .args(["-o", "floor", "floor.rs"])
        .current_dir(&folder)
        .status();
    assert!(built.expect("rustc runs").success(), "the floor cannot be built");
    Some(folder.join("floor"))
}
