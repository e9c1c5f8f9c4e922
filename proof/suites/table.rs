//! The table of docs/compatibility.md.

use std::fs;
use std::path::PathBuf;

use build::{root, write};

use crate::compare::{Comparison, compare, noticed};
use crate::{Outcome, Outcomes, Part};

/// Writes the table from what is kept.
pub fn save(parts: &[Part], with_broken: &[&str]) {
    let rows = parts.iter().map(|part| row(part, &compare(part))).collect();
    let titles = ["suite", "engine", "ours: passed, failed, skipped", "upstream's", "differ"];
    let broken = parts.iter().filter(|part| with_broken.contains(&part.name)).map(noticed);
    let text = xtask::table::table(&titles, rows) + "\n" + &broken.collect::<Vec<_>>().join("\n") + "\n";
    write(&file(), text.as_bytes(), 0o644).expect("a file");
}

/// The row of a part.
pub fn row(part: &Part, comparison: &Comparison) -> Vec<String> {
    let Comparison { ours, upstream, differ } = comparison;
    let (suite, engine) = part.name.split_once(' ').expect("a suite and an engine");
    vec![suite.to_owned(), engine.to_owned(), numbers(ours), numbers(upstream), differ.len().to_string()]
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
    let row =
        table.lines().map(cells).find(|cells| cells.len() > 4 && format!("{} {}", cells[1], cells[2]) == part.name);
    let numbers = row.map(|cells| cells[3].clone()).unwrap_or_default();
    numbers.split(", ").take(2).filter_map(|number| number.parse::<usize>().ok()).sum()
}

fn file() -> PathBuf {
    root().join("docs/fragments/suites.md")
}
