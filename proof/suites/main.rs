//! `make suites`: runs the suites with which others judge engines, with our image and with upstream's.

mod compare;
mod critest;
mod ginkgo;
mod integration;
mod kept;
mod node_conformance;
mod table;

use std::collections::BTreeMap;
use std::env;
use std::path::Path;
use std::process::ExitCode;

use kit::skip::has;
use serde::{Deserialize, Serialize};

/// How a test ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Outcome {
    /// It passed.
    Passed,
    /// It failed, or did not end.
    Failed,
    /// It needs something that this engine, machine or suite lacks.
    Skipped,
}

/// How each test of a suite ended.
pub type Outcomes = BTreeMap<String, Outcome>;

/// A suite on an engine.
pub struct Part {
    /// The suite, and the engine as in proof/packages/engines/versions, which words of SUITES select.
    pub name: &'static str,
    /// The names in that file of what is built for it: first the suite's own programs, then the engine.
    pub programs: &'static [&'static str],
    /// Runs these tests, or all if there are none, with the pause in an archive.
    pub run: fn(&Part, &Path, &[String]) -> Outcomes,
    /// The source of `run`, on which the results also depend.
    pub source: &'static str,
}

const PARTS: &[Part] = &[
    of_critest("critest containerd-2.4", &["cri-tools-1.37", "containerd-2.4", "runc-1.5", "cni-plugins-1.9"]),
    of_critest("critest containerd-2.0", &["cri-tools-1.37", "containerd-2.0", "runc-1.5", "cni-plugins-1.9"]),
    of_critest("critest containerd-1.7", &["cri-tools-1.37", "containerd-1.7", "runc-1.5", "cni-plugins-1.9"]),
    of_critest("critest cri-o-1.36", &["cri-tools-1.37", "cri-o-1.36", "runc-1.5", "cni-plugins-1.9"]),
    Part {
        name: "integration containerd-2.4",
        programs: &["integration-2.4", "containerd-2.4", "runc-1.5", "cni-plugins-1.9"],
        run: integration::run,
        source: include_str!("integration.rs"),
    },
    Part {
        name: "node-conformance kubelet-1.37",
        programs: &["e2e-node-1.37", "kubelet-1.37", "containerd-2.4", "runc-1.5", "cni-plugins-1.9"],
        run: node_conformance::run,
        source: concat!(include_str!("node_conformance.rs"), include_str!("node_conformance.sh")),
    },
];

const fn of_critest(name: &'static str, programs: &'static [&'static str]) -> Part {
    Part { name, programs, run: critest::run, source: include_str!("critest.rs") }
}

/// The parts that are also run with pauses that are broken on purpose: with all tests, or only with those whose names
/// contain one of these words, because each test that fails takes minutes.
const WITH_BROKEN: &[(&str, &[&str])] = &[
    ("critest containerd-2.4", &[]),
    ("integration containerd-2.4", &[]),
    ("node-conformance kubelet-1.37", &["Container PID namespace sharing", "[sig-node] Pods should be "]),
];

/// The end of the name of such a part.
const BROKEN: &str = " broken";

/// Returns the words of such a part.
fn words_of_broken(part: &Part) -> Option<&'static [&'static str]> {
    WITH_BROKEN.iter().find(|(name, _)| *name == part.name).map(|(_, words)| *words)
}

fn main() -> ExitCode {
    let words = env::var("SUITES").unwrap_or_default();
    let saves = words == "--save";
    let is_asked = |name: &str| words.split_whitespace().all(|word| name.split(' ').any(|part| part == word));
    let compared: Vec<&Part> = PARTS.iter().filter(|part| is_asked(part.name)).collect();
    let is_broken = |part: &&Part| words_of_broken(part).is_some() && is_asked(&format!("{}{BROKEN}", part.name));
    let broken: Vec<&Part> = PARTS.iter().filter(is_broken).collect();
    if !saves && compared.is_empty() && broken.is_empty() {
        let broken = WITH_BROKEN.iter().map(|(name, _)| format!("{name}{BROKEN}"));
        let names: Vec<String> = PARTS.iter().map(|part| part.name.to_owned()).chain(broken).collect();
        eprintln!("no part has all of the words '{words}'; there are:\n{}", names.join("\n"));
        return ExitCode::from(2);
    }
    let programs = "busybox conmon curl docker-registry gcc ipcmk lsof mkfs.erofs nc nginx openssl skopeo strace";
    if !programs.split(' ').all(has) {
        return ExitCode::SUCCESS; // it said SKIPPED
    }
    shared::ok("proof/e2e/shared/applications.sh", &[]);
    shared::ok("proof/suites/images.sh", &[]);
    if saves {
        table::save(PARTS);
        return ExitCode::SUCCESS;
    }
    let failures: Vec<String> = compared.into_iter().flat_map(|part| compare::compare(part).failures(part)).collect();
    broken.into_iter().for_each(|part| println!("{}", compare::noticed(part).join("\n")));
    failures.iter().for_each(|failure| eprintln!("FAILED: {failure}"));
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
