//! The shell scripts.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use build::root;

use super::git;

/// The installer's source, because the built script lacks the comments that direct shellcheck.
const INSTALLER: &str = "deploy/pause-install.sh";

pub fn shellcheck_finds_nothing() -> Result<()> {
    let scripts = git(&["ls-files", "*.sh", ".ci/run", &format!(":!{INSTALLER}")])?;
    shellcheck(&[INSTALLER])?;
    shellcheck(&["--external-sources", "--severity=warning"].into_iter().chain(scripts.lines()).collect::<Vec<_>>())
}

fn shellcheck(arguments: &[&str]) -> Result<()> {
    let mut check = Command::new("shellcheck");
    let found = check.arg("--format=gcc").args(arguments).current_dir(root()).output();
    let found = found.context("shellcheck is not installed: apt-get install shellcheck")?;
    let said = String::from_utf8_lossy(&[found.stdout, found.stderr].concat()).into_owned();
    ensure!(found.status.success() && said.is_empty(), "shellcheck finds:\n{}", said.trim());
    Ok(())
}
