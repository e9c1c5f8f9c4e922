//! The binaries that ship.

use std::fs;

use anyhow::{Context, Result, ensure};
use build::arch::{ALL, Arch};

/// pause for one architecture.
pub struct Binary {
    /// The architecture.
    pub arch: &'static Arch,
    /// The contents of the file.
    pub bytes: Vec<u8>,
}

impl Binary {
    /// Returns its name in dist/.
    pub fn name(&self) -> String {
        format!("pause-{}", self.arch.name)
    }
}

/// Builds the binaries for `platforms`, a comma-separated list of names such as linux/arm64; all if it is empty.
pub fn of(platforms: &str) -> Result<Vec<Binary>> {
    let binary = |arch: &'static Arch| {
        let built = build::pause(arch)?;
        let bytes = fs::read(&built).with_context(|| format!("cannot read {}", built.display()))?;
        Ok(Binary { arch, bytes })
    };
    archs(platforms)?.into_iter().map(binary).collect()
}

fn archs(platforms: &str) -> Result<Vec<&'static Arch>> {
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
