//! The engines that proof/packages/engines.sh builds from their Go modules.

use std::path::PathBuf;

use build::root;
use kit::skip::not_fetched;

/// Returns the directory with the programs of an engine, by its name in proof/packages/engines/versions; reports a skip
/// if it is not built.
pub fn built(name: &str) -> Option<PathBuf> {
    let built = Some(root().join("target/engines").join(name)).filter(|folder| folder.exists());
    if built.is_none() {
        not_fetched(name, &format!("{name} is not built; proof/packages/engines.sh {name} builds it"));
    }
    built
}

/// Returns the directories of several engines, as [`built`] does.
pub fn all_built(names: &[&str]) -> Option<Vec<PathBuf>> {
    names.iter().map(|name| built(name)).collect()
}
