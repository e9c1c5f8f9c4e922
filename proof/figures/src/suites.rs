//! How other projects' test suites ended with our image and with upstream's. `make suites SUITES=--save` keeps this.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::table::Table;

/// A suite on an engine.
#[derive(Serialize, Deserialize)]
pub struct Suite {
    /// The suite's name and version.
    pub suite: [String; 2],
    /// The engine's name and version.
    pub engine: [String; 2],
    /// How many tests passed, failed and were skipped, with ours.
    pub ours: [usize; 3],
    /// How many passed, failed and were skipped with upstream's.
    pub upstream: [usize; 3],
    /// The tests that failed with both.
    pub failed: Vec<String>,
    /// The tests that differed once.
    pub differed: Vec<String>,
    /// For each pause that is broken on purpose, a line with what noticed it.
    pub noticed: Vec<String>,
    /// The digest of the pause that was run.
    pub digest: String,
}

/// The file of the kept suites.
pub const FILE: &str = "suites.json";

/// Makes the table, with a row for each.
pub fn table(suites: &[Suite]) -> Table {
    let titles = ["suite", "version", "engine", "version", "ours: passed, failed, skipped", "upstream's", "differ"];
    let row = |Suite { suite, engine, ours, upstream, differed, .. }: &Suite| {
        let numbers = [ours, upstream].map(|numbers| numbers.map(|number| number.to_string()).join(", "));
        [&suite[..], engine, &numbers, &[differed.len().to_string()]].concat()
    };
    Table::new(&titles, suites.iter().map(row).collect())
}

/// Makes the lists below the table: a line for each test that failed or differed, and for each broken pause.
pub fn lists(suites: &[Suite]) -> String {
    let of_tests = |tests: fn(&Suite) -> &Vec<String>| {
        let mut engines = BTreeMap::<&str, Vec<&str>>::new();
        for suite in suites {
            tests(suite).iter().for_each(|test| engines.entry(test).or_default().push(&suite.engine[0]));
        }
        engines.iter().map(|(test, engines)| format!("- {test} ({})", engines.join(", "))).collect()
    };
    let lists: [(_, Vec<String>); 3] = [
        ("These failed with both images:", of_tests(|suite| &suite.failed)),
        ("These differed once, but not whenever they were run:", of_tests(|suite| &suite.differed)),
        (
            "These noticed a pause that is broken on purpose:",
            suites.iter().flat_map(|suite| &suite.noticed).cloned().collect(),
        ),
    ];
    let lists = lists.iter().filter(|(_, lines)| !lines.is_empty());
    lists.map(|(title, lines)| format!("{title}\n\n{}\n", lines.join("\n"))).collect::<Vec<_>>().join("\n")
}
