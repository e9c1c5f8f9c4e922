//! Our image and our pause.

use std::fs;
use std::path::PathBuf;

use build::root;
use kit::process::is_ready;
use procfs::process::Process;

/// The default name of our image.
pub const NAME: &str = concat!("localhost/pause:", env!("CARGO_PKG_VERSION"));

/// The name that the tests configure as that of a site without a registry. The default of an engine can be kubeadm's
/// name, which would prove nothing.
pub const CONFIGURED: &str = "registry.example/pause:1";
/// The name that kubeadm wants.
pub const KUBEADMS: &str = "registry.k8s.io/pause:3.10.2";

/// How `docker import` gives another pause the config of our image.
pub const CHANGES: &str = "--change 'ENTRYPOINT [\"/pause\"]' --change 'USER 65535:65535'";

/// Returns the path of a file in dist/.
pub fn dist(file: &str) -> PathBuf {
    root().join("dist").join(file)
}

/// Returns the digest of `name` in digests.txt.
pub fn digest(name: &str) -> String {
    let digests = fs::read_to_string(root().join("digests.txt")).expect("digests.txt");
    let line = digests.lines().find_map(|line| line.strip_suffix(name)?.strip_suffix("  "));
    format!("sha256:{}", line.expect("a line of digests.txt"))
}

/// Returns whether this PID is pause's and its handlers are installed. (Before that, it is the runtime's own process.)
pub fn pause_is_ready(pid: &str) -> bool {
    let process = pid.trim().parse().ok().and_then(|pid| Process::new(pid).ok());
    process.is_some_and(|process| {
        process.exe().is_ok_and(|program| program.ends_with("pause"))
            && process.status().is_ok_and(|status| is_ready(&status))
    })
}
