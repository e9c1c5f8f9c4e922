//! `cargo xtask dist`: every binary that ships, and their checksums.

use std::fs;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::{arch, build, root, write};

/// Fills dist/ with `pause-<architecture>` and SHA256SUMS, which `sha256sum --check` reads.
pub fn all() -> Result<()> {
    let dist = root().join("dist");
    let mut sums = String::new();
    for arch in &arch::ALL {
        let built = build::pause(arch)?;
        let bytes = fs::read(&built).with_context(|| format!("cannot read {}", built.display()))?;
        let name = format!("pause-{}", arch.name);
        write(&dist.join(&name), &bytes, 0o755)?;
        let sum: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        sums += &format!("{sum}  {name}\n");
        println!("{name:14} {:5} bytes", bytes.len());
    }
    write(&dist.join("SHA256SUMS"), sums.as_bytes(), 0o644)
}
