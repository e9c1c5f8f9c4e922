//! Checks of the documents: links lead somewhere, what is named exists, and a translation matches its original.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use build::root;

use super::{files, read};
use crate::code_blocks::{blocks, prose};

pub fn links_lead_somewhere() -> Result<()> {
    let mut checked = 0;
    for page in pages()? {
        for link in links(&read(&page)?) {
            let at = format!("{}: {link}", page.display());
            checked += 1;
            if link.contains("://") {
                ensure!(link.starts_with("https://"), "{at}: not https");
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = if file.is_empty() { page.clone() } else { page.with_file_name(file) };
            ensure!(root().join(&target).exists(), "{at}: no such file");
            ensure!(anchor.is_empty() || anchors(&read(&target)?).contains(anchor), "{at}: no such heading");
        }
    }
    ensure!(checked > 100, "found only {checked} links in all documents");
    Ok(())
}

pub fn translations_match_their_originals() -> Result<()> {
    let pages = pages()?;
    let translations: Vec<_> = pages.iter().filter(|page| page.to_string_lossy().ends_with(".zh-CN.md")).collect();
    ensure!(translations.len() >= 2, "found only {} translations", translations.len());
    for translation in translations {
        let original = PathBuf::from(translation.to_string_lossy().replace(".zh-CN", ""));
        matches(translation, &original).with_context(|| format!("{}", translation.display()))?;
    }
    Ok(())
}

/// Checks that both pages contain the same code, links, headings and rows, and that they link to each other and to
/// translations.
fn matches(translation: &Path, original: &Path) -> Result<()> {
    let [here, there] = [read(translation)?, read(original)?];
    let [code_here, code_there] = [code(&here), code(&there)];
    if let Some((here, there)) = code_here.iter().zip(&code_there).find(|(here, there)| here != there) {
        bail!("its code differs from the original's: {here:?}, not {there:?}");
    }
    ensure!(code_here.len() == code_there.len(), "it has more or less code than its original");
    if let Some(missing) = inline_code(&there).difference(&inline_code(&here)).next() {
        bail!("only its original contains `{missing}`");
    }
    ensure!(shape(&here) == shape(&there), "its headings, or the number of rows under one, differ from the original's");
    let targets = |text: &str| {
        let targets = links(text).into_iter().map(|link| {
            let link = link.replace(".zh-CN", "").replace("kubernetes.io/zh-cn/", "kubernetes.io/");
            link.split('#').next().unwrap_or_default().to_owned() // headings are translated
        });
        targets.collect::<BTreeSet<_>>()
    };
    if let Some(other) = targets(&here).symmetric_difference(&targets(&there)).next() {
        bail!("only one of this page and its original links to {other}");
    }
    for (page, text, other) in [(original, &there, translation), (translation, &here, original)] {
        let first = links(text.lines().next().unwrap_or_default());
        let name = other.file_name().unwrap_or_default().to_string_lossy();
        ensure!(first == [name.as_ref()], "the first line of {} does not link to {name}", page.display());
    }
    for link in links(&here).iter().skip(1) {
        let translated = link.split('#').next().unwrap_or_default().replace(".md", ".zh-CN.md");
        let exists = translated.ends_with(".md") && root().join(translation).with_file_name(translated).exists();
        ensure!(!exists, "a translation of {link} exists: link to that");
    }
    Ok(())
}

/// Checks that the Chinese pages and the figures in them use none of the words that docs/glossary.md refuses.
pub fn chinese_keeps_to_the_glossary() -> Result<()> {
    let glossary = read("docs/glossary.md")?;
    let (_, rows) = glossary.split_once("\n|---|---|---|\n").context("docs/glossary.md has no table")?;
    let cells = rows.lines().filter_map(|row| row.strip_suffix(" |")?.split(" | ").nth(2));
    let refused: Vec<&str> = cells.flat_map(|cell| cell.split('、')).collect();
    ensure!(refused.len() > 20, "found only {refused:?} in docs/glossary.md");
    let mut found = Vec::new();
    for file in files(&["*.zh-CN.md", "proof/figures/src/*.rs"])? {
        let text = read(&file)?;
        found.extend(refused.iter().filter(|word| text.contains(**word)).map(|word| format!("{file} uses {word}")));
    }
    ensure!(found.is_empty(), "docs/glossary.md names another word: {}", found.join(", "));
    Ok(())
}

/// Checks that no command, which root may copy, executes a program that a process names, such as
/// `/proc/$(pgrep pause)/exe`.
pub fn no_command_executes_the_program_of_a_process() -> Result<()> {
    for page in pages()? {
        let text = read(&page)?;
        if let Some(line) = text.lines().find(|line| line.contains("/exe") && line.contains("/proc/")) {
            bail!("{}: root must not execute what a process names: {line}", page.display());
        }
    }
    Ok(())
}

/// Checks that each test of tests/it/ that a claim cites, as `FILE::TEST`, exists.
pub fn tests_that_are_cited_exist() -> Result<()> {
    let mut cited = 0;
    for page in ["SECURITY.md", "docs/how-it-works.md"] {
        let text = read(page)?;
        let in_code = text.split('`').skip(1).step_by(2);
        for (file, test) in in_code.filter_map(|code| code.split_once("::")) {
            let source = read(format!("tests/it/{file}.rs")).with_context(|| format!("{page} cites {file}::{test}"))?;
            let exists = source.contains(&format!("fn {test}(")) || source.contains(&format!(" {test}:"));
            ensure!(exists, "{page} cites {file}::{test}, which does not exist");
            cited += 1;
        }
    }
    ensure!(cited > 0, "no document cites a test");
    Ok(())
}

/// Checks that docs/claims.md gives a proof in each row, that the tests that it names exist, and that it names every
/// test, by its name or, where a file contains only one, by its file.
pub fn each_test_proves_a_claim() -> Result<()> {
    let page = read("docs/claims.md")?;
    let has_proof = |row: &str| row.split(" | ").nth(1).is_some_and(|proof| proof.starts_with('`'));
    if let Some(row) = page.lines().find(|line| line.starts_with("| [") && !has_proof(line)) {
        bail!("docs/claims.md gives no proof of this: {row}");
    }
    let in_code = page.split('`').skip(1).step_by(2).map(|code| code.split_once("::").unwrap_or((code, "")));
    let cited: BTreeSet<_> = in_code.filter(|(file, _)| file.contains('/') && file.contains('.')).collect();
    for (file, test) in &cited {
        let source = read(file)?;
        let exists = source.contains(&format!("fn {test}(")) || test.is_empty();
        ensure!(exists, "docs/claims.md names {file}::{test}, which does not exist");
    }
    for file in files(&["tests/*.rs", "proof/*.rs", "xtask/tests/*.rs"])? {
        let source = read(&file)?;
        let tests = tests_of(&source);
        let whole = tests.len() == 1 && cited.contains(&(&*file, ""));
        let missing = tests.into_iter().find(|test| !whole && !cited.contains(&(&*file, *test)));
        ensure!(missing.is_none(), "docs/claims.md has no claim that {file}::{} proves", missing.unwrap_or_default());
    }
    Ok(())
}

/// Returns the tests in a file, including those that contract.rs lists and the rows of proof/faults.
fn tests_of(source: &str) -> Vec<&str> {
    let attributes = source.match_indices("#[").map(|(at, _)| &source[at + 2..]);
    let attributes = attributes.filter(|code| code.starts_with("test]") || code.starts_with("tokio::test"));
    let rows = source.match_indices("\npub ").map(|(at, _)| source[at..].lines().nth(1).unwrap_or_default());
    let rows = rows.filter(|line| line.ends_with("(peer: &Peer) {") || line.contains("(peers: &[Peer])"));
    let named = attributes.chain(rows).filter_map(|code| code.split_once("fn ")?.1.split('(').next());
    let listed = source.split_once("\ncontract! {").and_then(|(_, list)| list.split('}').next()).unwrap_or_default();
    named.filter(|name| !name.starts_with('$')).chain(listed.split_whitespace()).collect()
}

/// Checks that each cell can be read without scrolling.
pub fn table_cells_are_short() -> Result<()> {
    for page in ["docs/behaviour.md", "docs/behaviour.zh-CN.md", "deploy/README.md", "deploy/README.zh-CN.md"] {
        for row in read(page)?.lines().filter(|line| line.starts_with("| ")) {
            let long = row.split(" | ").find(|cell| cell.chars().count() > 102);
            ensure!(long.is_none(), "{page}: too long for a cell of a table: {}", long.unwrap_or_default());
        }
    }
    Ok(())
}

pub fn this_version_is_documented() -> Result<()> {
    let version = env!("CARGO_PKG_VERSION");
    ensure!(read("CHANGELOG.md")?.contains(&format!("## [{version}]")), "CHANGELOG.md has no section for {version}");
    let page = "docs/behaviour.md";
    ensure!(read(page)?.contains(&format!("pause {version}")), "{page} does not name pause {version}");
    Ok(())
}

/// Returns all documents, as paths in the repository.
fn pages() -> Result<Vec<PathBuf>> {
    Ok(files(&["*.md"])?.into_iter().map(PathBuf::from).collect())
}

/// Returns the lines in code blocks, without comments, which are translated.
fn code(page: &str) -> Vec<String> {
    let lines = blocks(page).into_iter().flat_map(|block| block.lines);
    lines.map(|line| line.split(" # ").next().unwrap_or(line).trim_end().to_owned()).collect()
}

/// Returns the `code` in the prose of a page, each on one line.
fn inline_code(page: &str) -> BTreeSet<String> {
    let on_one_line = |code: &str| code.split_whitespace().collect::<Vec<_>>().join(" ");
    prose(page).split('`').skip(1).step_by(2).map(on_one_line).collect()
}

/// Returns the levels of the headings of a page, and how many rows of tables are under each.
fn shape(page: &str) -> Vec<(usize, usize)> {
    let mut shape = vec![(0, 0)];
    for line in prose(page).lines() {
        match line.find(|c| c != '#') {
            Some(level @ 1..) => shape.push((level, 0)),
            _ if line.starts_with('|') => shape.last_mut().expect("the first").1 += 1,
            _ => {}
        }
    }
    shape
}

/// Returns the targets of the links and pictures of a page.
fn links(page: &str) -> Vec<String> {
    let prose = prose(page);
    // Every other part is `code`, where nothing is a link.
    let text: String = prose.split('`').step_by(2).collect();
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    targets.map(|(target, _)| target.to_owned()).collect()
}

/// Returns what a link can name after `#`: the headings, as GitHub writes them.
fn anchors(page: &str) -> BTreeSet<String> {
    let prose = prose(page);
    let headings = prose.lines().filter(|line| line.starts_with('#'));
    let anchor = |heading: &str| {
        let text = heading.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
        text.chars().filter(|c| c.is_alphanumeric() || ['-', '_'].contains(c)).collect()
    };
    headings.map(anchor).collect()
}
