//! `cargo xtask docs`: fills in the fragments of README*.md and docs/*.md, so that no figure is copied by hand. Between
//! `<!-- fragment: NAME -->` and `<!-- end -->` it puts docs/fragments/NAME.md, which the measuring program wrote. It
//! makes the fragment `platforms` itself, from the sizes of the binaries.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use build::{root, write};

use crate::binaries;
use crate::table::{grouped, table};

/// Writes every page, or none if one cannot be assembled.
pub fn write_all() -> Result<()> {
    for page in pages()? {
        write(&page.path, page.new.as_bytes(), 0o644)?;
    }
    Ok(())
}

/// Fails if a page differs from what [`write_all`] would write.
pub fn check() -> Result<()> {
    let stale = pages()?.into_iter().filter(|page| page.old != page.new);
    let stale: Vec<String> = stale.map(|page| page.path.display().to_string()).collect();
    ensure!(stale.is_empty(), "out of date: {}; run `cargo xtask docs`", stale.join(", "));
    Ok(())
}

/// A page with fragments in it: its present text, and the text that it should have.
struct Page {
    path: PathBuf,
    old: String,
    new: String,
}

/// README*.md and docs/*.md.
fn pages() -> Result<Vec<Page>> {
    let fragments = fragments()?;
    let mut unused: BTreeSet<&str> = fragments.keys().map(String::as_str).collect();
    let mut pages = Vec::new();
    for path in markdown_files(&root().join("docs"))?
        .into_iter()
        .chain(["README.md", "README.zh-CN.md"].map(|name| root().join(name)))
    {
        let old = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let new = filled(&old, &fragments, &mut unused).with_context(|| format!("in {}", path.display()))?;
        pages.push(Page { path, old, new });
    }
    let marker = unused.first().map(|name| start(name)).unwrap_or_default();
    ensure!(unused.is_empty(), "no page contains {marker} and {END}: put them where the fragment belongs");
    Ok(pages)
}

/// The name and text of each fragment.
fn fragments() -> Result<BTreeMap<String, String>> {
    let mut fragments = BTreeMap::from([("platforms".to_owned(), platforms()?)]);
    for path in markdown_files(&root().join("docs/fragments"))? {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        fragments.insert(name, fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?);
    }
    Ok(fragments)
}

fn markdown_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let files = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let files: std::io::Result<Vec<PathBuf>> = files.map(|file| Ok(file?.path())).collect();
    Ok(files?.into_iter().filter(|path| path.extension() == Some("md".as_ref())).collect())
}

const START: &str = "<!-- fragment: ";
const END: &str = "<!-- end -->";

fn start(name: &str) -> String {
    format!("{START}{name} -->")
}

/// `text` with its fragments filled in; removes their names from `unused`.
fn filled(text: &str, fragments: &BTreeMap<String, String>, unused: &mut BTreeSet<&str>) -> Result<String> {
    let mut parts = text.split(START);
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let name = part.split(" -->").next().unwrap_or_default();
        let fragment = fragments.get(name).with_context(|| format!("there is no docs/fragments/{name}.md"))?;
        let (_, rest) =
            part.split_once(END).with_context(|| format!("the fragment {name} is not followed by {END}"))?;
        unused.remove(name);
        filled += &format!("{}\n{}\n{END}{rest}", start(name), fragment.trim_end());
    }
    Ok(filled)
}

/// A table of the sizes of the binaries.
fn platforms() -> Result<String> {
    let row =
        |binary: binaries::Binary| vec![format!("`{}`", binary.arch.platform()), grouped(binary.bytes.len() as u64)];
    let rows = binaries::of("")?.into_iter().map(row);
    Ok(table(&["platform", "bytes"], rows.collect()))
}
