//! Compares our image with upstream's, and with pauses that are broken on purpose.

use figures::suites::Suite;
use serde::{Deserialize, Serialize};

use crate::Outcome::{Failed, Passed};
use crate::kept::{key, or, outcomes, run};
use crate::{Outcome, Outcomes, Part, table, words_of_broken};

/// The pauses that are broken on purpose, as images.sh names them.
pub const BROKEN: &[&str] = &["does-not-reap", "ends-at-once", "ignores-term", "mode-0700"];

/// The results of a part.
#[derive(Serialize, Deserialize)]
pub struct Comparison {
    /// With our image.
    pub ours: Outcomes,
    /// With upstream's.
    pub upstream: Outcomes,
    /// The tests that differed.
    pub differ: Vec<Difference>,
}

/// A test whose results differed, and how each of its runs ended.
#[derive(Serialize, Deserialize)]
pub struct Difference {
    /// The test.
    pub name: String,
    ours: Vec<Option<Outcome>>,
    upstream: Vec<Option<Outcome>>,
}

impl Difference {
    /// Returns whether ours failed at least once, and upstream's never.
    fn is_ours_alone(&self) -> bool {
        let fails = |ends: &[Option<Outcome>]| ends.iter().any(|end| matches!(end, None | Some(Failed)));
        fails(&self.ours) && !fails(&self.upstream)
    }
}

/// Runs what is not stored. A test whose results differ is run twice more with each.
pub fn compare(part: &Part) -> Comparison {
    let [ours, upstream] = ["ours", "upstream"].map(|pause| outcomes(part, pause));
    let names = ours.keys().chain(upstream.keys().filter(|name| !ours.contains_key(*name)));
    let names: Vec<String> = names.filter(|name| ours.get(*name) != upstream.get(*name)).cloned().collect();
    if names.is_empty() {
        return Comparison { ours, upstream, differ: vec![] };
    }
    let keys = ["ours", "upstream"].map(|pause| key(part, pause));
    let differ = or(&digest([&keys[0], &keys[1]]), || {
        let again = |pause| [(); 2].map(|()| run(part, pause, &names));
        let [ours_again, upstream_again] = ["ours", "upstream"].map(again);
        let ends = |name: &String, first: &Outcomes, again: &[Outcomes; 2]| {
            [first, &again[0], &again[1]].map(|outcomes| outcomes.get(name).copied()).to_vec()
        };
        let difference = |name: &String| Difference {
            name: name.clone(),
            ours: ends(name, &ours, &ours_again),
            upstream: ends(name, &upstream, &upstream_again),
        };
        names.iter().map(difference).collect()
    });
    Comparison { ours, upstream, differ }
}

impl Comparison {
    /// Prints the results, and returns what is wrong with them.
    pub fn failures(&self, part: &Part) -> Vec<String> {
        let Suite { ours, upstream, .. } = table::suite(part, self);
        println!("{}: passed, failed, skipped: ours {ours:?}, upstream's {upstream:?}", part.name);
        for Difference { name, ours, upstream } in &self.differ {
            println!("differs: {name}: ours {ours:?}, upstream's {upstream:?}");
        }
        let ours_alone = self.differ.iter().filter(|difference| difference.is_ours_alone());
        let mut failures: Vec<String> =
            ours_alone.map(|difference| format!("{}, with ours alone: {}", part.name, difference.name)).collect();
        let (ran, known) = (ours[0] + ours[1], table::known(part));
        if ran < known {
            failures.push(format!("{}: {ran} tests ran; at least {known} did for docs/compatibility.md", part.name));
        }
        failures
    }
}

/// Returns a line per broken pause, if the part is run with them: the tests that pass with our image, and fail in each
/// run with that pause.
pub fn noticed(part: &Part) -> Vec<String> {
    let Some(words) = words_of_broken(part) else { return vec![] };
    let ours = outcomes(part, "ours");
    let passed = ours.iter().filter(|(_, outcome)| **outcome == Passed).map(|(name, _)| name);
    let is_asked = |name: &&String| words.is_empty() || words.iter().any(|word| name.contains(word));
    let asked: Vec<String> = passed.filter(is_asked).cloned().collect();
    let line = |pause: &&str| {
        let broken = match words {
            [] => outcomes(part, pause),
            _ => or(&digest([&key(part, pause), &asked.concat()]), || run(part, pause, &asked)),
        };
        let fails = |outcomes: &Outcomes, name: &String| outcomes.get(name) == Some(&Failed);
        let mut names: Vec<String> = asked.iter().filter(|name| fails(&broken, name)).cloned().collect();
        if (1..=FEW).contains(&names.len()) {
            let again = or(&digest([&key(part, pause), "again"]), || run(part, pause, &names));
            names.retain(|name| fails(&again, name));
        }
        let said = match names.len() {
            0 => "none".to_owned(),
            1..=FEW => names.join("; "),
            many => many.to_string(),
        };
        format!("- {}, {}, of {} tests: {said}", part.name, pause.replace('-', " "), asked.len())
    };
    BROKEN.iter().map(line).collect()
}

fn digest(of: [&str; 2]) -> String {
    xtask::sha256(of.concat().as_bytes())
}

/// The most test names that a line contains.
const FEW: usize = 5;
