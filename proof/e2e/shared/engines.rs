//! The engines that proof/packages/engines.sh builds from their Go modules.

use std::path::PathBuf;

use build::root;
use kit::skip::{does_not_apply, not_fetched};

/// The folder with the programs of an engine, by its name in proof/packages/engines/versions; a skip if it is not built.
pub fn built(name: &str) -> Option<PathBuf> {
    let folder = root().join("target/engines").join(name);
    if folder.exists() {
        return Some(folder);
    }
    not_fetched(name, &format!("{name} is not built; proof/packages/engines.sh {name} builds it"));
    None
}

/// The same for an engine that only `make engines` builds.
pub fn built_by_make_engines(name: &str) -> Option<PathBuf> {
    let folder = root().join("target/engines").join(name);
    if !folder.exists() {
        does_not_apply(&format!("{name} is not built; make engines builds it"));
    }
    folder.exists().then_some(folder)
}
