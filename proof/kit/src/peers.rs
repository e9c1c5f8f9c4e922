//! pause, and what is looked at beside it: upstream's, Debian's catatonit, and floors that nothing can be below.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use build::arch::{ALL, Arch};
use build::root;

use crate::process::command;
use crate::skip::skip;

/// A program that can hold a pod.
pub struct Peer {
    /// What tables call it.
    pub name: String,
    /// Its file.
    pub program: PathBuf,
    /// What follows on its command line.
    pub args: Vec<String>,
}

impl Peer {
    /// One with these arguments.
    pub fn new(name: &str, program: impl Into<PathBuf>, args: &[&str]) -> Self {
        let args = args.iter().map(|&arg| arg.to_owned()).collect();
        Self { name: name.to_owned(), program: program.into(), args }
    }

    /// catatonit as it holds a pod, from Debian's package; it may not be there.
    pub fn catatonit() -> Self {
        Self::new("catatonit -P", "/usr/bin/catatonit", &["-P"])
    }

    /// Starts it, with all its output to be read.
    pub fn command(&self) -> Command {
        let mut start = command([&self.program]);
        start.args(&self.args);
        start
    }
}

/// pause for this machine.
pub fn ours() -> &'static Path {
    pause_for(Arch::host().expect("an architecture of pause"))
}

/// pause for `arch`.
pub fn pause_for(arch: &Arch) -> &'static Path {
    // All at once, so that none is written while another is executed.
    static BUILT: LazyLock<Vec<PathBuf>> =
        LazyLock::new(|| ALL.iter().map(|arch| build::pause(arch).expect("pause builds")).collect());
    &BUILT[ALL.iter().position(|known| known.name == arch.name).expect("in the table")]
}

/// Upstream's own pause, which proof/packages/upstream.sh builds.
pub fn upstream() -> Option<PathBuf> {
    let file = root().join("target/upstream/pause");
    if !file.exists() {
        skip(
            "upstream's pause is not built; proof/packages/upstream.sh does it (needs gcc and Debian's source archive)",
        );
    }
    file.exists().then_some(file)
}

/// Upstream's source with musl, if it was built; proof/packages/upstream.sh does it where musl-gcc is.
pub fn upstream_with_musl() -> PathBuf {
    root().join("target/upstream/pause-musl")
}

/// An assembly program of floors/, compiled and linked as pause is: `handler` installs one for SIGTERM and sleeps, `calls`
/// makes the system calls of pause, `pause` only sleeps. None on architectures that it is not written for.
pub fn floor(name: &str) -> Option<PathBuf> {
    let host = Arch::host().expect("an architecture of pause");
    (host.name == "amd64").then(|| {
        let program = root().join("target/floors").join(name);
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("floors").join(name).with_extension("rs");
        build::like_pause(&source, host, &program).expect("it is built");
        program
    })
}
