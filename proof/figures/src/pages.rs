//! Fills in the figures in README*.md and docs/*.md, so that none is copied by hand. The figure NAME goes between
//! `<!-- figure: NAME -->` and `<!-- end -->`, in the language of the page.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use build::{root, write};

use crate::{Content, Figure, all};

/// The pages, as they should be, and what to measure again.
pub struct Pages {
    files: Vec<(PathBuf, String)>,
    /// The figures that do not belong to the pauses in digests.txt, with the command that measures them.
    old: BTreeMap<&'static str, Vec<&'static str>>,
}

impl Pages {
    /// Computes all pages from the samples that are kept.
    pub fn new() -> Result<Self> {
        let figures = all()?;
        let mut files = Vec::new();
        let mut unused: BTreeSet<&str> = figures.iter().map(|figure| figure.name).collect();
        for path in markdown_files(&root().join("docs"))?
            .into_iter()
            .chain(["README.md", "README.zh-CN.md"].map(|name| root().join(name)))
        {
            let old = read(&path)?;
            let in_chinese = path.to_string_lossy().ends_with(".zh-CN.md");
            let new = filled(&old, &figures, in_chinese, &mut unused);
            files.push((path.clone(), new.with_context(|| format!("in {}", path.display()))?));
        }
        let marker = unused.first().map(|name| start(name)).unwrap_or_default();
        ensure!(unused.is_empty(), "no page contains {marker} and {END}: put them where the figure belongs");

        let digests = read(&root().join("digests.txt"))?;
        let is_present = |digest: &String| !digest.is_empty() && digests.contains(digest);
        let mut old = BTreeMap::<_, Vec<_>>::new();
        for Figure { name, by, .. } in figures.iter().filter(|figure| !figure.digests.iter().all(is_present)) {
            old.entry(*by).or_default().push(*name);
        }
        Ok(Self { files, old })
    }

    /// Writes all files.
    pub fn write(&self) -> Result<()> {
        self.files.iter().try_for_each(|(path, text)| write(path, text.as_bytes(), 0o644))
    }

    /// Fails if a file is out of date.
    pub fn check(&self) -> Result<()> {
        let stale = self.files.iter().filter(|(path, text)| fs::read_to_string(path).unwrap_or_default() != *text);
        let stale: Vec<String> = stale.map(|(path, _)| path.display().to_string()).collect();
        ensure!(stale.is_empty(), "out of date: {}; run `make docs`", stale.join(", "));
        Ok(())
    }

    /// Returns a line for each command whose figures are of other pauses than those in digests.txt.
    pub fn old(&self) -> String {
        let line = |(by, names): (_, &Vec<_>)| {
            format!("older than digests.txt: {}; to measure again: {by}\n", names.join(", "))
        };
        self.old.iter().map(line).collect()
    }
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

fn markdown_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let files = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let files: std::io::Result<Vec<PathBuf>> = files.map(|file| Ok(file?.path())).collect();
    Ok(files?.into_iter().filter(|path| path.extension() == Some("md".as_ref())).collect())
}

const START: &str = "<!-- figure: ";
const END: &str = "<!-- end -->";

fn start(name: &str) -> String {
    format!("{START}{name} -->")
}

/// Fills in the figures in `text`, and removes their names from `unused`.
fn filled(text: &str, figures: &[Figure], in_chinese: bool, unused: &mut BTreeSet<&str>) -> Result<String> {
    let mut parts = text.split(START);
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let name = part.split(" -->").next().unwrap_or_default();
        let figure = figures.iter().find(|figure| figure.name == name);
        let figure = match &figure.with_context(|| format!("there is no figure {name}"))?.content {
            Content::Table(table) => table.markdown(in_chinese).with_context(|| format!("in the figure {name}"))?,
            Content::Text(text) => text.clone(),
            Content::Sentence(sentence) => sentence[usize::from(in_chinese)].clone(),
        };
        let (_, rest) = part.split_once(END).with_context(|| format!("the figure {name} is not followed by {END}"))?;
        unused.remove(name);
        filled += &format!("{}\n{}\n{END}{rest}", start(name), figure.trim_end());
    }
    Ok(filled)
}
