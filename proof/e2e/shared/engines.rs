//! The engines that proof/packages/engines.sh builds from their Go modules.

use std::path::PathBuf;

use build::root;
use kit::skip::not_fetched;

/// The folder with the programs of an engine, by its name in proof/packages/engines/versions; a skip if it is not built.
pub fn built(name: &str) -> Option<PathBuf> {
    let built = Some(root().join("target/engines").join(name)).filter(|folder| folder.exists());
    if built.is_none() {
        not_fetched(name, &format!("{name} is not built; proof/packages/engines.sh {name} builds it"));
    }
    built
}

/// The same for several.
pub fn all_built(names: &[&str]) -> Option<Vec<PathBuf>> {
    names.iter().map(|name| built(name)).collect()
}
