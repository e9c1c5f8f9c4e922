//! What the tests ran in engines, where, and whether it passed. The tests store rows in target/, and `make
//! compatibility` keeps them, together with [`crate::cost`]'s.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::{fmt, fs};

use anyhow::{Context, Result, bail};
use build::{root, write};
use kit::machine::Machine;
use serde::{Deserialize, Serialize};

use crate::table::Table;
use crate::{cost, kept};

/// Records what a test runs: dropping it stores a row, which says whether the test passed.
pub struct Row(Run);

/// What was run, and where.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Run {
    engine: String,
    version: String,
    origin: Origin,
    machine: Machine,
    how: String,
    passed: bool,
    /// The digest of the pause in dist/; empty if it is unknown.
    #[serde(default)]
    pub(crate) digest: String,
}

/// The origin of an engine.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Origin {
    /// A package of Debian.
    Package,
    /// Its Go module, which proof/packages/engines.sh builds.
    Module,
}

/// The file of the kept rows.
pub const FILE: &str = "compatibility.json";

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Self::Package => "Debian's package",
            Self::Module => "Go module",
        })
    }
}

impl Row {
    /// Makes a row for an engine that Debian packages. `version` is what it prints about its version.
    pub fn new(engine: &str, version: &str, how: &str) -> Self {
        Self::of(Origin::Package, engine, &Self::version(version), how)
    }

    /// Makes a row for an engine of any origin, of exactly this version.
    pub fn of(origin: Origin, engine: &str, version: &str, how: &str) -> Self {
        let [engine, version, how] = [engine, version, how].map(str::to_owned);
        Self(Run {
            engine,
            version,
            origin,
            machine: Machine::here(),
            how,
            passed: false,
            digest: kept::digest_in_dist(),
        })
    }

    /// Returns the first version in what a program prints about its version.
    pub fn version(said: &str) -> String {
        let is_version = |word: &&str| word.contains('.') && word.starts_with(|c: char| c.is_ascii_digit());
        let mut words = said.split([' ', '\n', '"', ',']).map(|word| word.trim_start_matches('v'));
        // Without its repository, containerd does not know the commit from which it was built.
        words.find(is_version).expect("a version").trim_end_matches("+unknown").to_owned()
    }
}

impl Drop for Row {
    fn drop(&mut self) {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _held = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let mut runs = stored_in(&file()).unwrap_or_default();
        let same = |run: &Run| (&run.engine, &run.version, &run.how) == (&self.0.engine, &self.0.version, &self.0.how);
        runs.retain(|run| !same(run));
        runs.push(Run { passed: !thread::panicking(), ..self.0.clone() });
        runs.sort();
        let text = serde_json::to_string_pretty(&runs).expect("JSON") + "\n";
        write(&file(), text.as_bytes(), 0o644).expect("target/ can be written");
    }
}

/// Reads the rows of the last runs. `make e2e` removes the old ones first.
fn file() -> PathBuf {
    root().join("target/compatibility.json")
}

fn stored_in(file: &Path) -> Result<Vec<Run>> {
    let rows = fs::read(file).with_context(|| format!("no {}: run `make e2e engines cluster node`", file.display()))?;
    serde_json::from_slice(&rows).with_context(|| format!("{} is not a file that `make e2e` writes", file.display()))
}

/// Keeps the rows of the last runs, including those on the machine of `make node`, and what a sandbox cost in them, if
/// every run passed.
pub fn keep() -> Result<()> {
    let mut runs = [stored_in(&file())?, stored_in(&root().join("target/node/out/compatibility.json"))?].concat();
    runs.sort();
    if let Some(failed) = runs.iter().find(|run| !run.passed) {
        bail!("failed in {} {}: {}; nothing is kept", failed.engine, failed.version, failed.how);
    }
    let engines = |runs: &[Run]| runs.iter().map(|run| run.engine.clone()).collect::<BTreeSet<_>>();
    if let Some(engine) = engines(&kept::read::<Vec<Run>>(FILE)?).difference(&engines(&runs)).next() {
        bail!(
            "not run: {engine}; run `make e2e engines cluster node`, or remove its rows from {}",
            kept::path(FILE).display()
        );
    }
    let costs = cost::stored()?;
    kept::write(FILE, &runs)?;
    kept::write(cost::FILE, &costs)
}

/// Returns the runs of each version of an engine on each system, as the table names that.
fn of_versions(runs: &[Run]) -> impl Iterator<Item = &[Run]> {
    let of = |run: &Run| (run.engine.clone(), run.version.clone(), run.origin, system(&run.machine));
    runs.chunk_by(move |a, b| of(a) == of(b))
}

/// Returns the release of Linux, the version of cgroups, and the distribution.
fn system(machine: &Machine) -> [String; 3] {
    let Machine { kernel, cgroups, os, is_qemu, .. } = machine;
    let place = if *is_qemu { " in QEMU" } else { "" };
    [kernel.clone(), format!("v{cgroups}"), os.replace(" GNU/Linux", "") + place]
}

/// Makes the table, with a row for each of [`of_versions`].
pub fn table(runs: &[Run]) -> Table {
    let row = |of_one: &[Run]| {
        let Run { engine, version, origin, machine, .. } = &of_one[0];
        [engine.clone(), version.clone(), origin.to_string()].into_iter().chain(system(machine)).collect()
    };
    Table::new(&["engine", "version", "from", "Linux", "cgroups", "machine"], of_versions(runs).map(row).collect())
}

/// Makes the list of all runs, with a section for each of [`of_versions`].
pub fn list(runs: &[Run]) -> String {
    let mut list = String::new();
    for of_one in of_versions(runs) {
        let Run { engine, version, origin, machine, .. } = &of_one[0];
        let [kernel, cgroups, place] = system(machine);
        list += &format!("\n## {engine}, {version}\n{origin}, Linux {kernel}, cgroups {cgroups}, {place}.\n\n");
        for run in of_one {
            list += &format!("- {}\n", run.how);
        }
    }
    list
}
