//! `cargo xtask dist`: the binaries that ship, their bill of materials, and the checksums of everything in dist/.

use std::fs;

use anyhow::{Context, Result, ensure};

use build::arch::{ALL, Arch};
use build::{root, write};

use crate::{sbom, sha256};

/// A file of dist/.
pub struct File {
    /// Its name in dist/.
    pub name: String,
    /// Its contents.
    pub bytes: Vec<u8>,
    /// Its permissions.
    pub mode: u32,
}

impl File {
    /// A file that is not executable.
    pub fn new(name: &str, bytes: Vec<u8>) -> Self {
        Self { name: name.to_owned(), bytes, mode: 0o644 }
    }
}

/// Fills dist/ with the [`files`] of all platforms.
pub fn all() -> Result<()> {
    publish(&files(&ALL.iter().collect::<Vec<_>>())?)
}

/// `pause-<architecture>` of each architecture, and pause.spdx.json.
pub fn files(archs: &[&Arch]) -> Result<Vec<File>> {
    let binaries = binaries(archs)?;
    let sbom = File::new("pause.spdx.json", sbom::document(&binaries)?);
    let binaries = binaries.into_iter().map(|(name, bytes)| File { name, bytes, mode: 0o755 });
    Ok(binaries.chain([sbom]).collect())
}

/// Writes `files` into dist/, with SHA256SUMS of them all, for `sha256sum --check`. Removes other files, left by an
/// earlier run, because those checksums would not cover them.
pub fn publish(files: &[File]) -> Result<()> {
    let dist = root().join("dist");
    let mut sums = String::new();
    for file in files {
        write(&dist.join(&file.name), &file.bytes, file.mode)?;
        println!("{:19} {:6} bytes", file.name, file.bytes.len());
        sums += &format!("{}  {}\n", sha256(&file.bytes), file.name);
    }
    write(&dist.join("SHA256SUMS"), sums.as_bytes(), 0o644)?;
    for entry in fs::read_dir(&dist).context("cannot read dist/")? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("pause") && !files.iter().any(|file| file.name == name) {
            fs::remove_file(entry.path()).with_context(|| format!("cannot remove dist/{name} of an earlier run"))?;
        }
    }
    Ok(())
}

/// The name in dist/ and the bytes of each architecture's binary.
pub fn binaries(archs: &[&Arch]) -> Result<Vec<(String, Vec<u8>)>> {
    let binary = |arch: &&Arch| {
        let built = build::pause(arch)?;
        let bytes = fs::read(&built).with_context(|| format!("cannot read {}", built.display()))?;
        Ok((format!("pause-{}", arch.name), bytes))
    };
    archs.iter().map(binary).collect()
}

/// The architectures of `platforms`, a comma-separated list of names such as linux/arm64; all of them if it is empty.
pub fn archs(platforms: &str) -> Result<Vec<&'static Arch>> {
    if platforms.is_empty() {
        return Ok(ALL.iter().collect());
    }
    let asked: Vec<&str> = platforms.split(',').collect();
    for platform in &asked {
        ensure!(
            ALL.iter().any(|arch| arch.platform() == *platform),
            "no such platform: {platform:?}; there are {}",
            ALL.iter().map(Arch::platform).collect::<Vec<_>>().join(",")
        );
    }
    // In the order of the table, so that the same platforms give the same bytes.
    Ok(ALL.iter().filter(|arch| asked.contains(&arch.platform().as_str())).collect())
}
