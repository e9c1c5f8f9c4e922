//! The files in samples/, which keep what was measured, and the digest of the pause to which it belongs.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use build::arch::Arch;
use build::root;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Returns the path of a file.
pub fn path(name: &str) -> PathBuf {
    root().join("proof/figures/samples").join(name)
}

/// Reads the text of a file.
pub fn text(name: &str) -> Result<String> {
    fs::read_to_string(path(name)).with_context(|| format!("cannot read {}", path(name).display()))
}

/// Reads a file's contents from JSON.
pub fn read<T: DeserializeOwned>(name: &str) -> Result<T> {
    serde_json::from_str(&text(name)?).with_context(|| format!("{} has an unexpected format", path(name).display()))
}

/// Writes rows as JSON, with one row per line.
pub fn write(name: &str, rows: &[impl Serialize]) -> Result<()> {
    let rows: Vec<String> = rows.iter().map(serde_json::to_string).collect::<serde_json::Result<_>>()?;
    build::write(&path(name), format!("[\n{}\n]\n", rows.join(",\n")).as_bytes(), 0o644)
}

/// Returns the digest of this program; empty if it cannot be read.
pub fn digest(program: &Path) -> String {
    fs::read(program).map(|bytes| xtask::sha256(&bytes)).unwrap_or_default()
}

/// Returns the digest of pause in dist/ for this machine.
pub fn digest_in_dist() -> String {
    Arch::here().map(|arch| digest(&root().join(format!("dist/pause-{}", arch.name)))).unwrap_or_default()
}
