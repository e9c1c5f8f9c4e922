//! `cargo xtask docs`: puts what others have written between the markers of README*.md and docs/*.md, so that no figure is
//! copied by hand. From `<!-- fragment: NAME -->` to `<!-- end -->` stands docs/fragments/NAME.md, which was finished by
//! whoever measured it; `platforms` is written here, because xtask itself makes what it is about.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use build::arch::ALL;
use build::{root, write};

use crate::dist;
use crate::markdown::{grouped, table};

/// Writes every page, or none if one cannot be made.
pub fn write_all() -> Result<()> {
    for page in pages()? {
        write(&page.path, page.new.as_bytes(), 0o644)?;
    }
    Ok(())
}

/// Fails if a page is not what [`write_all`] would make of it.
pub fn check() -> Result<()> {
    let stale = pages()?.into_iter().filter(|page| page.old != page.new);
    let stale: Vec<String> = stale.map(|page| page.path.display().to_string()).collect();
    ensure!(stale.is_empty(), "out of date: {}; run `cargo xtask docs`", stale.join(", "));
    Ok(())
}

/// A page with fragments in it.
pub struct Page {
    /// Where it is.
    pub path: PathBuf,
    /// What it says.
    pub old: String,
    /// What it should say.
    pub new: String,
}

/// README.md in each language, and docs/*.md.
pub fn pages() -> Result<Vec<Page>> {
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
    ensure!(unused.is_empty(), "no page has {marker} and {END}: put them where the fragment belongs");
    Ok(pages)
}

/// Name and text of each.
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

/// `text` with what belongs between its markers; takes the names of those from `unused`.
fn filled(text: &str, fragments: &BTreeMap<String, String>, unused: &mut BTreeSet<&str>) -> Result<String> {
    let mut parts = text.split(START);
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let name = part.split(" -->").next().unwrap_or_default();
        let fragment = fragments.get(name).with_context(|| format!("there is no docs/fragments/{name}.md"))?;
        let (_, rest) =
            part.split_once(END).with_context(|| format!("behind the fragment {name} there is no {END}"))?;
        unused.remove(name);
        filled += &format!("{}\n{}\n{END}{rest}", start(name), fragment.trim_end());
    }
    Ok(filled)
}

/// How large each binary is.
fn platforms() -> Result<String> {
    let rows = ALL
        .iter()
        .zip(dist::binaries(&dist::archs("")?)?)
        .map(|(arch, (_, bytes))| vec![format!("`{}`", arch.platform()), grouped(bytes.len() as u64)]);
    Ok(table(&["platform", "bytes"], rows.collect()))
}
