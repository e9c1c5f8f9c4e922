//! The engines that proof/packages/engines.sh builds from their Go modules.

use std::path::PathBuf;

use build::root;
use kit::skip::not_fetched;

/// The folder with the programs of an engine, by its name in proof/packages/engines/versions; a skip if it is not built.
pub fn built(name: &str) -> Option<PathBuf> {
    let folder = root().join("target/engines").join(name);
    if folder.exists() {
        return Some(folder);
    }
    not_fetched(name, &format!("{name} is not built; proof/packages/engines.sh {name} builds it"));
    None
}
