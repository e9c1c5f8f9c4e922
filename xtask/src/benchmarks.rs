//! What follows from the samples of `make bench`, which docs/benchmarks.json keeps, and of `make bench-v2`: tables and
//! bars.

use std::fs;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::docs::{grouped, table};
use crate::root;

/// Names of peers that the bars are about.
pub const OURS: &str = "pause";
/// Upstream's, with glibc.
pub const UPSTREAM: &str = "upstream";
/// The same source with musl.
pub const UPSTREAM_MUSL: &str = "upstream, musl";
/// What makes the system calls of ours and does nothing else.
pub const FLOOR_CALLS: &str = "floor: same calls";
/// What only pauses.
pub const FLOOR_PAUSE: &str = "floor: only pauses";

/// The samples that are kept.
pub fn kept() -> Result<Value> {
    read("benchmarks.json", "bench")
}

/// Those of memory under control groups v2.
pub fn kept_v2() -> Result<Value> {
    read("benchmarks-v2.json", "bench-v2")
}

/// The samples that are kept in `name`, which `make` of `by` writes.
fn read(name: &str, by: &str) -> Result<Value> {
    let file = root().join("docs").join(name);
    let text = fs::read_to_string(&file).with_context(|| format!("no {}; `make {by}` makes it", file.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is no JSON", file.display()))
}

/// As it is kept: one line for each list of samples.
pub fn text(results: &Value) -> Result<String> {
    let mut text = format!("{{\n\"machine\": {},\n\"peers\": [", results["machine"]);
    for (i, peer) in peers(results).iter().enumerate() {
        let samples = peer.samples().into_iter().map(|(name, values)| format!("  \"{name}\": {values}"));
        let samples: Vec<String> = samples.collect();
        let (comma, about) = (if i == 0 { "" } else { "," }, &peer.0["about"]);
        text += &format!("{comma}\n{{\"name\": {}, \"about\": {about}, \"samples\": {{\n", peer.0["name"]);
        text += &format!("{}\n}}}}", samples.join(",\n"));
    }
    Ok(text + "\n]\n}\n")
}

/// All tables, for a terminal.
pub fn report(results: &Value) -> Result<String> {
    let mut report = machine(results)? + "\n";
    for table in [sizes, starts, memory, node, reaping, bars] {
        let table = table(results)?;
        if !table.is_empty() {
            report += &format!("\n{table}");
        }
    }
    Ok(report)
}

/// Where and when.
pub fn machine(results: &Value) -> Result<String> {
    let machine = &results["machine"];
    let text = |key: &str| machine[key].as_str().unwrap_or("unknown").to_owned();
    let gib = machine["memory_bytes"].as_f64().unwrap_or(0.0) / f64::powi(2.0, 30);
    let virtual_machine = if machine["virtual"] == true { "a virtual machine" } else { "a machine" };
    let quick = if machine["quick"] == true { ", a quick run" } else { "" };
    let cgroup = match machine["cgroup"].as_u64() {
        Some(version) => format!("control groups v{version}"),
        None => "no control groups".to_owned(),
    };
    Ok(format!(
        "Measured on {}{quick}: {virtual_machine} with {} CPUs ({}, {}) and {gib:.0} GiB,\nLinux {}, {}, {cgroup}, {}.",
        text("date"),
        machine["cpus"],
        text("cpu"),
        text("architecture"),
        text("kernel"),
        text("os"),
        text("rustc"),
    ))
}

/// What each peer is.
pub fn about(results: &Value) -> Result<String> {
    let rows = peers(results)
        .iter()
        .map(|peer| vec![peer.name(), peer.0["about"].as_str().unwrap_or("").to_owned()])
        .collect();
    Ok(table(&["", "what it is"], rows))
}

/// What can be counted: bytes, system calls, instructions, page faults.
pub fn sizes(results: &Value) -> Result<String> {
    let count = |key| move |peer: &Peer| number(peer.median(key));
    rows(
        results,
        &[
            ("file, bytes", &count("file_bytes")),
            ("layer", &count("layer_bytes")),
            ("pull", &count("pull_bytes")),
            ("all platforms", &count("archive_bytes")),
            ("system calls", &count("system_calls")),
            ("instructions", &count("instructions")),
            ("page faults", &count("start_faults")),
        ],
    )
}

/// Times, with the quartiles.
pub fn starts(results: &Value) -> Result<String> {
    let time = |key| {
        move |peer: &Peer| match peer.quartiles(key) {
            Some([low, median, high]) => format!("{} ({} to {})", micro(median), micro(low), micro(high)),
            None => NONE.to_owned(),
        }
    };
    rows(
        results,
        &[("start, µs", &time("start_ns")), ("`-v`, µs", &time("version_ns")), ("stop, µs", &time("stop_ns"))],
    )
}

/// Memory of an instance.
pub fn memory(results: &Value) -> Result<String> {
    let most = largest(results, "instance_bytes_of_");
    let of = |name: &str, n: usize| {
        let key = format!("{name}_bytes_of_{n}");
        move |peer: &Peer| peer.median(&key).map_or(NONE.to_owned(), |bytes| format!("{:.1}", bytes / 1024.0))
    };
    rows(
        results,
        &[
            ("KiB of 10", &of("instance", 10)),
            ("of 100", &of("instance", 100)),
            ("of 1,000", &of("instance", 1000)),
            ("kernel's", &of("instance_kernel", most)),
            ("page tables", &of("page_tables", most)),
            ("private", &of("private", most)),
            ("shared", &of("shared", most)),
            ("RSS", &of("rss", most)),
            ("spread", &|peer: &Peer| peer.spread("instance_bytes_of_")),
        ],
    )
}

/// Memory and start of a whole node.
pub fn node(results: &Value) -> Result<String> {
    let mib = |n: usize| {
        let key = format!("node_bytes_of_{n}");
        move |peer: &Peer| {
            peer.median(&key).map_or(NONE.to_owned(), |bytes| format!("{:.1}", bytes / f64::powi(2.0, 20)))
        }
    };
    let ms = |n: usize| {
        let key = format!("node_start_ns_of_{n}");
        move |peer: &Peer| number(peer.median(&key).map(|ns| ns / 1e6))
    };
    rows(
        results,
        &[
            ("110 pods, MiB", &mib(110)),
            ("ms", &ms(110)),
            ("250 pods, MiB", &mib(250)),
            ("ms", &ms(250)),
            ("1,000 pods, MiB", &mib(1000)),
            ("ms", &ms(1000)),
            ("spread", &|peer: &Peer| peer.spread("node_")),
        ],
    )
}

/// What PID 1 does for orphans.
pub fn reaping(results: &Value) -> Result<String> {
    let cpu = |n: usize| move |peer: &Peer| peer.per_orphan("cpu_ns", n).map_or(NONE.to_owned(), short);
    let most = largest(results, "storm_switches_of_");
    let switches =
        |peer: &Peer| peer.median(&format!("storm_switches_of_{most}")).map_or(NONE.to_owned(), |n| number(Some(n)));
    let visible =
        |peer: &Peer| peer.median("visible_zombie_ns").map_or(NONE.to_owned(), |ns| format!("{:.1}", ns / 1e6));
    let count = |key| move |peer: &Peer| number(peer.median(key));
    let title = format!("switches, {}", grouped(most as u64));
    rows(
        results,
        &[
            ("ns an orphan, of 1,000", &cpu(1000)),
            ("10,000", &cpu(10_000)),
            ("20,000", &cpu(20_000)),
            ("100,000", &cpu(100_000)),
            (&title, &switches),
            ("a zombie seen, ms", &visible),
            ("zombies, frozen", &count("frozen_zombies")),
            ("starved", &count("starved_zombies")),
            ("spread", &|peer: &Peer| peer.spread("storm_cpu_ns_of_")),
        ],
    )
}

/// What ours must reach, and whether it does.
pub fn bars(results: &Value) -> Result<String> {
    let rows = all_bars(results).into_iter().map(|bar| {
        let measured = bar.measured.map_or(NONE.to_owned(), short);
        let reached = match bar.measured {
            None => "not measured",
            _ if bar.missed() => "**no**",
            _ => "yes",
        };
        vec![bar.what.to_owned(), measured, short(bar.most), reached.to_owned()]
    });
    Ok(table(&["bar", "measured", "at most", "reached"], rows.collect()))
}

/// The bars that are missed.
pub fn missed(results: &Value) -> Vec<String> {
    let missed = all_bars(results).into_iter().filter(Bar::missed);
    missed
        .map(|bar| format!("{}: {} > {}", bar.what, short(bar.measured.unwrap_or_default()), short(bar.most)))
        .collect()
}

/// Whether all are measured, and none is missed.
pub fn all_reached(results: &Value) -> bool {
    all_bars(results).iter().all(|bar| bar.measured.is_some() && !bar.missed())
}

/// The figures that speak for themselves, for the README.
pub fn summary(results: &Value) -> Result<String> {
    let find = |name: &str| peer(results, name).with_context(|| format!("no samples of {name}"));
    let (ours, upstream, floor) = (find(OURS)?, find(UPSTREAM)?, find(FLOOR_CALLS)?);
    let most = largest(results, "instance_bytes_of_");
    let storm = largest(results, "storm_cpu_ns_of_");
    let kib = |bytes: f64| format!("{:.1} KiB", bytes / 1024.0);
    let bytes = |bytes: f64| format!("{} bytes", grouped(bytes as u64));
    let time = |ns: f64| format!("{} µs", micro(ns));
    type Row<'a> = (String, &'a dyn Fn(f64) -> String, &'a dyn Fn(&Peer) -> Option<f64>);
    let memory = format!("instance_bytes_of_{most}");
    let wholly = format!("node_bytes_of_{most}");
    let plan: [Row; 6] = [
        ("file".to_owned(), &bytes, &|peer| peer.median("file_bytes")),
        ("memory of an instance, from `execve` on".to_owned(), &kib, &|peer| peer.median(&memory)),
        ("the same with the kernel's task and stack".to_owned(), &kib, &|peer| {
            Some(peer.median(&wholly)? / most as f64)
        }),
        ("start, from `execve` to `pause`".to_owned(), &time, &|peer| peer.median("start_ns")),
        ("instructions until then".to_owned(), &|n| grouped(n as u64), &|peer| peer.median("instructions")),
        (format!("CPU of PID 1 for {} orphans", grouped(storm as u64)), &time, &|peer| {
            Some(peer.per_orphan("cpu_ns", storm)? * storm as f64)
        }),
    ];
    let rows = plan.iter().map(|(what, unit, value)| {
        let shown = |peer: &Peer| value(peer).map_or(NONE.to_owned(), unit);
        vec![what.clone(), shown(&ours), shown(&upstream), shown(&floor)]
    });
    Ok(table(&["", "ours", "upstream's", "assembly that makes the same calls"], rows.collect()))
}

struct Bar {
    what: &'static str,
    /// Of ours; none if it was not measured.
    measured: Option<f64>,
    most: f64,
}

impl Bar {
    fn missed(&self) -> bool {
        self.measured.is_some_and(|measured| measured > self.most)
    }
}

fn all_bars(results: &Value) -> Vec<Bar> {
    let of = |name: &str, key: &str| peer(results, name)?.median(key);
    let ratio = |key: &str, to: &str| Some(of(OURS, key)? / of(to, key)?);
    let memory = &format!("instance_bytes_of_{}", largest(results, "instance_bytes_of_"));
    let [storm, large_storm] = ["storm_cpu_ns_of_20000", "storm_cpu_ns_of_100000"];
    let bar = |what, measured, most| Bar { what, measured, most };
    let mut bars = vec![
        bar("memory of an instance, to the floor's", ratio(memory, FLOOR_CALLS), 1.05),
        bar("memory of an instance, to upstream's", ratio(memory, UPSTREAM), 0.45),
        bar("start, to that of the floor with the same calls", ratio("start_ns", FLOOR_CALLS), 1.15),
    ];
    // CPUID traps there, of which glibc makes some hundred at its start.
    if results["machine"]["virtual"] == true {
        bars.push(bar("start, to upstream's, on a virtual machine", ratio("start_ns", UPSTREAM), 0.15));
    }
    bars.extend([
        bar("CPU for each of 20,000 orphans, to upstream's", ratio(storm, UPSTREAM), 0.02),
        bar("CPU for each of 100,000 orphans, to upstream's", ratio(large_storm, UPSTREAM), 0.02),
        bar("file, bytes", of(OURS, "file_bytes"), 2048.0),
        bar("pull, bytes", of(OURS, "pull_bytes"), 2500.0),
        bar("system calls before the first `pause`", of(OURS, "system_calls"), 6.0),
    ]);
    bars
}

/// A peer's results.
pub(crate) struct Peer<'a>(&'a Value);

pub(crate) fn peers(results: &Value) -> Vec<Peer<'_>> {
    results["peers"].as_array().map(|peers| peers.iter().map(Peer).collect()).unwrap_or_default()
}

fn peer<'a>(results: &'a Value, name: &str) -> Option<Peer<'a>> {
    peers(results).into_iter().find(|peer| peer.0["name"] == name)
}

impl Peer<'_> {
    pub(crate) fn name(&self) -> String {
        self.0["name"].as_str().unwrap_or_default().to_owned()
    }

    fn samples(&self) -> serde_json::Map<String, Value> {
        self.0["samples"].as_object().cloned().unwrap_or_default()
    }

    pub(crate) fn median(&self, key: &str) -> Option<f64> {
        self.quartiles(key).map(|[_, median, _]| median)
    }

    /// The lower quartile, the median and the upper quartile.
    pub(crate) fn quartiles(&self, key: &str) -> Option<[f64; 3]> {
        self.quantiles(key, [0.25, 0.5, 0.75])
    }

    /// The samples below which such parts of all are.
    pub(crate) fn quantiles<const N: usize>(&self, key: &str, parts: [f64; N]) -> Option<[f64; N]> {
        let mut samples: Vec<f64> = self.0["samples"][key].as_array()?.iter().filter_map(Value::as_f64).collect();
        samples.sort_by(f64::total_cmp);
        let last = samples.len().checked_sub(1)?;
        // Of a few samples, rather too wide a range than too narrow a one.
        let at = |part: f64| match last as f64 * part {
            at if part < 0.5 => at.floor(),
            at if part > 0.5 => at.ceil(),
            at => at.round(),
        };
        Some(parts.map(|part| samples[at(part) as usize]))
    }

    /// The widest range of those samples, from quartile to quartile, as a part of the median.
    fn spread(&self, prefix: &str) -> String {
        let several = |values: &Value| values.as_array().is_some_and(|values| values.len() > 1);
        let samples = self.samples();
        let of_these = samples.iter().filter(|(key, values)| key.starts_with(prefix) && several(values));
        let ranges = of_these.filter_map(|(key, _)| self.quartiles(key));
        let widest = ranges.map(|[low, median, high]| (high - low) / median.max(1.0)).reduce(f64::max);
        widest.map_or(NONE.to_owned(), |part| format!("{:.0} %", part * 100.0))
    }

    pub(crate) fn per_orphan(&self, what: &str, n: usize) -> Option<f64> {
        Some(self.median(&format!("storm_{what}_of_{n}"))? / n as f64)
    }
}

/// The largest size of which there are samples.
pub(crate) fn largest(results: &Value, prefix: &str) -> usize {
    let samples = peer(results, OURS).map(|peer| peer.samples()).unwrap_or_default();
    samples.keys().filter_map(|key| key.strip_prefix(prefix)?.parse().ok()).max().unwrap_or(0)
}

/// A title, and what is under it.
type Column<'a> = (&'a str, &'a dyn Fn(&Peer) -> String);

/// A row for each peer; without those, and without columns, that have no figure. Nothing, if there is none at all.
fn rows(results: &Value, columns: &[Column]) -> Result<String> {
    let peers = peers(results);
    let has = |(_, cell): &Column, peer: &Peer| cell(peer) != NONE;
    let columns: Vec<&Column> = columns.iter().filter(|column| peers.iter().any(|peer| has(column, peer))).collect();
    if columns.is_empty() {
        return Ok(String::new());
    }
    let titles: Vec<&str> = [""].into_iter().chain(columns.iter().map(|(title, _)| *title)).collect();
    let row = |peer: &Peer| [peer.name()].into_iter().chain(columns.iter().map(|(_, cell)| cell(peer))).collect();
    let shown = peers.iter().filter(|peer| columns.iter().any(|column| has(column, peer)));
    Ok(table(&titles, shown.map(row).collect()))
}

/// What stands for a figure that there is not.
const NONE: &str = "–";

fn number(value: Option<f64>) -> String {
    value.map_or(NONE.to_owned(), |value| grouped(value as u64))
}

fn micro(ns: f64) -> String {
    short(ns / 1000.0)
}

/// With as many digits as tell something.
pub(crate) fn short(value: f64) -> String {
    match value {
        0.0 => "0".to_owned(),
        ..0.01 => format!("{value:.4}"),
        ..1.0 => format!("{value:.3}"),
        ..10.0 if value.fract() != 0.0 => format!("{value:.2}"),
        ..100.0 if value.fract() != 0.0 => format!("{value:.1}"),
        _ => grouped(value.round() as u64),
    }
}
