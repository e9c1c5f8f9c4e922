//! The results of a benchmark run, as they are kept, and the statistics of a series of samples.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use build::arch::Arch;
use kit::machine::Machine;
use kit::quantiles;
use serde::{Deserialize, Serialize};
use xtask::archive::gzip;
use xtask::binaries::Binary;
use xtask::image::Image;
use xtask::reference;

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
    /// The digest of our pause.
    pub digest: String,
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
    /// Its description.
    pub about: String,
    /// A series for each quantity.
    pub samples: Samples,
}

/// Series in nanoseconds, bytes or counts, as their names say. A series that was not measured is empty; so are the
/// sizes of ours, which are computed.
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
    /// How many of 500 orphans were zombies while PID 1 was starved of CPU.
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
    /// Elapsed time to start them one after another.
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

    /// Returns the median; None without samples.
    pub fn median(&self) -> Option<f64> {
        quantiles::median(&self.0).map(|median| median as f64)
    }

    /// Returns the lower quartile, the median and the upper quartile.
    pub fn quartiles(&self) -> Option<[f64; 3]> {
        self.quantiles([0.25, 0.5, 0.75])
    }

    /// Returns the quantiles at these fractions; None without samples.
    pub fn quantiles<const N: usize>(&self, parts: [f64; N]) -> Option<[f64; N]> {
        quantiles::quantiles(&self.0, parts).map(|found| found.map(|sample| sample as f64))
    }

    /// Returns interquartile range ÷ median; None for fewer than two samples.
    pub fn spread(&self) -> Option<f64> {
        let [low, median, high] = self.quartiles().filter(|_| self.0.len() > 1)?;
        Some((high - low) / median.max(1.0))
    }
}

impl Results {
    /// Returns the samples of the peer with that name.
    pub fn of(&self, name: &str) -> Option<&Samples> {
        self.peers.iter().find(|peer| peer.name == name).map(|peer| &peer.samples)
    }

    /// Adds the sizes of our pause, of which these are the binaries.
    pub fn with_sizes_of(mut self, built: &[Binary]) -> Result<Self> {
        let binary = built.iter().find(|binary| binary.arch.rust == self.machine.architecture);
        let Binary { arch, bytes } = binary.context("pause is not built for the architecture of the run")?;
        let ours = self.peers.iter_mut().find(|peer| peer.name == OURS).context("no samples of ours")?;
        ours.samples.add_sizes(arch, bytes.clone())?;
        let archive = gzip(&Image::of(built)?.archive(&reference::default())?)?;
        ours.samples.archive_bytes.push(archive.len() as u64);
        Ok(self)
    }

    /// Returns the format in which it is kept: JSON, with one line per series.
    pub fn json(&self) -> Result<String> {
        Ok(serde_json::to_string(self)?.replace("],", "],\n") + "\n")
    }
}

impl Samples {
    /// Adds the sizes of a program's file, and of what a node pulls of an image like ours that contains only the file:
    /// everything, and its layer.
    pub fn add_sizes(&mut self, arch: &'static Arch, bytes: Vec<u8>) -> Result<()> {
        self.file_bytes.push(bytes.len() as u64);
        for platform in &Image::of(&[Binary { arch, bytes }])?.platforms {
            self.layer_bytes.push(platform.layer.size());
            self.pull_bytes.push(platform.size());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    /// Checks that a table or a bar shows each field.
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
