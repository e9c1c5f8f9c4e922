//! `cargo xtask dist`: every binary that ships, and their checksums.

use std::fs;

use anyhow::{Context, Result};

use crate::{arch, build, root, sha256, write};

/// Fills dist/ with `pause-<architecture>` and SHA256SUMS, which `sha256sum --check` reads.
pub fn all() -> Result<()> {
    let dist = root().join("dist");
    let mut sums = String::new();
    for arch in &arch::ALL {
        let built = build::pause(arch)?;
        let bytes = fs::read(&built).with_context(|| format!("cannot read {}", built.display()))?;
        let name = format!("pause-{}", arch.name);
        write(&dist.join(&name), &bytes, 0o755)?;
        sums += &format!("{}  {name}\n", sha256(&bytes));
        println!("{name:14} {:5} bytes", bytes.len());
    }
    write(&dist.join("SHA256SUMS"), sums.as_bytes(), 0o644)
}
