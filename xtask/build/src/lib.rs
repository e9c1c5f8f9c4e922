//! Compiles and links pause, regardless of the user's settings; [`arch`] is the only table of architectures.

pub mod arch;

use std::env;
use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail, ensure};
use arch::Arch;
use object::{Object, ObjectSegment};
use tempfile::NamedTempFile;

/// Builds the pause that ships for `arch`. Returns its path: a file `pause`, alone in its directory.
pub fn pause(arch: &Arch) -> Result<PathBuf> {
    let target = root().join("target");
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo
        .current_dir(root())
        .args(["build", "--quiet", "--locked", "--release", "--bin=pause", "--features=product", "--target"])
        .arg(arch.triple)
        .arg("--target-dir")
        .arg(&target);
    // The bytes must depend only on the source and the toolchain, not on a user's settings for other projects.
    for (name, _) in env::vars_os() {
        let prefixes = ["RUSTFLAGS", "RUSTC", "CARGO_BUILD_", "CARGO_ENCODED_", "CARGO_PROFILE_", "CARGO_TARGET_"];
        if prefixes.iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
            cargo.env_remove(name);
        }
    }
    cargo.env("CARGO_ENCODED_RUSTFLAGS", rustc_flags(arch).join("\x1f"));
    if arch.builds_core {
        build_core(&mut cargo)?;
    }
    output(cargo.stderr(Stdio::inherit())).with_context(|| {
        format!("cannot build for {}; if a part of the toolchain is missing, run `make setup`", arch.triple)
    })?;

    let built = target.join(arch.triple).join("release/pause");
    let file = target.join("pause").join(arch.name).join("pause");
    let linked = fs::read(&built).with_context(|| format!("cannot read {}", built.display()))?;
    write(&file, loaded(&linked)?, 0o755)?;
    Ok(file)
}

/// Makes `cargo` build `core` too, from the toolchain's component rust-src. rust-toolchain.toml names the exact
/// toolchain, so these bytes are reproducible as well.
fn build_core(cargo: &mut Command) -> Result<()> {
    let sysroot = output(Command::new("rustc").args(["--print", "sysroot"]).current_dir(root()))?;
    let library = Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library/Cargo.toml");
    ensure!(library.exists(), "the source of Rust's library is missing: run `rustup component add rust-src`");
    // Cargo requires every crate in that library's lock file, even for `core`, which uses none. This fetches what
    // is missing, and needs no network if nothing is.
    let mut fetch = Command::new(cargo.get_program());
    fetch.current_dir(root()).args(["fetch", "--locked", "--manifest-path"]).arg(library).env("RUSTC_BOOTSTRAP", "1");
    output(&mut fetch)
        .context("crates of Rust's library are missing and cannot be fetched: run `make setup` with network access")?;
    // The option is unstable: a stable toolchain accepts it only with RUSTC_BOOTSTRAP.
    cargo.env("RUSTC_BOOTSTRAP", "1").arg("-Zbuild-std=core");
    Ok(())
}

/// Returns the part of a `linked` program that is loaded. rust-lld leaves zeros after it, as room for section headers
/// that it then does not write.
pub fn loaded(linked: &[u8]) -> Result<&[u8]> {
    let file = object::File::parse(linked).context("the linker wrote no ELF file")?;
    let ends = file.segments().map(|segment| segment.file_range()).map(|(offset, size)| offset + size);
    let end = ends.max().context("no segment")? as usize;
    ensure!(linked[end..].iter().all(|&byte| byte == 0), "there is data after the last segment");
    Ok(&linked[..end])
}

/// Returns the flags with which rustc links a program without a libc.
pub fn rustc_flags(arch: &Arch) -> Vec<String> {
    let script = root().join("src/pause.ld");
    let link = [
        // The toolchain's own linker, and only our own code: no C compiler, no libc, no start files.
        "-Clinker=rust-lld",
        "-Clink-self-contained=no",
        "-Clink-arg=-nostdlib",
        // A static position-independent executable, which is not the default of the `-gnu` triples.
        "-Crelocation-model=pic",
        "-Ctarget-feature=+crt-static",
        "-Clink-arg=-pie",
        "-Clink-arg=--no-dynamic-linker",
        // No writable segment, and no data that is never read.
        "-Clink-arg=-zrodynamic",
        "-Crelro-level=off",
        "-Clink-arg=--build-id=none",
        "-Clink-arg=--no-eh-frame-hdr",
        "-Clink-arg=--hash-style=sysv",
        "-Clink-arg=-znosectionheader",
        "-Cforce-unwind-tables=no",
    ];
    let mut flags: Vec<String> = link.map(str::to_owned).into();
    flags.push(format!("-Clink-arg=-T{}", script.display()));
    if !arch.features.is_empty() {
        flags.push(format!("-Ctarget-feature={}", arch.features));
    }
    flags
}

/// Returns the directory of the workspace.
pub fn root() -> &'static Path {
    let xtask_build = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask_build.ancestors().nth(2).unwrap_or(xtask_build)
}

/// Runs `command`, and returns its stdout if it succeeds. Otherwise the error contains all of its output, except what
/// the command is told to pass on.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command.output();
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words = words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
    let Output { status, stdout, stderr } = output.with_context(|| format!("cannot run `{words}`"))?;
    let [stdout, stderr] = [stdout, stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    if !status.success() {
        let said = format!("{stdout}{stderr}");
        bail!("`{words}` failed, {status}{}{}", if said.is_empty() { "" } else { ": " }, said.trim_end());
    }
    Ok(stdout)
}

/// Writes `bytes` to `path` with `mode`, atomically: readers see the old file or the new one. Creates the directory if
/// it is missing. Does not rewrite a file that already contains these bytes.
pub fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    let whole = || -> io::Result<()> {
        if fs::read(path).is_ok_and(|old| old == bytes) {
            return fs::set_permissions(path, Permissions::from_mode(mode));
        }
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let mut part = NamedTempFile::new_in(folder)?;
        part.write_all(bytes)?;
        part.as_file().set_permissions(Permissions::from_mode(mode))?; // whatever the umask
        part.persist(path)?;
        Ok(())
    };
    whole().with_context(|| format!("cannot write {}", path.display()))
}
