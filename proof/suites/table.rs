//! The table of docs/compatibility.md, and the lists below it.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use build::{root, write};

use crate::compare::{Comparison, compare, noticed};
use crate::{Outcome, Outcomes, Part};

/// Writes them. Runs what is not kept.
pub fn save(parts: &[Part], with_broken: &[&str]) {
    let compared: Vec<(&Part, Comparison)> = parts.iter().map(|part| (part, compare(part))).collect();
    let rows = compared.iter().map(|(part, comparison)| row(part, comparison)).collect();
    let titles = ["suite", "version", "engine", "version", "ours: passed, failed, skipped", "upstream's", "differ"];
    let table = xtask::table::table(&titles, rows);
    let broken: Vec<String> = parts.iter().filter(|part| with_broken.contains(&part.name)).map(noticed).collect();
    let lists = [
        ("These failed with both images:", of_tests(&compared, |ours, upstream| (ours, upstream) == FAILED_WITH_BOTH)),
        (
            "These differed once, but not whenever they were run:",
            of_tests(&compared, |ours, upstream| ours != upstream),
        ),
        ("These noticed a pause that is broken on purpose:", broken.join("\n") + "\n"),
    ];
    let lists = lists.into_iter().filter(|(_, list)| !list.is_empty());
    let text = lists.fold(table, |text, (title, list)| text + "\n" + title + "\n\n" + &list);
    write(&file(), text.as_bytes(), 0o644).expect("a file");
}

const FAILED_WITH_BOTH: (Option<&Outcome>, Option<&Outcome>) = (Some(&Outcome::Failed), Some(&Outcome::Failed));

/// A line for each test whose ends with both images are `such`.
fn of_tests(compared: &[(&Part, Comparison)], such: impl Fn(Option<&Outcome>, Option<&Outcome>) -> bool) -> String {
    let mut tests: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (part, Comparison { ours, upstream, .. }) in compared {
        for name in ours.keys().filter(|name| such(ours.get(*name), upstream.get(*name))) {
            tests.entry(name.trim_start_matches("[k8s.io] ")).or_default().push(part.name);
        }
    }
    tests.iter().map(|(name, parts)| format!("- {name} ({})\n", parts.join(", "))).collect()
}

/// The row of a part.
pub fn row(part: &Part, comparison: &Comparison) -> Vec<String> {
    let Comparison { ours, upstream, differ } = comparison;
    let (suite, engine) = part.name.split_once(' ').expect("a suite and an engine");
    let [version, engine_version] = [part.programs[0], engine].map(version);
    let cells = [suite, &version, engine, &engine_version, &numbers(ours), &numbers(upstream)];
    cells.map(str::to_owned).into_iter().chain([differ.len().to_string()]).collect()
}

/// By proof/packages/engines/versions.
fn version(program: &str) -> String {
    let versions = fs::read_to_string(root().join("proof/packages/engines/versions")).expect("a file");
    let words = versions.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let mut lines = words.filter(|words| words.first() == Some(&program));
    (*lines.next().and_then(|words| words.last().copied()).expect("a version")).to_owned()
}

fn numbers(outcomes: &Outcomes) -> String {
    use Outcome::{Failed, Passed, Skipped};
    let number = |of: Outcome| outcomes.values().filter(|outcome| **outcome == of).count().to_string();
    [Passed, Failed, Skipped].map(number).join(", ")
}

/// How many tests were not skipped.
pub fn ran(outcomes: &Outcomes) -> usize {
    outcomes.values().filter(|outcome| **outcome != Outcome::Skipped).count()
}

/// The same by the table that is there; 0 if it does not have this part.
pub fn known(part: &Part) -> usize {
    let table = fs::read_to_string(file()).unwrap_or_default();
    let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let is_its = |cells: &Vec<String>| cells.len() > 5 && format!("{} {}", cells[1], cells[3]) == part.name;
    let numbers = table.lines().map(cells).find(is_its).map(|cells| cells[5].clone()).unwrap_or_default();
    numbers.split(", ").take(2).filter_map(|number| number.parse::<usize>().ok()).sum()
}

fn file() -> PathBuf {
    root().join("docs/fragments/suites.md")
}
