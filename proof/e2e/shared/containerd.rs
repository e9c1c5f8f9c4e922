//! The versions of containerd, on this machine and built, and what follows from them.

use std::path::PathBuf;
use std::{fmt, fs};

use kit::skip::{does_not_apply, not_fetched};

use crate::engines::all_built;
use crate::tools::run;

/// What the installer says about the pin in this machine's containerd: Debian 12's has none.
pub const PIN: Pin = Pin;

/// Its text depends on the version.
pub struct Pin;

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(if is_version_2() { "pinned" } else { TOO_OLD })
    }
}

/// What it says about a containerd without pins.
pub const TOO_OLD: &str = "too old to pin";

/// The key that the installer names for this machine's containerd.
pub fn sandbox_key() -> &'static str {
    if is_version_2() { "pinned_images.sandbox" } else { "sandbox_image" }
}

/// Returns what is installed on a host with containerd 1 in addition to this machine's programs: nothing; none if this
/// machine's is newer.
pub fn of_1() -> Option<Vec<PathBuf>> {
    if is_version_2() {
        does_not_apply("this machine has containerd 2, and no older one");
        return None;
    }
    Some(vec![])
}

/// Returns what is installed on a host with containerd 2, which was built; reports a skip if it is missing.
pub fn of_2() -> Option<Vec<PathBuf>> {
    all_built(&["containerd-2.4", "runc-1.5", "cni-plugins-1.9"])
}

/// Returns the root directory of a newer Debian than this machine's; reports a skip if there is none.
pub fn newer_debian() -> Option<PathBuf> {
    if is_version_2() {
        does_not_apply("this machine has a Debian as new as the one that this test brings");
        return None;
    }
    let root = build::root().join("target/newer-debian");
    if root.exists() {
        return Some(root);
    }
    not_fetched("newer-debian", "a newer Debian is not there; proof/packages/newer-debian.sh fetches it, as root");
    None
}

/// Returns whether this machine's containerd is version 2.
pub fn is_version_2() -> bool {
    run("containerd", &["--version"]).is_ok_and(|said| said.contains("containerd/v2 "))
}

/// Reads the file in a directory of deploy/.
pub fn config(deploy: &str) -> String {
    fs::read_to_string(build::root().join("deploy").join(deploy).join("config.toml")).expect("a file")
}
