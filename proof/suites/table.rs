//! Stores the results for the tables in docs/compatibility.md.

use std::fs;

use build::root;
use figures::kept::{self, digest_in_dist};
use figures::suites::{FILE, Suite};

use crate::compare::{Comparison, compare, noticed};
use crate::{Outcome, Outcomes, Part};

/// Stores the results of all parts for `make docs`, and runs those that are missing.
pub fn save(parts: &[Part]) {
    let suite = |part: &Part| Suite { noticed: noticed(part), ..suite(part, &compare(part)) };
    kept::write(FILE, &parts.iter().map(suite).collect::<Vec<_>>()).expect("a file");
}

/// Summarizes the results of a part, without those of broken pauses.
pub fn suite(part: &Part, Comparison { ours, upstream, differ }: &Comparison) -> Suite {
    let (suite, engine) = part.name.split_once(' ').expect("a suite and an engine");
    let failed = |name: &&String| [ours, upstream].iter().all(|ends| ends.get(*name) == Some(&Outcome::Failed));
    let short = |name: &String| name.trim_start_matches("[k8s.io] ").to_owned();
    Suite {
        suite: [suite.to_owned(), version(part.programs[0])],
        engine: [engine.to_owned(), version(engine)],
        ours: numbers(ours),
        upstream: numbers(upstream),
        failed: ours.keys().filter(failed).map(short).collect(),
        differed: differ.iter().map(|difference| short(&difference.name)).collect(),
        noticed: vec![],
        digest: digest_in_dist(),
    }
}

/// Returns the version of a program in proof/packages/engines/versions.
fn version(program: &str) -> String {
    let versions = fs::read_to_string(root().join("proof/packages/engines/versions")).expect("a file");
    let words = versions.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let mut lines = words.filter(|words| words.first() == Some(&program));
    (*lines.next().and_then(|words| words.last().copied()).expect("a version")).to_owned()
}

fn numbers(outcomes: &Outcomes) -> [usize; 3] {
    [Outcome::Passed, Outcome::Failed, Outcome::Skipped]
        .map(|of| outcomes.values().filter(|outcome| **outcome == of).count())
}

/// Returns how many tests of a part run whenever it is run, according to the table; 0 if it lacks the part. Tests that
/// differed are not counted: some skip themselves, depending on timing.
pub fn known(part: &Part) -> usize {
    let kept: Vec<Suite> = kept::read(FILE).expect("a file");
    let is_its = |suite: &&Suite| format!("{} {}", suite.suite[0], suite.engine[0]) == part.name;
    kept.iter().find(is_its).map_or(0, |suite| suite.ours[0] + suite.ours[1] - suite.differed.len())
}
