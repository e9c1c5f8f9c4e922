//! The shell scripts.

use std::process::Command;

use anyhow::{Context, Result};
use build::{output, root};

use super::files;

/// The installer's source, because the built script lacks the comments that direct shellcheck.
const INSTALLER: &str = "deploy/pause-install.sh";

pub fn shellcheck_finds_nothing() -> Result<()> {
    let scripts = files(&["*.sh", ".ci/run", &format!(":!{INSTALLER}")])?;
    shellcheck(&[INSTALLER])?;
    shellcheck(
        &["--external-sources", "--severity=warning"]
            .into_iter()
            .chain(scripts.iter().map(String::as_str))
            .collect::<Vec<_>>(),
    )
}

fn shellcheck(arguments: &[&str]) -> Result<()> {
    // It fails if it finds anything.
    let found = output(Command::new("shellcheck").arg("--format=gcc").args(arguments).current_dir(root()));
    found.map(drop).context("shellcheck (apt-get install shellcheck)")
}
