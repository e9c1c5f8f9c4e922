//! `cargo xtask docs`: writes what README.md and docs/*.md take from elsewhere, the text of each
//! `<!-- table: NAME -->` up to its `<!-- end -->`, and the plots, so that no figure is copied by hand.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::arch::{ALL, Arch};
use crate::{benchmarks, dist, plots, root, write};

/// What can stand between markers, and what makes its Markdown.
const TABLES: &[(&str, Table)] = &[
    ("compatibility", compatibility),
    ("platforms", platforms),
    ("benchmarks", || benchmarked(benchmarks::summary)),
    ("benchmarks: machine", || benchmarked(benchmarks::machine)),
    ("benchmarks: peers", || benchmarked(benchmarks::about)),
    ("benchmarks: bars", || benchmarked(benchmarks::bars)),
    ("benchmarks: memory", || benchmarked(benchmarks::memory)),
    ("benchmarks: machine, v2", || benchmarks::machine(&benchmarks::kept_v2()?)),
    ("benchmarks: memory, v2", || benchmarks::memory(&benchmarks::kept_v2()?)),
    ("benchmarks: node", || benchmarked(benchmarks::node)),
    ("benchmarks: start", || benchmarked(benchmarks::starts)),
    ("benchmarks: sizes", || benchmarked(benchmarks::sizes)),
    ("benchmarks: reaping", || benchmarked(benchmarks::reaping)),
];

type Table = fn() -> Result<String>;

/// Writes them all, or none if one cannot be made.
pub fn all() -> Result<()> {
    for page in pages()? {
        write(&page.path, page.new.as_bytes(), 0o644)?;
    }
    Ok(())
}

/// A file that follows from others, or in part.
pub struct Page {
    /// Where it is.
    pub path: PathBuf,
    /// What it says.
    pub old: String,
    /// What it should say.
    pub new: String,
}

/// README.md, docs/*.md and the plots.
pub fn pages() -> Result<Vec<Page>> {
    let mut pages = Vec::new();
    let docs = fs::read_dir(root().join("docs")).context("cannot read docs/")?;
    let docs = docs.filter_map(|file| Some(file.ok()?.path())).filter(|path| path.extension() == Some("md".as_ref()));
    for path in docs.chain([root().join("README.md")]) {
        let old = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let new = filled(&old).with_context(|| format!("in {}", path.display()))?;
        pages.push(Page { path, old, new });
    }
    for (name, _) in TABLES {
        let used = pages.iter().any(|page| page.old.contains(&start(name)));
        ensure!(used, "no file has the table {name}; put {} and {END} where it belongs", start(name));
    }
    for (name, plot) in plots::ALL {
        let path = root().join("docs").join(name);
        let old = fs::read_to_string(&path).unwrap_or_default();
        pages.push(Page { path, old, new: benchmarked(plot)? });
    }
    Ok(pages)
}

fn benchmarked(of: fn(&Value) -> Result<String>) -> Result<String> {
    of(&benchmarks::kept()?)
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
    let row = |(arch, (_, bytes)): (&Arch, (String, Vec<u8>))| {
        vec![format!("`{}`", arch.platform()), grouped(bytes.len() as u64)]
    };
    Ok(table(&["platform", "bytes"], ALL.iter().zip(dist::binaries()?).map(row).collect()))
}

/// A table in Markdown, with its columns under each other.
pub(crate) fn table(titles: &[&str], rows: Vec<Vec<String>>) -> String {
    let titles: Vec<String> = titles.iter().map(|&title| title.to_owned()).collect();
    let width = |column: usize| rows.iter().chain([&titles]).map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..titles.len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!(" {cell:width$} |"));
        format!("|{}\n", cells.collect::<String>())
    };
    let rule: String = widths.iter().map(|width| format!("{}|", "-".repeat(width + 2))).collect();
    format!("{}|{rule}\n{}", line(&titles), rows.iter().map(line).collect::<String>())
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
pub(crate) fn grouped(n: u64) -> String {
    match n {
        0..1000 => n.to_string(),
        _ => format!("{},{:03}", grouped(n / 1000), n % 1000),
    }
}
