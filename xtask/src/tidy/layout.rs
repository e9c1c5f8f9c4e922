//! Checks of the directories and crates: each architecture and each place has its files, and the crates depend on each
//! other as docs/architecture.md shows.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use build::arch::{ALL, Arch};
use build::{output, root};
use serde_json::Value;

use super::{files, read};
use crate::installer;

/// Returns the text of the files that match these patterns.
fn text(patterns: &[&str]) -> Result<String> {
    files(patterns)?.iter().map(read).collect()
}

/// Checks that what was found in `file` matches the table of architectures.
fn same(file: &str, found: &[impl AsRef<str>], expected: &[String]) -> Result<()> {
    let found: Vec<&str> = found.iter().map(AsRef::as_ref).collect();
    ensure!(found == expected, "{file} has {found:?}; xtask/build/src/arch.rs has {expected:?}");
    Ok(())
}

pub fn every_architecture_is_everywhere() -> Result<()> {
    let mut files_of_sys = files(&["src/sys", ":!src/sys/mod.rs"])?;
    files_of_sys.sort_unstable();
    let mut expected: Vec<String> = ALL.iter().map(|arch| format!("src/sys/{}.rs", arch.rust)).collect();
    expected.sort();
    same("src/sys", &files_of_sys, &expected)?;

    let toolchain = read("rust-toolchain.toml")?;
    let quoted = toolchain.lines().filter_map(|line| line.trim().strip_prefix('"')?.strip_suffix("\","));
    let compiled: Vec<_> = ALL.iter().filter(|arch| !arch.builds_core).map(|arch| arch.triple.to_owned()).collect();
    same("rust-toolchain.toml", &quoted.collect::<Vec<_>>(), &compiled)?;
    ensure!(toolchain.contains("\"rust-src\""), "rust-toolchain.toml lacks rust-src");

    let machines = read("proof/machines/kernels-machines")?;
    let names = machines.lines().filter_map(|line| line.split(' ').next()).filter(|name| *name != "#");
    let mut names: Vec<&str> = names.collect();
    names.dedup(); // arm64 and ppc64le have kernels of two page sizes
    same("proof/machines/kernels-machines", &names, &ALL.map(|arch| arch.name.to_owned()))?;
    let packages = read("proof/packages/kernels.list")?;
    let packaged: Vec<&str> = packages.lines().filter_map(|line| line.split(' ').next()).collect();
    let from_elsewhere = "qemu-system-loongarch64"; // from proof/packages/loong64.sh, because Debian 12's is too old
    for qemu in machines.split_whitespace().filter(|word| word.starts_with("qemu-system-")) {
        let is_there = packaged.contains(&qemu) || qemu == from_elsewhere;
        ensure!(is_there, "proof/packages/kernels.list lacks {qemu}, which kernels-machines names");
    }

    for page in ["README.md", "README.zh-CN.md", "docs/kernel-policy.md"] {
        // The tables that `make docs` writes name them all.
        let text = read(page)?;
        let prose: String = text.split("<!-- end -->").filter_map(|part| part.split("<!-- figure: ").next()).collect();
        for Arch { name, .. } in &ALL {
            ensure!(prose.contains(name), "{page} does not name {name} where it lists the architectures");
        }
    }
    Ok(())
}

/// Checks that a `mod` line names each file: without one, it is not compiled, and a test in it never runs.
pub fn every_source_file_is_a_module() -> Result<()> {
    let metadata = metadata()?;
    let targets = list(&metadata, "packages")?.iter().flat_map(|package| package["targets"].as_array()).flatten();
    let roots: Vec<&str> = targets.filter_map(|target| target["src_path"].as_str()).collect();
    // src/sys names its files by path, and kit compiles the floors.
    for file in files(&["*.rs", ":!src/sys", ":!proof/kit/floors"])? {
        let path = root().join(&file);
        let (folder, name) = file.rsplit_once('/').unwrap_or(("", &file));
        let module = name.trim_end_matches(".rs");
        // `mod.rs` is named where the module of its folder would be.
        let (folder, module) =
            if module == "mod" { folder.rsplit_once('/').unwrap_or_default() } else { (folder, module) };
        let parents =
            ["lib.rs", "main.rs", "mod.rs"].map(|parent| read(format!("{folder}/{parent}")).unwrap_or_default());
        let is_named = parents.concat().lines().any(|line| line.trim().ends_with(&format!("mod {module};")));
        let is_compiled = is_named || roots.iter().any(|root| path == Path::new(root));
        ensure!(is_compiled, "{file} is never compiled: no line `mod {module};` in {folder}/");
    }
    Ok(())
}

/// Checks each option that the installer's help lists.
pub fn every_option_is_documented_and_tested() -> Result<()> {
    let script = installer::template()?;
    let tests = text(&["proof/e2e/installer/*.rs"])?;
    let page = read("docs/install.md")?;
    let options = script.lines().filter_map(|line| line.strip_prefix("  --")?.split(' ').next());
    let options: Vec<String> = options.map(|option| format!("--{option}")).collect();
    ensure!(options.len() > 5, "found only the options {options:?} in installer/options.sh");
    for option in options {
        ensure!(page.contains(&option), "docs/install.md does not document {option}");
        ensure!(tests.contains(&format!("\"{option}\"")), "no test of proof/e2e/installer calls it with {option}");
    }
    Ok(())
}

/// Checks that CONTRIBUTING.md contains a row for each target that `make help` lists.
pub fn every_target_is_explained() -> Result<()> {
    let (makefile, page) = (read("Makefile")?, read("CONTRIBUTING.md")?);
    let rows: String = page.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next()).collect();
    let targets = makefile.lines().filter(|line| line.contains(" ## ")).filter_map(|line| line.split(':').next());
    for target in targets.filter(|target| !["clean", "help"].contains(target)) {
        ensure!(rows.contains(&format!("`{target}`")), "CONTRIBUTING.md has no row for make {target}");
    }
    Ok(())
}

/// Checks that each directory in deploy/ has a row in the table there, a README and a test, and that cells are short.
pub fn every_folder_of_deploy_has_a_row_and_a_test() -> Result<()> {
    let table = read("deploy/README.md")?;
    let rows = table.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    let rows: Vec<Vec<&str>> = rows.map(|line| line.split(" | ").collect()).collect();
    for row in &rows {
        let fits = row.iter().all(|cell| !cell.is_empty() && cell.chars().count() <= 100);
        ensure!(row.len() == 6 && fits, "deploy/README.md: not six short cells: {}", row.join(" | "));
    }
    let links: Vec<&str> = rows.iter().filter_map(|row| Some(row[0].split_once("](")?.1.split_once(')')?.0)).collect();
    let tests = text(&["proof/e2e/*.rs"])?; // * also matches a /
    let files = files(&["deploy/*/*"])?;
    for folder in links.iter().copied().chain(files.iter().filter_map(|file| file.split('/').nth(1))) {
        ensure!(links.contains(&folder), "no row of deploy/README.md links to {folder}");
        let path = format!("deploy/{folder}/");
        let inside: Vec<&str> = files.iter().filter_map(|file| file.strip_prefix(&path)).collect();
        ensure!(inside.contains(&"README.md"), "{path} has no README.md");
        let is_tested = tests.contains(path.trim_end_matches('/')) || tests.contains(&format!("config(\"{folder}\")"));
        ensure!(is_tested, "no test of proof/e2e names {path}");
    }
    Ok(())
}

/// Checks that the shipped program depends on one crate.
pub fn the_program_has_one_dependency() -> Result<()> {
    let tree =
        output(cargo("tree").args(["--package=pause", "--features=product", "--edges=normal", "--prefix=none"]))?;
    let crates: Vec<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    ensure!(crates == ["pause", "linux-raw-sys"], "pause may depend only on linux-raw-sys; its crates: {crates:?}");
    Ok(())
}

/// Checks that nothing that makes the product depends on what measures it, and that `make test` runs the tests of every
/// crate except those that need container engines.
pub fn crates_depend_as_the_map_says() -> Result<()> {
    let metadata = metadata()?;
    let mut found = list(&metadata, "packages")?.iter().map(arrows).collect::<Result<Vec<_>>>()?;
    found.sort();
    let expected = [
        ("bench", "build figures kit xtask"),
        ("build", ""),
        ("e2e", "build figures kit xtask"),
        ("faults", ""), // all its code is a test
        ("figures", "build kit xtask"),
        ("instructions", ""), // likewise
        ("kit", "build"),
        ("pause", ""),
        ("pod", "build"),
        ("suites", ""), // likewise
        ("xtask", "build"),
    ];
    let expected = expected.map(|(name, to)| format!("{name} → {to}"));
    let other = found.iter().zip(&expected).find(|(found, expected)| found != expected);
    ensure!(other.is_none(), "a crate does not depend on the expected crates (found, expected): {other:?}");
    ensure!(found.len() == expected.len(), "the crates are {found:?}, expected were {expected:?}");

    let tested = list(&metadata, "workspace_default_members")?;
    let untested: Vec<String> = list(&metadata, "workspace_members")?
        .iter()
        .filter(|member| !tested.contains(member))
        .map(Value::to_string)
        .collect();
    let need_engines = ["/proof/e2e#", "/proof/suites#"];
    let only_those = untested.iter().all(|member| need_engines.iter().any(|name| member.contains(name)));
    ensure!(only_those, "default-members of Cargo.toml lacks {untested:?}; only {need_engines:?} may be missing");
    Ok(())
}

/// Returns a package and those of our crates on which it depends, leaving out the dependencies of its tests.
fn arrows(package: &Value) -> Result<String> {
    let text = |value: &Value| value["name"].as_str().unwrap_or_default().to_owned();
    let ours = |dependency: &&Value| dependency["path"].is_string() && dependency["kind"] != "dev";
    let mut names: Vec<String> = list(package, "dependencies")?.iter().filter(ours).map(text).collect();
    names.sort_unstable();
    Ok(format!("{} → {}", text(package), names.join(" ")))
}

fn metadata() -> Result<Value> {
    Ok(serde_json::from_str(&output(cargo("metadata").args(["--no-deps", "--format-version=1"]))?)?)
}

fn list<'a>(value: &'a Value, key: &str) -> Result<&'a Vec<Value>> {
    value[key].as_array().with_context(|| format!("cargo metadata has no list {key}"))
}

fn cargo(verb: &str) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.args([verb, "--locked"]).current_dir(root());
    cargo
}
