//! The documents: their links lead somewhere, and a translation has the commands and the links of its original.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use build::root;
use xtask::code_blocks::{blocks, prose};

#[test]
fn every_link_leads_somewhere() {
    let mut checked = 0;
    for page in pages() {
        for link in links(&read(&page)) {
            let at = format!("{}: {link}", page.display());
            checked += 1;
            if link.contains("://") {
                assert!(link.starts_with("https://"), "{at}: not https");
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = if file.is_empty() { page.clone() } else { page.parent().expect("a folder").join(file) };
            assert!(target.exists(), "{at}: no such file");
            assert!(anchor.is_empty() || anchors(&read(&target)).contains(anchor), "{at}: no such heading");
        }
    }
    assert!(checked > 100, "{checked} links");
}

#[test]
fn a_translation_has_the_commands_and_links_of_its_original() {
    let translations = pages().into_iter().filter(|page| page.to_string_lossy().ends_with(".zh-CN.md"));
    let mut compared = 0;
    for translation in translations {
        let original = PathBuf::from(translation.to_string_lossy().replace(".zh-CN", ""));
        let [ours, theirs] = [&original, &translation].map(|page| read(page));
        let code = |text: &str| {
            let lines = blocks(text).into_iter().flat_map(|block| block.lines);
            // Comments are translated.
            lines.map(|line| line.split(" # ").next().unwrap_or(line).trim_end().to_owned()).collect::<Vec<_>>()
        };
        let [code_there, code_here] = [code(&ours), code(&theirs)];
        let other = code_there.iter().zip(&code_here).find(|(there, here)| there != here);
        assert_eq!(other, None, "{} has other code than its original", translation.display());
        assert_eq!(code_here.len(), code_there.len(), "{} has more or less code", translation.display());
        let targets = |text: &str| {
            let targets = links(text).into_iter().map(|link| {
                let link = link.replace(".zh-CN", "").replace("kubernetes.io/zh-cn/", "kubernetes.io/");
                link.split('#').next().unwrap_or_default().to_owned() // headings are translated
            });
            targets.collect::<BTreeSet<_>>()
        };
        assert_eq!(targets(&theirs), targets(&ours), "{} links elsewhere than its original", translation.display());
        let name = |page: &Path| page.file_name().expect("a file").to_string_lossy().into_owned();
        for (page, other) in [(&ours, &translation), (&theirs, &original)] {
            let first = page.lines().next().unwrap_or_default();
            assert_eq!(links(first), [name(other)], "{}: the first line of its other language", other.display());
        }
        for link in links(&theirs).iter().skip(1) {
            let translated = link.split('#').next().unwrap_or_default().replace(".md", ".zh-CN.md");
            let exists = translated.ends_with(".md") && translation.with_file_name(translated).exists();
            assert!(!exists, "{}: {link} is there in its language", translation.display());
        }
        compared += 1;
    }
    assert!(compared >= 2, "{compared} translations");
}

/// A command that root copies executes no program that a process names, such as `/proc/$(pgrep pause)/exe`.
#[test]
fn no_command_executes_the_program_of_a_process() {
    for page in pages() {
        let text = read(&page);
        let line = text.lines().find(|line| line.contains("/exe") && line.contains("/proc/"));
        assert_eq!(line, None, "{}", page.display());
    }
}

/// README.md and the other documents.
fn pages() -> Vec<PathBuf> {
    let mut folders = vec![root().to_path_buf(), root().join("docs")];
    folders
        .extend(files(&root().join("deploy")).into_iter().filter(|path| path.is_dir()).chain([root().join("deploy")]));
    let pages = folders.iter().flat_map(|folder| files(folder));
    pages.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    files.map(|file| file.expect("a file").path()).collect()
}

/// The targets of the links and pictures of a page.
fn links(page: &str) -> Vec<String> {
    let prose = prose(page);
    // Every other part is `code`, where nothing is a link.
    let text: String = prose.split('`').step_by(2).collect();
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    targets.map(|(target, _)| target.to_owned()).collect()
}

/// What a link can name after `#`: the headings, as GitHub writes them.
fn anchors(page: &str) -> BTreeSet<String> {
    let prose = prose(page);
    let headings = prose.lines().filter(|line| line.starts_with('#'));
    let anchor = |heading: &str| {
        let text = heading.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
        text.chars().filter(|c| c.is_alphanumeric() || ['-', '_'].contains(c)).collect()
    };
    headings.map(anchor).collect()
}

fn read(page: &Path) -> String {
    fs::read_to_string(page).unwrap_or_else(|error| panic!("{}: {error}", page.display()))
}
