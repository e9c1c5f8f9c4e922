//! What cargo cannot do for `pause`. One module a verb; [`arch`] is the one table of architectures, from which
//! the verbs and the tests take theirs.

pub mod arch;
pub mod build;
pub mod dist;

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

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
        fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
        let part = path.with_added_extension(format!("{}.part", std::process::id()));
        fs::write(&part, bytes)?;
        fs::set_permissions(&part, Permissions::from_mode(mode))?; // whatever the umask
        fs::rename(&part, path).inspect_err(|_| _ = fs::remove_file(&part))
    };
    whole().with_context(|| format!("cannot write {}", path.display()))
}
