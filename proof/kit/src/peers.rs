//! pause and its peers: upstream's pause and Debian's catatonit.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use build::arch::{ALL, Arch};
use build::root;

use crate::process::command;
use crate::skip::skip;

/// A program that can hold a pod.
pub struct Peer {
    /// Its name in tables.
    pub name: String,
    /// Its file.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
}

impl Peer {
    /// Makes a peer with these arguments.
    pub fn new(name: &str, program: impl Into<PathBuf>, args: &[&str]) -> Self {
        let args = args.iter().map(|&arg| arg.to_owned()).collect();
        Self { name: name.to_owned(), program: program.into(), args }
    }

    /// Returns Debian's catatonit, with the option that makes it hold a pod; it may not be installed.
    pub fn catatonit() -> Self {
        Self::new("catatonit -P", "/usr/bin/catatonit", &["-P"])
    }

    /// Makes a command that starts it, with all its output in pipes.
    pub fn command(&self) -> Command {
        let mut start = command([&self.program]);
        start.args(&self.args);
        start
    }
}

/// Builds pause for this machine.
pub fn ours() -> &'static Path {
    pause_for(Arch::here().expect("an architecture of pause"))
}

/// Builds pause for `arch`.
pub fn pause_for(arch: &Arch) -> &'static Path {
    // Builds all at once, so that none is written while another is executed.
    static BUILT: LazyLock<Vec<PathBuf>> =
        LazyLock::new(|| ALL.iter().map(|arch| build::pause(arch).expect("pause builds")).collect());
    &BUILT[ALL.iter().position(|known| known.name == arch.name).expect("in the table")]
}

/// Returns upstream's pause, which proof/packages/upstream.sh builds; reports a skip if it is missing.
pub fn upstream() -> Option<PathBuf> {
    let file = root().join("target/upstream/pause");
    if !file.exists() {
        skip(
            "upstream's pause is missing; proof/packages/upstream.sh builds it (needs gcc and Debian's source archive)",
        );
    }
    file.exists().then_some(file)
}

/// Returns upstream's pause with musl, which proof/packages/upstream.sh builds if musl-gcc is installed.
pub fn upstream_with_musl() -> PathBuf {
    root().join("target/upstream/pause-musl")
}
