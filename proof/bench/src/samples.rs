//! What a run of the benchmark yields, as it is kept in samples.json, and what is said of a series of samples.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;

use anyhow::{Context, Result};
use build::root;
use serde::{Deserialize, Serialize};
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};

/// Names of peers that the bars are about.
pub const OURS: &str = "pause";
/// Upstream's, with glibc.
pub const UPSTREAM: &str = "upstream";
/// What makes the system calls of ours and does nothing else.
pub const FLOOR_CALLS: &str = "floor: same calls";

/// A whole run.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Results {
    /// Where and when it was.
    pub machine: Machine,
    /// Ours first.
    pub peers: Vec<Measured>,
}

/// Where and when a run was.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// The day, in UTC.
    pub date: String,
    /// What /proc/cpuinfo calls it.
    pub cpu: String,
    /// How many this program may use.
    pub cpus: usize,
    /// MemTotal.
    pub memory_bytes: u64,
    /// Whether a hypervisor is below.
    #[serde(rename = "virtual")]
    pub is_virtual: bool,
    /// The version of Linux, without what a distribution adds.
    pub kernel: String,
    /// Rust's name for it.
    pub architecture: String,
    /// The distribution.
    pub os: String,
    /// What `rustc --version` says.
    pub rustc: String,
    /// The version of control groups that memory was counted with.
    pub cgroup: Option<u8>,
    /// Whether sizes and rounds were small.
    pub quick: bool,
}

/// A peer and its samples.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// What tables call it.
    pub name: String,
    /// What it is.
    pub about: String,
    /// One series a thing that is measured.
    pub samples: Samples,
}

/// Series in nanoseconds, bytes or numbers, as their names say. One that was not measured is empty.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Samples {
    /// The program's file.
    pub file_bytes: Series,
    /// A layer with it alone, compressed.
    pub layer_bytes: Series,
    /// What a node pulls.
    pub pull_bytes: Series,
    /// pause.tar.gz, of all platforms.
    pub archive_bytes: Series,
    /// Of PID 1, until it sleeps.
    pub system_calls: Series,
    /// Outside the kernel, until it sleeps.
    pub instructions: Series,
    /// Page faults, until it sleeps.
    pub start_faults: Series,
    /// CPU time from `execve` until it sleeps.
    pub start_ns: Series,
    /// From the start of `-v` to its end.
    pub version_ns: Series,
    /// From SIGTERM to its end.
    pub stop_ns: Series,
    /// The longest that a zombie was seen.
    pub visible_zombie_ns: Series,
    /// Zombies of 500 orphans while PID 1 was frozen.
    pub frozen_zombies: Series,
    /// The same while it had hardly any CPU.
    pub starved_zombies: Series,
    /// Memory of one, by the number of instances.
    pub instances: BTreeMap<usize, Instance>,
    /// A whole node, by the number of pods.
    pub nodes: BTreeMap<usize, Node>,
    /// A storm of orphans, by their number.
    pub storms: BTreeMap<usize, Storm>,
}

/// Memory of one of many instances.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instance {
    /// What the kernel charges from `execve` on.
    pub all_bytes: Series,
    /// Of that, the kernel's own.
    pub kernel_bytes: Series,
    /// Of that, page tables.
    pub page_tables_bytes: Series,
    /// Of the program, its own.
    pub private_bytes: Series,
    /// Of the program, shared with the others.
    pub shared_bytes: Series,
    /// What is resident.
    pub rss_bytes: Series,
}

/// A node with many pods.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// All memory that its processes cost.
    pub all_bytes: Series,
    /// The time to start them one after the other.
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

/// Samples of one thing.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Series(Vec<u64>);

impl Series {
    /// One more.
    pub fn push(&mut self, sample: u64) {
        self.0.push(sample);
    }

    /// None if there are no samples.
    pub fn median(&self) -> Option<f64> {
        self.quartiles().map(|[_, median, _]| median)
    }

    /// The lower quartile, the median and the upper quartile.
    pub fn quartiles(&self) -> Option<[f64; 3]> {
        self.quantiles([0.25, 0.5, 0.75])
    }

    /// The samples below which such parts of all are.
    pub fn quantiles<const N: usize>(&self, parts: [f64; N]) -> Option<[f64; N]> {
        let mut samples = self.0.clone();
        samples.sort();
        let last = samples.len().checked_sub(1)?;
        // Of a few samples, rather too wide a range than too narrow a one.
        let at = |part: f64| match last as f64 * part {
            at if part < 0.5 => at.floor(),
            at if part > 0.5 => at.ceil(),
            at => at.round(),
        };
        Some(parts.map(|part| samples[at(part) as usize] as f64))
    }

    /// The range from quartile to quartile, as a part of the median. None for fewer than two samples.
    pub fn spread(&self) -> Option<f64> {
        let [low, median, high] = self.quartiles().filter(|_| self.0.len() > 1)?;
        Some((high - low) / median.max(1.0))
    }
}

impl Results {
    /// The samples of that peer.
    pub fn of(&self, name: &str) -> Option<&Samples> {
        self.peers.iter().find(|peer| peer.name == name).map(|peer| &peer.samples)
    }

    /// The run that is kept.
    pub fn kept() -> Result<Self> {
        read(kept_file(), "make bench")
    }

    /// The one of memory under control groups v2.
    pub fn kept_v2() -> Result<Self> {
        read(root().join("proof/bench/samples-v2.json"), "make bench-v2")
    }

    /// As it is kept: JSON, one line for each series.
    pub fn json(&self) -> Result<String> {
        let mut json = Vec::new();
        self.serialize(&mut Serializer::with_formatter(&mut json, OneLineLists(PrettyFormatter::with_indent(b""))))?;
        Ok(String::from_utf8(json)? + "\n")
    }
}

/// Where a run is kept.
pub fn kept_file() -> PathBuf {
    root().join("proof/bench/samples.json")
}

fn read(file: PathBuf, by: &str) -> Result<Results> {
    let text = fs::read_to_string(&file).with_context(|| format!("no {}; `{by}` makes it", file.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not what `{by}` writes", file.display()))
}

/// Objects with a line for each member, lists in one.
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

    /// What is written is what is read, to the byte.
    #[test]
    fn the_kept_samples_are_as_they_are_written() {
        for (name, results) in [("samples.json", Results::kept()), ("samples-v2.json", Results::kept_v2())] {
            let json = results.and_then(|results| results.json()).unwrap_or_else(|error| panic!("{error:#}"));
            assert!(fs::read_to_string(root().join("proof/bench").join(name)).expect("a file") == json, "{name}");
        }
    }
}
