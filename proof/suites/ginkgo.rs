//! Reads the reports of Ginkgo.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::{Outcome, Outcomes};

/// Returns how each test ended, from the file that `--ginkgo.json-report` names.
pub fn outcomes(report: &Path) -> Outcomes {
    let report: Value = serde_json::from_slice(&fs::read(report).expect("a report")).expect("JSON");
    let specs = report.as_array().expect("suites").iter().filter_map(|suite| suite["SpecReports"].as_array()).flatten();
    let tests = specs.filter(|spec| spec["LeafNodeType"] == "It");
    tests.map(|spec| (name(spec), outcome(spec["State"].as_str().expect("a state")))).collect()
}

fn name(spec: &Value) -> String {
    let containers = spec["ContainerHierarchyTexts"].as_array().into_iter().flatten();
    let words = containers.chain([&spec["LeafNodeText"]]).filter_map(|text| text.as_str());
    words.collect::<Vec<_>>().join(" ")
}

fn outcome(state: &str) -> Outcome {
    match state {
        "passed" => Outcome::Passed,
        "skipped" | "pending" => Outcome::Skipped,
        _ => Outcome::Failed,
    }
}

/// Returns the value of `--focus` that selects these tests; nothing for all.
pub fn focus(only: &[String]) -> Option<String> {
    let quoted = |name: &String| {
        let quote = |c: char| if c.is_ascii_punctuation() { format!("\\{c}") } else { c.to_string() };
        name.chars().map(quote).collect::<String>() + "$"
    };
    (!only.is_empty()).then(|| only.iter().map(quoted).collect::<Vec<_>>().join("|"))
}
