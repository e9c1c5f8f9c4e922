//! What a sandbox costs in an engine. A test stores the figures in target/; `make compatibility` makes a table of them.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use build::{root, write};
use kit::machine::Machine;
use kit::quantiles::median;
use serde::{Deserialize, Serialize};

/// Sandboxes of several programs in one engine.
#[derive(Serialize, Deserialize)]
pub struct Cost {
    engine: String,
    machine: Machine,
    programs: Vec<Program>,
}

/// The memory of the control groups of one program's sandboxes, in bytes.
#[derive(Serialize, Deserialize)]
struct Program {
    name: String,
    /// What the group shows, including caches and what the kernel has reserved for the group.
    shown: Vec<u64>,
    /// The part of it that cannot be reclaimed.
    in_use: Vec<u64>,
}

impl Cost {
    /// A record of these programs, without sandboxes yet.
    pub fn new(engine: &str, programs: &[&str]) -> Self {
        let program = |name: &&str| Program { name: (*name).to_owned(), shown: vec![], in_use: vec![] };
        Self { engine: engine.to_owned(), machine: Machine::here(), programs: programs.iter().map(program).collect() }
    }

    /// Adds the figures of a sandbox of the program with this index.
    pub fn add(&mut self, program: usize, shown: u64, in_use: u64) {
        self.programs[program].shown.push(shown);
        self.programs[program].in_use.push(in_use);
    }

    /// The median of the memory that a program's sandboxes use.
    pub fn in_use(&self, program: usize) -> u64 {
        median(&self.programs[program].in_use).expect("a sandbox")
    }

    /// Stores the record for the table.
    pub fn keep(&self) {
        let text = serde_json::to_string_pretty(self).expect("JSON") + "\n";
        write(&root().join("target").join(FILE), text.as_bytes(), 0o644).expect("target/ can be written");
    }

    fn kept_in(folder: &Path) -> Result<Self> {
        let file = folder.join(FILE);
        let text = fs::read(&file).with_context(|| format!("no {}: run `make e2e node`", file.display()))?;
        serde_json::from_slice(&text)
            .with_context(|| format!("{} is not a file that `make e2e` writes", file.display()))
    }

    /// A row for the memory in use, and one for what the group shows. The last program is the floor.
    fn rows(&self) -> [Vec<String>; 2] {
        let Self { engine, machine: Machine { kernel, cgroups, .. }, programs } = self;
        let row = |what: &str, bytes: fn(&Program) -> &[u64]| {
            let medians: Vec<u64> = programs.iter().map(|program| median(bytes(program)).unwrap_or_default()).collect();
            let of_floor = medians[0] as f64 / medians[medians.len() - 1] as f64;
            let title = format!("{engine}, Linux {kernel}, cgroups v{cgroups}: {what}");
            let kib = medians.iter().map(|bytes| (bytes / 1024).to_string());
            [title].into_iter().chain(kib).chain([format!("{of_floor:.2}")]).collect()
        };
        [row("in use", |program| &program.in_use), row("shown", |program| &program.shown)]
    }
}

const FILE: &str = "cost.json";

/// The table of the stored figures, of this machine and of the machine of `make node`.
pub fn table() -> Result<String> {
    let kept = ["target", "target/node/out"].map(|folder| Cost::kept_in(&root().join(folder)));
    let mut rows = Vec::new();
    for cost in kept {
        rows.extend(cost?.rows());
    }
    let titles = ["KiB of a sandbox, median", "pause", "upstream", "only pauses", "pause ÷ only pauses"];
    ensure!(
        rows.iter().all(|row| row.len() == titles.len()),
        "the stored figures are not of the programs in the table"
    );
    Ok(xtask::table::table(&titles, rows))
}
