//! What a sandbox costs in an engine. A test stores the figures in target/, and `make compatibility` keeps them.

use std::fs;

use anyhow::{Context, Result};
use build::{root, write};
use kit::machine::Machine;
use kit::quantiles::median;
use serde::{Deserialize, Serialize};

use crate::kept;
use crate::table::Table;

/// Sandboxes of several programs in one engine.
#[derive(Serialize, Deserialize)]
pub struct Cost {
    engine: String,
    machine: Machine,
    programs: Vec<Program>,
    /// The digest of the pause in dist/; empty if it is unknown.
    #[serde(default)]
    pub(crate) digest: String,
}

/// The memory of the cgroups of one program's sandboxes, in bytes.
#[derive(Serialize, Deserialize)]
struct Program {
    name: String,
    /// What the cgroup shows, including caches and what the kernel has reserved for it.
    shown: Vec<u64>,
    /// The part of it that cannot be reclaimed.
    in_use: Vec<u64>,
}

impl Cost {
    /// Makes a record of these programs, without sandboxes yet.
    pub fn new(engine: &str, programs: &[&str]) -> Self {
        let program = |name: &&str| Program { name: (*name).to_owned(), shown: vec![], in_use: vec![] };
        let (engine, programs) = (engine.to_owned(), programs.iter().map(program).collect());
        Self { engine, machine: Machine::here(), programs, digest: kept::digest_in_dist() }
    }

    /// Adds the figures of a sandbox of the program with this index.
    pub fn add(&mut self, program: usize, shown: u64, in_use: u64) {
        self.programs[program].shown.push(shown);
        self.programs[program].in_use.push(in_use);
    }

    /// Returns the median of the memory that a program's sandboxes use.
    pub fn in_use(&self, program: usize) -> u64 {
        median(&self.programs[program].in_use).expect("a sandbox")
    }

    /// Stores the record for the table.
    pub fn keep(&self) {
        let text = serde_json::to_string_pretty(self).expect("JSON") + "\n";
        write(&root().join("target").join(FILE), text.as_bytes(), 0o644).expect("target/ can be written");
    }

    /// Makes a row for the memory in use, and one for what the cgroup shows.
    fn rows(&self) -> [Vec<String>; 2] {
        let Self { engine, machine: Machine { kernel, cgroups, .. }, programs, .. } = self;
        let row = |what: &str, bytes: fn(&Program) -> &[u64]| {
            let kib = programs.iter().map(|program| (median(bytes(program)).unwrap_or_default() / 1024).to_string());
            [engine.clone(), kernel.clone(), format!("v{cgroups}"), what.to_owned()].into_iter().chain(kib).collect()
        };
        [row("in use", |program| &program.in_use), row("shown", |program| &program.shown)]
    }
}

/// The file of the figures.
pub const FILE: &str = "cost.json";

/// Reads the figures that were stored on this machine and on that of `make node`.
pub fn stored() -> Result<Vec<Cost>> {
    let of = |folder: &str| {
        let file = root().join(folder).join(FILE);
        let text = fs::read(&file).with_context(|| format!("no {}: run `make e2e node`", file.display()))?;
        serde_json::from_slice(&text)
            .with_context(|| format!("{} is not a file that `make e2e` writes", file.display()))
    };
    ["target", "target/node/out"].into_iter().map(of).collect()
}

/// Makes the table of these figures.
pub fn table(costs: &[Cost]) -> Table {
    let titles = ["engine", "Linux", "cgroups", "KiB, median", "pause", "upstream", "only pauses"];
    Table::new(&titles, costs.iter().flat_map(Cost::rows).collect())
}
