//! `cargo xtask dist`: every binary that ships, their checksums and their bill of materials.

use std::fs;

use anyhow::{Context, Result};
use build::{arch, root, write};

use crate::{sbom, sha256};

/// Fills dist/ with `pause-<architecture>`, SHA256SUMS, which `sha256sum --check` reads, and pause.spdx.json.
pub fn all() -> Result<()> {
    let dist = root().join("dist");
    let binaries = binaries()?;
    let mut sums = String::new();
    for (name, bytes) in &binaries {
        write(&dist.join(name), bytes, 0o755)?;
        sums += &format!("{}  {name}\n", sha256(bytes));
        println!("{name:14} {:5} bytes", bytes.len());
    }
    write(&dist.join("SHA256SUMS"), sums.as_bytes(), 0o644)?;
    write(&dist.join("pause.spdx.json"), &sbom::document(&binaries)?, 0o644)
}

/// Name in dist/ and bytes of each binary.
pub fn binaries() -> Result<Vec<(String, Vec<u8>)>> {
    let binary = |arch| {
        let built = build::pause(arch)?;
        let bytes = fs::read(&built).with_context(|| format!("cannot read {}", built.display()))?;
        Ok((format!("pause-{}", arch.name), bytes))
    };
    arch::ALL.iter().map(binary).collect()
}
