//! The results of a benchmark run, as stored in samples.json, and the statistics of a series of samples.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;

use anyhow::{Context, Result};
use build::root;
use kit::machine::Machine;
use kit::quantiles;
use serde::{Deserialize, Serialize};
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};

/// The name of our own pause.
pub const OURS: &str = "pause";
/// The name of upstream's pause, with glibc.
pub const UPSTREAM: &str = "upstream";
/// The name of the floor that makes the same system calls as our pause and does nothing else.
pub const FLOOR_CALLS: &str = "floor: same calls";

/// A whole run.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Results {
    /// The day, in UTC.
    pub date: String,
    /// The output of `rustc --version`.
    pub rustc: String,
    /// Whether it was a quick run, with smaller sizes and fewer rounds.
    pub quick: bool,
    /// The machine.
    pub machine: Machine,
    /// The peers, our pause first.
    pub peers: Vec<Measured>,
}

/// A peer and its samples.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// Its name in tables.
    pub name: String,
    /// What it is.
    pub about: String,
    /// A series for each quantity.
    pub samples: Samples,
}

/// Series in nanoseconds, bytes or counts, as their names say. A series that was not measured is empty.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Samples {
    /// The program's file.
    pub file_bytes: Series,
    /// A compressed layer that contains only that file.
    pub layer_bytes: Series,
    /// What a node pulls.
    pub pull_bytes: Series,
    /// pause.tar.gz, with all platforms.
    pub archive_bytes: Series,
    /// System calls of PID 1 until it sleeps.
    pub system_calls: Series,
    /// Instructions of PID 1, outside the kernel, until it sleeps.
    pub instructions: Series,
    /// Page faults of PID 1 until it sleeps.
    pub start_faults: Series,
    /// CPU time from `execve` until it sleeps.
    pub start_ns: Series,
    /// Elapsed time from the start of `-v` to its end.
    pub version_ns: Series,
    /// Elapsed time from SIGTERM to its end.
    pub stop_ns: Series,
    /// The longest time that a zombie was visible.
    pub visible_zombie_ns: Series,
    /// How many of 500 orphans were zombies while PID 1 was frozen.
    pub frozen_zombies: Series,
    /// The same while PID 1 was starved of CPU.
    pub starved_zombies: Series,
    /// Memory of an instance, by the number of instances.
    pub instances: BTreeMap<usize, Instance>,
    /// Many pods, by their number.
    pub pods: BTreeMap<usize, Pods>,
    /// A storm of orphans, by the number of orphans.
    pub storms: BTreeMap<usize, Storm>,
}

/// Memory of one of many instances.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instance {
    /// Everything that the kernel charges from `execve` on.
    pub all_bytes: Series,
    /// The part of it that the kernel itself uses.
    pub kernel_bytes: Series,
    /// The part of that for page tables.
    pub page_tables_bytes: Series,
    /// The program's private memory.
    pub private_bytes: Series,
    /// The program's memory that the other instances share.
    pub shared_bytes: Series,
    /// Resident memory.
    pub rss_bytes: Series,
}

/// Many pods, each in its own PID namespace.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pods {
    /// All memory that their processes cost.
    pub all_bytes: Series,
    /// Elapsed time to start them one after the other.
    pub start_ns: Series,
}

/// What PID 1 does for a storm of orphans.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Storm {
    /// CPU time.
    pub cpu_ns: Series,
    /// Context switches.
    pub switches: Series,
}

/// The samples of one quantity.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Series(Vec<u64>);

impl Series {
    /// Adds a sample.
    pub fn push(&mut self, sample: u64) {
        self.0.push(sample);
    }

    /// The median; None without samples.
    pub fn median(&self) -> Option<f64> {
        quantiles::median(&self.0).map(|median| median as f64)
    }

    /// The lower quartile, the median and the upper quartile.
    pub fn quartiles(&self) -> Option<[f64; 3]> {
        self.quantiles([0.25, 0.5, 0.75])
    }

    /// The quantiles at these fractions; None without samples.
    pub fn quantiles<const N: usize>(&self, parts: [f64; N]) -> Option<[f64; N]> {
        quantiles::quantiles(&self.0, parts).map(|found| found.map(|sample| sample as f64))
    }

    /// Interquartile range ÷ median; None for fewer than two samples.
    pub fn spread(&self) -> Option<f64> {
        let [low, median, high] = self.quartiles().filter(|_| self.0.len() > 1)?;
        Some((high - low) / median.max(1.0))
    }
}

impl Results {
    /// The samples of the peer with that name.
    pub fn of(&self, name: &str) -> Option<&Samples> {
        self.peers.iter().find(|peer| peer.name == name).map(|peer| &peer.samples)
    }

    /// The stored run.
    pub fn kept() -> Result<Self> {
        read(kept_file(), "make bench")
    }

    /// The stored run of memory under control groups v2.
    pub fn kept_v2() -> Result<Self> {
        read(root().join("proof/bench/samples-v2.json"), "make bench-v2")
    }

    /// The stored form: JSON with one line per series.
    pub fn json(&self) -> Result<String> {
        let mut json = Vec::new();
        self.serialize(&mut Serializer::with_formatter(&mut json, OneLineLists(PrettyFormatter::with_indent(b""))))?;
        Ok(String::from_utf8(json)? + "\n")
    }
}

/// Where a run is stored.
pub fn kept_file() -> PathBuf {
    root().join("proof/bench/samples.json")
}

fn read(file: PathBuf, by: &str) -> Result<Results> {
    let text = fs::read_to_string(&file).with_context(|| format!("no {}: run `{by}`", file.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not a file that `{by}` writes", file.display()))
}

/// Puts each member of an object on its own line, and a list on one line.
struct OneLineLists(PrettyFormatter<'static>);

impl Formatter for OneLineLists {
    fn begin_object<W: ?Sized + io::Write>(&mut self, to: &mut W) -> io::Result<()> {
        self.0.begin_object(to)
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, to: &mut W) -> io::Result<()> {
        self.0.end_object(to)
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, to: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(to, first)
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, to: &mut W) -> io::Result<()> {
        self.0.begin_object_value(to)
    }

    fn end_object_value<W: ?Sized + io::Write>(&mut self, to: &mut W) -> io::Result<()> {
        self.0.end_object_value(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reading and writing the stored samples does not change a byte.
    #[test]
    fn the_kept_samples_are_as_they_are_written() {
        for (name, results) in [("samples.json", Results::kept()), ("samples-v2.json", Results::kept_v2())] {
            let json = results.and_then(|results| results.json()).unwrap_or_else(|error| panic!("{error:#}"));
            assert!(fs::read_to_string(root().join("proof/bench").join(name)).expect("a file") == json, "{name}");
        }
    }

    /// In a table or a bar.
    #[test]
    fn every_field_is_shown() {
        let shown = [include_str!("bars.rs"), include_str!("tables.rs")].concat();
        let fields =
            include_str!("samples.rs").lines().filter_map(|line| line.trim().strip_prefix("pub ")?.split_once(':'));
        for (field, _) in fields.filter(|(_, kind)| kind.contains("Series") || kind.contains("BTreeMap")) {
            assert!(shown.contains(&format!(".{field}")), "{field} is measured and not shown");
        }
    }
}
