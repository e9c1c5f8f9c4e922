//! The compatibility table: what the tests have run in engines, and whether it passed. They keep rows in target/, and
//! `make compatibility` writes docs/fragments/compatibility.md from them.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result, bail, ensure};
use build::{root, write};
use serde::{Deserialize, Serialize};

/// What a test that holds this runs; it is kept as a row when this goes.
pub struct Row(Run);

#[derive(PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Run {
    engine: String,
    version: String,
    how: String,
    passed: bool,
}

impl Row {
    /// `version` is a text that has the engine's version in it, as the engine prints it.
    pub fn new(engine: &str, version: &str, how: &str) -> Self {
        let digits = |c: char| c.is_ascii_digit();
        let version = version.split([' ', '\n', '"', ',']).find(|word| word.contains('.') && word.contains(digits));
        let version = version.expect("a version").trim_start_matches('v').to_owned();
        Self(Run { engine: engine.to_owned(), version, how: how.to_owned(), passed: false })
    }
}

impl Drop for Row {
    fn drop(&mut self) {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _held = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let Run { engine, version, how, .. } = &self.0;
        let mut runs = kept().unwrap_or_default();
        runs.retain(|run| (&run.engine, &run.version, &run.how) != (engine, version, how));
        let [engine, version, how] = [engine, version, how].map(String::clone);
        runs.push(Run { engine, version, how, passed: !thread::panicking() });
        runs.sort();
        let text = serde_json::to_string_pretty(&runs).expect("JSON") + "\n";
        write(&file(), text.as_bytes(), 0o644).expect("target/ can be written");
    }
}

/// Where the rows of the last runs are; `make e2e` begins with none.
fn file() -> PathBuf {
    root().join("target/compatibility.json")
}

fn kept() -> Result<Vec<Run>> {
    let file = file();
    let rows = fs::read(&file).with_context(|| format!("no {}; `make e2e kubelet` makes it", file.display()))?;
    serde_json::from_slice(&rows).with_context(|| format!("{} is not what `make e2e` writes", file.display()))
}

/// Writes the table, if all that was run passed.
pub fn write_table() -> Result<()> {
    let rows = kept()?;
    if let Some(failed) = rows.iter().find(|row| !row.passed) {
        bail!("failed in {} {}: {}; the table stays as it is", failed.engine, failed.version, failed.how);
    }
    ensure!(!rows.is_empty(), "nothing was run; `make e2e kubelet` does");
    let file = root().join("docs/fragments/compatibility.md");
    let old = fs::read_to_string(&file).unwrap_or_default();
    let new = table(&rows);
    let engines = |table: &str| -> BTreeSet<String> {
        table.lines().skip(2).filter_map(|row| Some(row.split(" | ").next()?.to_owned())).collect()
    };
    if let Some(engine) = engines(&old).difference(&engines(&new)).next() {
        bail!(
            "not run: {}; run `make e2e kubelet`, or take it out of {}",
            engine.trim_start_matches("| "),
            file.display()
        );
    }
    write(&file, new.as_bytes(), 0o644)
}

/// One row for each version of an engine.
fn table(rows: &[Run]) -> String {
    let text = |text: &str| text.replace('|', "\\|");
    let mut table = "| engine | version | what was run | passed |\n|---|---|---|---|\n".to_owned();
    for of_one in rows.chunk_by(|a, b| (&a.engine, &a.version) == (&b.engine, &b.version)) {
        let passed = of_one.iter().filter(|row| row.passed).count();
        let runs: Vec<String> = of_one.iter().map(|row| text(&row.how)).collect();
        let (engine, version) = (text(&of_one[0].engine), text(&of_one[0].version));
        table += &format!("| {engine} | {version} | {} | {passed} of {} |\n", runs.join("; "), of_one.len());
    }
    table
}
