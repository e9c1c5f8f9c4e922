//! The engines that proof/packages/engines.sh builds from their Go modules.

use std::path::PathBuf;

use build::root;
use kit::skip::{does_not_apply, not_fetched};

/// The folder with the programs of an engine, by its name in proof/packages/engines/versions; a skip if it is not built.
pub fn built(name: &str) -> Option<PathBuf> {
    let built = folder(name);
    if built.is_none() {
        not_fetched(name, &format!("{name} is not built; proof/packages/engines.sh {name} builds it"));
    }
    built
}

/// The same for an engine that only `make engines` builds.
pub fn built_by_make_engines(name: &str) -> Option<PathBuf> {
    let built = folder(name);
    if built.is_none() {
        does_not_apply(&format!("{name} is not built; make engines builds it"));
    }
    built
}

fn folder(name: &str) -> Option<PathBuf> {
    Some(root().join("target/engines").join(name)).filter(|folder| folder.exists())
}
