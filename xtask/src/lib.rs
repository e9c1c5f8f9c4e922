//! What cargo cannot do for `pause`. One module a verb; [`arch`] is the one table of architectures, from which
//! the verbs and the tests take theirs.

pub mod arch;
pub mod benchmarks;
pub mod build;
pub mod dist;
pub mod docs;
pub mod image;
pub mod install;
mod plots;
pub mod sbom;

use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

/// The folder of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("")
}

/// Puts `bytes` at `path` with `mode`, whole or not at all: whoever looks sees the old file or the new one.
/// Makes the folder if it is not there. A file that is right already is left alone.
pub fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    let whole = || -> io::Result<()> {
        if fs::read(path).is_ok_and(|old| old == bytes) {
            return fs::set_permissions(path, Permissions::from_mode(mode));
        }
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let mut part = NamedTempFile::new_in(folder)?;
        part.write_all(bytes)?;
        part.as_file().set_permissions(Permissions::from_mode(mode))?; // whatever the umask
        part.persist(path)?;
        Ok(())
    };
    whole().with_context(|| format!("cannot write {}", path.display()))
}

/// In hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
