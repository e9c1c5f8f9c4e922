//! Runs Kubernetes' node conformance tests, with a kubelet.

use std::fs;
use std::path::Path;

use crate::{Outcomes, Part, ginkgo, kept};

/// The names of all of these tests contain this tag.
const TAG: &str = "[NodeConformance]";

/// Tests that need a node of their own, change it, take long, or fail now and then, also have one of these tags.
const LEFT_OUT: &[&str] = &["[Disruptive]", "[Flaky]", "[Serial]", "[Slow]"];

/// Runs these tests, or all, with the pause in an archive.
pub fn run(part: &Part, pause: &Path, only: &[String]) -> Outcomes {
    let report = kept::report(part, pause);
    _ = fs::remove_file(&report);
    let [left_out, all] = [LEFT_OUT, &[TAG]].map(|tags| tags.join("|").replace(['[', ']'], "."));
    let focus = ginkgo::focus(only).unwrap_or(all);
    let options = ["--timeout=29m", &format!("--skip={left_out}"), &format!("--focus={focus}")];
    let name = pause.file_stem().expect("a name").to_string_lossy();
    let script = build::root().join("proof/suites/node_conformance.sh"); // isolated.sh runs it in another directory
    let words: [&str; 3] = [&script.to_string_lossy(), &name, &report.to_string_lossy()];
    let said = shared::run("proof/e2e/shared/isolated.sh", &[&words[..], &options].concat());
    assert!(report.exists(), "no report: {said:?}");
    let mut outcomes = ginkgo::outcomes(&report);
    outcomes.retain(|name, _| name.contains(TAG) && !LEFT_OUT.iter().any(|tag| name.contains(tag)));
    outcomes
}
