//! A program that installs a handler for SIGTERM, sleeps, and does nothing else: no start can be faster. It is compiled
//! and linked as the product is.

use std::path::PathBuf;

use xtask::arch::Arch;
use xtask::{build, root};

use crate::skip::skip;

/// Where it is; None on other architectures.
pub fn build() -> Option<PathBuf> {
    let arch = Arch::host().expect("an architecture of pause");
    if arch.name != "amd64" {
        skip("the floor is an assembly program for amd64");
        return None;
    }
    let program = root().join("target/floors/handler");
    build::like_pause(&root().join("benches/floors/handler.rs"), arch, &program).expect("it is built");
    Some(program)
}
