//! What ours must reach in a run: bounds, and ratios to its peers.

use crate::samples::{FLOOR_CALLS, OURS, Results, Samples, Series, UPSTREAM};

/// One bound.
pub struct Bar {
    /// What it is about.
    pub what: &'static str,
    /// Of ours; none if it was not measured.
    pub measured: Option<f64>,
    /// What it may be.
    pub most: f64,
}

impl Bar {
    /// Whether what was measured is too much.
    pub fn is_missed(&self) -> bool {
        self.measured.is_some_and(|measured| measured > self.most)
    }
}

/// What of a peer's samples a bound is about.
type Pick = fn(&Samples) -> Option<&Series>;

/// All that apply to the run.
pub fn all(results: &Results) -> Vec<Bar> {
    let of = |name: &str, series: Pick| series(results.of(name)?)?.median();
    let ratio = |series: Pick, to: &str| Some(of(OURS, series)? / of(to, series)?);
    let memory: Pick = |samples| samples.instances.last_key_value().map(|(_, instance)| &instance.all_bytes);
    let storm: Pick = |samples| samples.storms.get(&20_000).map(|storm| &storm.cpu_ns);
    let large_storm: Pick = |samples| samples.storms.get(&100_000).map(|storm| &storm.cpu_ns);
    let start: Pick = |samples| Some(&samples.start_ns);
    let bar = |what, measured, most| Bar { what, measured, most };
    let mut bars = vec![
        bar("memory of an instance, to the floor's", ratio(memory, FLOOR_CALLS), 1.05),
        bar("memory of an instance, to upstream's", ratio(memory, UPSTREAM), 0.45),
        bar("start, to that of the floor with the same calls", ratio(start, FLOOR_CALLS), 1.15),
    ];
    // CPUID traps there, of which glibc makes some hundred at its start.
    if results.machine.is_virtual {
        bars.push(bar("start, to upstream's, on a virtual machine", ratio(start, UPSTREAM), 0.15));
    }
    bars.extend([
        bar("CPU for each of 20,000 orphans, to upstream's", ratio(storm, UPSTREAM), 0.02),
        bar("CPU for each of 100,000 orphans, to upstream's", ratio(large_storm, UPSTREAM), 0.02),
        bar("file, bytes", of(OURS, |samples| Some(&samples.file_bytes)), 2048.0),
        bar("pull, bytes", of(OURS, |samples| Some(&samples.pull_bytes)), 2500.0),
        bar("system calls before the first `pause`", of(OURS, |samples| Some(&samples.system_calls)), 6.0),
    ]);
    bars
}

/// Whether all are measured, and none is missed.
pub fn all_reached(results: &Results) -> bool {
    all(results).iter().all(|bar| bar.measured.is_some() && !bar.is_missed())
}
