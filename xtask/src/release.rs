//! `cargo xtask release X.Y.Z`: sets the version in every file, updates the digests, and prints the steps that remain
//! to be done by hand. The tree must be clean, so that git can restore it if a step fails.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use build::{output, write};

use crate::installer;

/// The files and directories that contain the version, as patterns for `git ls-files`; no other file may, except
/// Cargo.lock, which cargo updates, and CHANGELOG.md, which you write. (Programs get the version from cargo.)
pub const PLACES: [&str; 6] = ["Cargo.toml", "Dockerfile", "README*.md", "SECURITY.md", "deploy/", "docs/*.md"];

/// Sets `version` in the repository at `root`, and returns a text with the remaining steps.
pub fn release(root: &Path, version: &str) -> Result<String> {
    let old = check(root, version)?;
    if let Err(error) = set_all(root, &old, version) {
        git(root, &["restore", "."]).context("some files have changed, and `git restore .` failed")?;
        return Err(error.context("nothing has changed"));
    }
    let changed = git(root, &["diff", "--name-only"])?;
    Ok(format!(
        "{} files now have the version {version}. The remaining steps:\n  \
         make docs                       the new sizes; measure again what it names\n  \
         git diff                        read it\n  \
         .ci/run                         all tests, as root on Debian\n  \
         git commit --all -m 'Release {version}'\n  \
         git tag v{version}              add --sign if you sign tags\n  \
         git push origin HEAD v{version}  \
         the workflow builds, compares with digests.txt, signs, and drafts the release\n  \
         publish the draft; then see SECURITY.md, How to verify",
        changed.lines().count()
    ))
}

fn set_all(root: &Path, old: &str, version: &str) -> Result<()> {
    set_version(root, old, version)?;
    keep_programs(root)?;
    // A newly compiled xtask has the new version. Cargo updates Cargo.lock.
    let digests = xtask(root, "digests")?;
    write(&root.join("digests.txt"), digests.as_bytes(), 0o644)
}

/// Adds the programs in digests.txt to the programs of earlier releases, which the installer knows.
pub fn keep_programs(root: &Path) -> Result<()> {
    let [digests, earlier] = ["digests.txt", installer::EARLIER_PROGRAMS].map(|file| root.join(file));
    let read = |file: &Path| fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()));
    let is_program = |line: &&str| line.split_once("  pause-").is_some_and(|(_, arch)| !arch.contains('.'));
    let programs = read(&digests)?.lines().filter(is_program).map(|line| format!("{line}\n")).collect::<String>();
    write(&earlier, (read(&earlier)? + &programs).as_bytes(), 0o644)
}

/// Checks that `version` can be released from the repository at `root`, and returns the present version.
pub fn check(root: &Path, version: &str) -> Result<String> {
    let new = numbers(version).with_context(|| format!("not a version: {version:?}; it must be X.Y.Z, in numbers"))?;
    let manifest = root.join("Cargo.toml");
    let manifest = fs::read_to_string(&manifest).with_context(|| format!("cannot read {}", manifest.display()))?;
    let old = manifest.lines().find_map(|line| line.strip_prefix("version = \"")?.strip_suffix('"'));
    let old = old.context("Cargo.toml has no version")?;
    ensure!(numbers(old).is_some_and(|old| old < new), "{version} does not come after {old}, the present version");

    let changelog = fs::read_to_string(root.join("CHANGELOG.md")).context("cannot read CHANGELOG.md")?;
    let section = changelog.split("\n## ").find_map(|section| section.strip_prefix(&format!("[{version}]")));
    let section = section.with_context(|| format!("CHANGELOG.md has no section `## [{version}]`: write it first"))?;
    ensure!(section.contains("\n- "), "in CHANGELOG.md, the section of {version} is empty");
    let changes = git(root, &["status", "--porcelain"])?;
    ensure!(changes.is_empty(), "the tree is not clean: commit first, the changelog too");
    let tags = git(root, &["tag", "--list", &format!("v{version}")])?;
    ensure!(tags.is_empty(), "the tag v{version} already exists; a tag never moves");
    Ok(old.to_owned())
}

/// Returns major, minor and patch; none if `version` has another form.
fn numbers(version: &str) -> Option<[u64; 3]> {
    let numbers: Option<Vec<u64>> = version.split('.').map(|number| number.parse().ok()).collect();
    let numbers: [u64; 3] = numbers?.try_into().ok()?;
    (version == numbers.map(|number| number.to_string()).join(".")).then_some(numbers)
}

/// Replaces the version `old` by `new` in all [`PLACES`] of the repository at `root`.
pub fn set_version(root: &Path, old: &str, new: &str) -> Result<()> {
    let files = git(root, &[&["ls-files", "--"][..], &PLACES].concat())?;
    for file in files.lines() {
        let path = root.join(file);
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let set = match file {
            // Only the first: dependencies have versions, too.
            "Cargo.toml" => text.replacen(&format!("\nversion = \"{old}\""), &format!("\nversion = \"{new}\""), 1),
            _ => replaced(&text, old, new),
        };
        if set != text {
            write(&path, set.as_bytes(), mode(&path)?)?;
        }
    }
    Ok(())
}

/// Replaces each `old` in `text` with `new`, unless it is part of a longer number.
fn replaced(text: &str, old: &str, new: &str) -> String {
    let mut set = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(old) {
        let (before, after) = (&rest[..at], &rest[at + old.len()..]);
        let part = before.ends_with(|c: char| c.is_ascii_digit() || c == '.')
            || after.starts_with(|c: char| c.is_ascii_digit())
            || after.strip_prefix('.').is_some_and(|after| after.starts_with(|c: char| c.is_ascii_digit()));
        set += before;
        set += if part { old } else { new };
        rest = after;
    }
    set + rest
}

fn mode(path: &Path) -> Result<u32> {
    let metadata = fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(metadata.permissions().mode() & 0o777)
}

/// Runs git in `folder` and returns its output.
fn git(folder: &Path, arguments: &[&str]) -> Result<String> {
    output(Command::new("git").args(arguments).current_dir(folder))
}

/// Runs the xtask of the repository at `root` and returns its output.
fn xtask(root: &Path, verb: &str) -> Result<String> {
    output(Command::new("cargo").args(["run", "--quiet", "--package=xtask", "--", verb]).current_dir(root))
}
