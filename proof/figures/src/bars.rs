//! Upper bounds that our pause must keep in a run: of figures, and of ratios to peers.

use crate::samples::{FLOOR_CALLS, OURS, Results, Samples, Series, UPSTREAM};

/// One bound.
pub struct Bar {
    /// The quantity.
    pub what: &'static str,
    /// Its value for our pause; None if it was not measured.
    pub measured: Option<f64>,
    /// Its largest allowed value.
    pub most: f64,
}

impl Bar {
    /// Returns whether the measured value is too large.
    pub fn is_missed(&self) -> bool {
        self.measured.is_some_and(|measured| measured > self.most)
    }
}

/// Selects a series from a peer's samples.
type Pick = fn(&Samples) -> Option<&Series>;

/// Returns all bars that apply to the run.
pub fn all(results: &Results) -> Vec<Bar> {
    let of = |name: &str, series: Pick| series(results.of(name)?)?.median();
    let ratio = |series: Pick, to: &str| Some(of(OURS, series)? / of(to, series)?);
    let memory: Pick = |samples| samples.instances.last_key_value().map(|(_, instance)| &instance.all_bytes);
    let storm: Pick = |samples| samples.storms.get(&20_000).map(|storm| &storm.cpu_ns);
    let large_storm: Pick = |samples| samples.storms.get(&100_000).map(|storm| &storm.cpu_ns);
    let start: Pick = |samples| Some(&samples.start_ns);
    let bar = |what, measured, most| Bar { what, measured, most };
    let mut bars = vec![
        bar("memory of an instance ÷ that of the floor with the same calls", ratio(memory, FLOOR_CALLS), 1.05),
        bar("memory of an instance ÷ upstream's", ratio(memory, UPSTREAM), 0.45),
        bar("start ÷ that of the floor with the same calls", ratio(start, FLOOR_CALLS), 1.15),
    ];
    // glibc executes CPUID many times at start, which traps on a virtual machine.
    if results.machine.is_virtual {
        bars.push(bar("start ÷ upstream's, on a virtual machine", ratio(start, UPSTREAM), 0.15));
    }
    bars.extend([
        bar("CPU for 20,000 orphans ÷ upstream's", ratio(storm, UPSTREAM), 0.02),
        bar("CPU for 100,000 orphans ÷ upstream's", ratio(large_storm, UPSTREAM), 0.02),
        bar("file, bytes", of(OURS, |samples| Some(&samples.file_bytes)), 2048.0),
        bar("pull, bytes", of(OURS, |samples| Some(&samples.pull_bytes)), 2500.0),
        bar("system calls before the first `pause`", of(OURS, |samples| Some(&samples.system_calls)), 6.0),
    ]);
    bars
}

/// Returns whether all bars were measured and none is missed.
pub fn all_reached(results: &Results) -> bool {
    all(results).iter().all(|bar| bar.measured.is_some() && !bar.is_missed())
}
