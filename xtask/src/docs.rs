//! `cargo xtask docs`: writes what README.md and docs/*.md take from elsewhere, the text of each
//! `<!-- table: NAME -->` up to its `<!-- end -->`, so that no figure is copied by hand.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::arch::ALL;
use crate::{dist, root, write};

/// What can stand between markers, and what makes its Markdown.
const TABLES: &[(&str, Table)] = &[("compatibility", compatibility), ("platforms", platforms)];

type Table = fn() -> Result<String>;

/// Writes them all, or none if one cannot be made.
pub fn all() -> Result<()> {
    for page in pages()? {
        write(&page.path, page.new.as_bytes(), 0o644)?;
    }
    Ok(())
}

/// A file with tables in it.
pub struct Page {
    /// Where it is.
    pub path: PathBuf,
    /// What it says.
    pub old: String,
    /// What it should say.
    pub new: String,
}

/// README.md and docs/*.md.
pub fn pages() -> Result<Vec<Page>> {
    let mut paths = vec![root().join("README.md")];
    if let Ok(docs) = fs::read_dir(root().join("docs")) {
        paths.extend(
            docs.filter_map(|file| Some(file.ok()?.path())).filter(|path| path.extension() == Some("md".as_ref())),
        );
    }
    let mut pages = Vec::new();
    for path in paths {
        let old = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let new = filled(&old).with_context(|| format!("in {}", path.display()))?;
        pages.push(Page { path, old, new });
    }
    for (name, _) in TABLES {
        let used = pages.iter().any(|page| page.old.contains(&start(name)));
        ensure!(used, "no file has the table {name}; put {} and {END} where it belongs", start(name));
    }
    Ok(pages)
}

const START: &str = "<!-- table: ";
const END: &str = "<!-- end -->";

fn start(name: &str) -> String {
    format!("{START}{name} -->")
}

/// `text` with what belongs between its markers.
fn filled(text: &str) -> Result<String> {
    let mut parts = text.split(START);
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let name = part.split(" -->").next().unwrap_or_default();
        let table = TABLES.iter().find(|(known, _)| *known == name);
        let (_, table) = table.with_context(|| format!("no table has the name {name:?}; see xtask/src/docs.rs"))?;
        let (_, rest) = part.split_once(END).with_context(|| format!("behind the table {name} there is no {END}"))?;
        let table = table().with_context(|| format!("cannot make the table {name}"))?;
        filled += &format!("{}\n{}\n{END}{rest}", start(name), table.trim_end());
    }
    Ok(filled)
}

fn platforms() -> Result<String> {
    let mut table = "| platform | bytes |\n|---|---|\n".to_owned();
    for (arch, (_, bytes)) in ALL.iter().zip(dist::binaries()?) {
        table += &format!("| `{}` | {} |\n", arch.platform(), grouped(bytes.len() as u64));
    }
    Ok(table)
}

/// From what the tests in engines last wrote of themselves.
fn compatibility() -> Result<String> {
    let file = root().join("docs/compatibility.json");
    let rows = fs::read(&file).with_context(|| format!("cannot read {}; `make e2e` writes it", file.display()))?;
    let rows: Vec<Value> = serde_json::from_slice(&rows)?;
    let mut table = "| engine | version | what was run | passed |\n|---|---|---|---|\n".to_owned();
    let text = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().replace('|', "\\|");
    for of_one in rows.chunk_by(|a, b| a["engine"] == b["engine"] && a["version"] == b["version"]) {
        let passed = of_one.iter().filter(|row| row["result"] == "passed").count();
        let runs: Vec<String> = of_one.iter().map(|row| text(row, "how")).collect();
        let (engine, version) = (text(&of_one[0], "engine"), text(&of_one[0], "version"));
        table += &format!("| {engine} | {version} | {} | {passed} of {} |\n", runs.join("; "), of_one.len());
    }
    Ok(table)
}

/// With a comma for each three digits.
fn grouped(n: u64) -> String {
    match n {
        0..1000 => n.to_string(),
        _ => format!("{},{:03}", grouped(n / 1000), n % 1000),
    }
}
