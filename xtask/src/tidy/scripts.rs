//! Checks of the shell scripts.

use std::process::Command;

use anyhow::{Context, Result};
use build::{output, root, write};

use super::files;
use crate::installer;

pub fn shellcheck_finds_nothing() -> Result<()> {
    let scripts = files(&["*.sh", ".ci/run", ":!installer"])?;
    // The parts of the installer use each other's functions and variables.
    let joined = root().join("target/pause-install.sh");
    write(&joined, installer::template()?.as_bytes(), 0o644)?;
    shellcheck(&[joined.to_str().context("a path in UTF-8")?])?;
    shellcheck(
        &["--external-sources", "--severity=warning"]
            .into_iter()
            .chain(scripts.iter().map(String::as_str))
            .collect::<Vec<_>>(),
    )
}

fn shellcheck(arguments: &[&str]) -> Result<()> {
    // shellcheck fails if it finds anything.
    let found = output(Command::new("shellcheck").arg("--format=gcc").args(arguments).current_dir(root()));
    found.map(drop).context("shellcheck (apt-get install shellcheck)")
}
