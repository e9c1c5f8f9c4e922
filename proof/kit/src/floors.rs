//! Floors: minimal programs, below which nothing can be, compiled and linked as pause is.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use build::arch::Arch;
use build::{loaded, output, root, rustc_flags, write};

/// Builds a program of floors/: `calls` makes the system calls of pause, `pause` only sleeps. Returns None except on
/// amd64, for which they are written.
pub fn for_this_machine(name: &str) -> Option<PathBuf> {
    let here = Arch::here().expect("an architecture of pause");
    (here.name == "amd64").then(|| built(name, here))
}

/// Builds a program of floors/ for `arch`, for which it must be written; for others than amd64, only `pause` is.
pub fn built(name: &str, arch: &Arch) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("floors").join(name).with_extension("rs");
    let folder = tempfile::tempdir().expect("a folder");
    let linked = folder.path().join("linked");
    let mut rustc = Command::new("rustc");
    rustc.current_dir(root()).args(["--edition=2024", "--target", arch.triple, "-Cpanic=abort", "-Copt-level=z"]);
    rustc.args(["-Cstrip=symbols", "-o"]).arg(&linked).args(rustc_flags(arch)).arg(source);
    if arch.builds_core {
        // `core` as it was built for pause.
        build::pause(arch).expect("pause builds");
        rustc.arg("-L").arg(root().join("target").join(arch.triple).join("release/deps"));
    }
    output(&mut rustc).unwrap_or_else(|error| panic!("{error:#}"));
    let linked = fs::read(linked).expect("a file");
    let program = file(name, arch);
    write(&program, loaded(&linked).expect("an ELF file"), 0o755).expect("target/ can be written");
    program
}

/// Returns where [`built`] puts the program.
pub fn file(name: &str, arch: &Arch) -> PathBuf {
    root().join("target/floors").join(arch.name).join(name)
}
