//! `cargo xtask tidy`: checks what people write, such as whether facts that appear in several places agree.

mod documents;
mod layout;
mod scripts;

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use build::{output, root};

/// The checks, each of which fails with a message that says what is wrong, and where.
const CHECKS: [fn() -> Result<()>; 16] = [
    documents::links_lead_somewhere,
    documents::translations_match_their_originals,
    documents::chinese_keeps_to_the_glossary,
    documents::no_command_executes_the_program_of_a_process,
    documents::tests_that_are_cited_exist,
    documents::each_test_proves_a_claim,
    documents::table_cells_are_short,
    documents::this_version_is_documented,
    layout::every_architecture_is_everywhere,
    layout::every_folder_of_deploy_has_a_row_and_a_test,
    layout::every_source_file_is_a_module,
    layout::every_option_is_documented_and_tested,
    layout::every_target_is_explained,
    layout::the_program_has_one_dependency,
    layout::crates_depend_as_the_map_says,
    scripts::shellcheck_finds_nothing,
];

/// Runs all checks, and prints what they find.
pub fn all() -> Result<()> {
    let failures: Vec<_> = CHECKS.iter().filter_map(|check| check().err()).collect();
    for failure in &failures {
        eprintln!("{failure:#}");
    }
    ensure!(failures.is_empty(), "{} of {} checks failed", failures.len(), CHECKS.len());
    Ok(())
}

/// Returns the files that match these patterns, including new ones.
fn files(patterns: &[&str]) -> Result<Vec<String>> {
    let mut git = Command::new("git");
    git.args(["ls-files", "--cached", "--others", "--exclude-standard", "--"]).args(patterns).current_dir(root());
    Ok(output(&mut git)?.lines().map(str::to_owned).collect())
}

/// Reads a file of the repository.
fn read(file: impl AsRef<Path>) -> Result<String> {
    fs::read_to_string(root().join(&file)).with_context(|| format!("cannot read {}", file.as_ref().display()))
}
