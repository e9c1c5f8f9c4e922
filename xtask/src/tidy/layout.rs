//! The folders and crates: each architecture and each place has its files, and the crates depend on each other as
//! docs/architecture.md draws it.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use build::arch::ALL;
use build::{output, root};
use serde_json::Value;

use super::{git, read};

/// What stands in `file`, and what the table of architectures says.
fn same(file: &str, found: &[impl AsRef<str>], expected: &[String]) -> Result<()> {
    let found: Vec<&str> = found.iter().map(AsRef::as_ref).collect();
    ensure!(found == expected, "{file} has {found:?}; xtask/build/src/arch.rs has {expected:?}");
    Ok(())
}

pub fn every_architecture_is_everywhere() -> Result<()> {
    let files = git(&["ls-files", "--cached", "--others", "src/sys", ":!src/sys/mod.rs"])?;
    let mut files: Vec<&str> = files.lines().collect();
    files.sort_unstable();
    let mut expected: Vec<String> = ALL.iter().map(|arch| format!("src/sys/{}.rs", arch.rust)).collect();
    expected.sort();
    same("src/sys", &files, &expected)?;

    let toolchain = read("rust-toolchain.toml")?;
    let quoted = toolchain.lines().filter_map(|line| line.trim().strip_prefix('"')?.strip_suffix("\","));
    let compiled: Vec<_> = ALL.iter().filter(|arch| !arch.builds_core).map(|arch| arch.triple.to_owned()).collect();
    same("rust-toolchain.toml", &quoted.collect::<Vec<_>>(), &compiled)?;
    ensure!(toolchain.contains("\"rust-src\""), "rust-toolchain.toml lacks rust-src");

    let machines = read("proof/machines/kernels-machines")?;
    let names = machines.lines().filter_map(|line| line.split(' ').next()).filter(|name| *name != "#");
    let mut names: Vec<&str> = names.collect();
    names.dedup(); // arm64 and ppc64le have kernels of two page sizes
    same("proof/machines/kernels-machines", &names, &ALL.map(|arch| arch.name.to_owned()))
}

/// Each folder of deploy/ has a row in its table, a README, and something to copy or to run. Cells stay short.
pub fn every_place_has_a_row_and_a_folder() -> Result<()> {
    let table = read("deploy/README.md")?;
    let rows = table.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    let rows: Vec<Vec<&str>> = rows.map(|line| line.split(" | ").collect()).collect();
    for row in &rows {
        let fits = row.iter().all(|cell| !cell.is_empty() && cell.chars().count() <= 100);
        ensure!(row.len() == 6 && fits, "deploy/README.md: not six short cells: {}", row.join(" | "));
    }
    let links: Vec<&str> = rows.iter().filter_map(|row| Some(row[0].split_once("](")?.1.split_once(')')?.0)).collect();
    let tests = git(&["grep", "--files-with-matches", "deploy/", "proof/e2e/*.rs"])?; // * is also for a /
    let tests = tests.lines().map(read).collect::<Result<String>>()?;
    let files = git(&["ls-files", "deploy/*/*"])?;
    for folder in links.iter().copied().chain(files.lines().filter_map(|file| file.split('/').nth(1))) {
        ensure!(links.contains(&folder), "no row of deploy/README.md links to {folder}");
        let path = format!("deploy/{folder}/");
        let inside: Vec<&str> = files.lines().filter_map(|file| file.strip_prefix(&path)).collect();
        ensure!(inside.contains(&"README.md"), "{path} has no README.md");
        let is_used = inside.len() > 1 || tests.contains(path.trim_end_matches('/'));
        ensure!(is_used, "{path} has nothing to copy, and no test of proof/e2e runs it");
    }
    Ok(())
}

/// The shipped program depends on one crate.
pub fn the_program_has_one_dependency() -> Result<()> {
    let tree =
        output(cargo("tree").args(["--package=pause", "--features=product", "--edges=normal", "--prefix=none"]))?;
    let crates: Vec<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    ensure!(crates == ["pause", "linux-raw-sys"], "pause may depend on linux-raw-sys alone; its crates: {crates:?}");
    Ok(())
}

/// Nothing that makes the product depends on what measures it, and `make test` runs the tests of every crate except
/// those that need container engines.
pub fn crates_depend_as_the_map_says() -> Result<()> {
    let metadata: Value = serde_json::from_str(&output(cargo("metadata").args(["--no-deps", "--format-version=1"]))?)?;
    let mut found = list(&metadata, "packages")?.iter().map(arrows).collect::<Result<Vec<_>>>()?;
    found.sort();
    let expected = [
        ("bench", "build kit xtask"),
        ("build", ""),
        ("e2e", "build kit xtask"),
        ("faults", ""),       // all its code is a test
        ("instructions", ""), // so is all of this one's
        ("kit", "build"),
        ("pause", ""),
        ("pod", "build"),
        ("xtask", "build"),
    ];
    let expected = expected.map(|(name, to)| format!("{name} → {to}"));
    let other = found.iter().zip(&expected).find(|(found, expected)| found != expected);
    ensure!(other.is_none(), "a crate depends on others than expected (found, expected): {other:?}");
    ensure!(found.len() == expected.len(), "the crates are {found:?}, expected were {expected:?}");

    let tested = list(&metadata, "workspace_default_members")?;
    let untested: Vec<String> = list(&metadata, "workspace_members")?
        .iter()
        .filter(|member| !tested.contains(member))
        .map(Value::to_string)
        .collect();
    let only_e2e = matches!(&untested[..], [one] if one.contains("/proof/e2e#"));
    ensure!(only_e2e, "default-members of Cargo.toml lacks {untested:?}; only proof/e2e may be missing");
    Ok(())
}

/// A package, and those of ours on which it depends, except for its tests.
fn arrows(package: &Value) -> Result<String> {
    let text = |value: &Value| value["name"].as_str().unwrap_or_default().to_owned();
    let ours = |dependency: &&Value| dependency["path"].is_string() && dependency["kind"] != "dev";
    let mut names: Vec<String> = list(package, "dependencies")?.iter().filter(ours).map(text).collect();
    names.sort_unstable();
    Ok(format!("{} → {}", text(package), names.join(" ")))
}

fn list<'a>(value: &'a Value, key: &str) -> Result<&'a Vec<Value>> {
    value[key].as_array().with_context(|| format!("cargo metadata has no list {key}"))
}

fn cargo(verb: &str) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.args([verb, "--locked"]).current_dir(root());
    cargo
}
