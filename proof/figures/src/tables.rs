//! The tables of a run.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use kit::machine::Machine;

use crate::bars;
use crate::samples::{FLOOR_CALLS, Instance, Measured, OURS, Results, Samples, Series, UPSTREAM};
use crate::table::{Table, grouped};

/// Writes all tables, for a terminal.
pub fn report(results: &Results) -> Result<String> {
    let mut report = machine(results) + "\n";
    for table in [sizes, starts, memory, pods, reaping, bars] {
        let table = table(results).markdown(false)?;
        if !table.is_empty() {
            report += &format!("\n{table}");
        }
    }
    Ok(report)
}

/// Describes the machine and the date.
pub fn machine(Results { date, rustc, quick, machine, .. }: &Results) -> String {
    let gib = machine.memory_bytes as f64 / f64::powi(2.0, 30);
    let virtual_machine = if machine.is_virtual { "a virtual machine" } else { "a machine" };
    let quick = if *quick { ", a quick run" } else { "" };
    let Machine { kernel, cgroups, os, architecture, cpu, cpus, .. } = machine;
    format!(
        "Measured on {date}{quick}: {virtual_machine} with {cpus} CPUs ({cpu}, {architecture}) and {gib:.0} GiB,\n\
         Linux {kernel}, {os}, cgroups v{cgroups}, {rustc}.",
    )
}

/// Describes each peer.
pub fn about(results: &Results) -> Table {
    let row = |peer: &Measured| vec![peer.name.clone(), peer.about.clone()];
    Table::new(&["", "what it is"], results.peers.iter().map(row).collect())
}

/// Shows counts: bytes, system calls, instructions, page faults.
pub fn sizes(results: &Results) -> Table {
    rows(
        results,
        &[
            ("file, bytes", &|of| number(of.file_bytes.median())),
            ("layer", &|of| number(of.layer_bytes.median())),
            ("pull", &|of| number(of.pull_bytes.median())),
            ("all platforms", &|of| number(of.archive_bytes.median())),
            ("system calls", &|of| number(of.system_calls.median())),
            ("instructions", &|of| number(of.instructions.median())),
            ("page faults", &|of| number(of.start_faults.median())),
        ],
    )
}

/// Shows times, with the quartiles.
pub fn starts(results: &Results) -> Table {
    let time = |series: &Series| match series.quartiles() {
        Some([low, median, high]) => format!("{} ({} to {})", micro(median), micro(low), micro(high)),
        None => NONE.to_owned(),
    };
    rows(
        results,
        &[
            ("start, µs", &|of| time(&of.start_ns)),
            ("`-v`, µs", &|of| time(&of.version_ns)),
            ("stop, µs", &|of| time(&of.stop_ns)),
        ],
    )
}

/// Shows the memory of an instance.
pub fn memory(results: &Results) -> Table {
    let kib =
        |series: Option<&Series>| shown(series.and_then(Series::median), |bytes| format!("{:.1}", bytes / 1024.0));
    let of_size = |of: &Samples, n| kib(of.instances.get(&n).map(|instance| &instance.all_bytes));
    let of_most = |of: &Samples, series: fn(&Instance) -> &Series| {
        kib(of.instances.last_key_value().map(|(_, instance)| series(instance)))
    };
    rows(
        results,
        &[
            ("KiB of 10", &|of| of_size(of, 10)),
            ("of 100", &|of| of_size(of, 100)),
            ("of 1,000", &|of| of_size(of, 1000)),
            ("kernel", &|of| of_most(of, |instance| &instance.kernel_bytes)),
            ("page tables", &|of| of_most(of, |instance| &instance.page_tables_bytes)),
            ("private", &|of| of_most(of, |instance| &instance.private_bytes)),
            ("shared", &|of| of_most(of, |instance| &instance.shared_bytes)),
            ("RSS", &|of| of_most(of, |instance| &instance.rss_bytes)),
            ("spread", &|of| widest(of.instances.values().map(|instance| &instance.all_bytes))),
        ],
    )
}

/// Shows memory and start time of many pods.
pub fn pods(results: &Results) -> Table {
    let mib = |of: &Samples, n| {
        let median = of.pods.get(&n).and_then(|pods| pods.all_bytes.median());
        shown(median, |bytes| format!("{:.1}", bytes / f64::powi(2.0, 20)))
    };
    let ms = |of: &Samples, n| number(of.pods.get(&n).and_then(|pods| pods.start_ns.median()).map(|ns| ns / 1e6));
    rows(
        results,
        &[
            ("110 pods, MiB", &|of| mib(of, 110)),
            ("ms", &|of| ms(of, 110)),
            ("250 pods, MiB", &|of| mib(of, 250)),
            ("ms", &|of| ms(of, 250)),
            ("1,000 pods, MiB", &|of| mib(of, 1000)),
            ("ms", &|of| ms(of, 1000)),
            ("spread", &|of| widest(of.pods.values().flat_map(|pods| [&pods.all_bytes, &pods.start_ns]))),
        ],
    )
}

/// Shows what PID 1 does for orphans.
pub fn reaping(results: &Results) -> Table {
    let cpu = |of: &Samples, n| shown(cpu_per_orphan(of, n), short);
    let most = largest(results, |of| &of.storms);
    let title = format!("switches, {}", grouped(most as u64));
    rows(
        results,
        &[
            ("ns per orphan, of 1,000", &|of| cpu(of, 1000)),
            ("10,000", &|of| cpu(of, 10_000)),
            ("20,000", &|of| cpu(of, 20_000)),
            ("100,000", &|of| cpu(of, 100_000)),
            (&title, &|of| number(of.storms.get(&most).and_then(|storm| storm.switches.median()))),
            ("zombie visible, ms", &|of| shown(of.visible_zombie_ns.median(), |ns| format!("{:.1}", ns / 1e6))),
            ("zombies, frozen", &|of| number(of.frozen_zombies.median())),
            ("starved", &|of| number(of.starved_zombies.median())),
            ("spread", &|of| widest(of.storms.values().map(|storm| &storm.cpu_ns))),
        ],
    )
}

/// Shows the bars of our pause.
pub fn bars(results: &Results) -> Table {
    let row = |bar: bars::Bar| vec![bar.what.to_owned(), shown(bar.measured, short), short(bar.most)];
    Table::new(&["bar", "measured", "at most"], bars::all(results).into_iter().map(row).collect())
}

/// Shows the most important figures, for the FAQ.
pub fn summary(results: &Results) -> Result<Table> {
    let find = |name: &str| results.of(name).with_context(|| format!("no samples of {name}"));
    let (ours, upstream, floor) = (find(OURS)?, find(UPSTREAM)?, find(FLOOR_CALLS)?);
    let n = largest(results, |of| &of.instances);
    let storm = largest(results, |of| &of.storms);
    let kib = |bytes: Option<f64>| shown(bytes, |bytes| format!("{:.1}", bytes / 1024.0));
    let time = |ns| shown(ns, micro);
    let orphans = format!("CPU of PID 1 for {} orphans, µs", grouped(storm as u64));
    let plan: [Column; 6] = [
        ("file, bytes", &|of| number(of.file_bytes.median())),
        ("memory of an instance from `execve` on, KiB", &|of| {
            kib(of.instances.get(&n).and_then(|instance| instance.all_bytes.median()))
        }),
        ("including the kernel's task and stack, KiB", &|of| {
            kib(of.pods.get(&n).and_then(|pods| pods.all_bytes.median()).map(|bytes| bytes / n as f64))
        }),
        ("start, from `execve` to `pause`, µs", &|of| time(of.start_ns.median())),
        ("instructions until then", &|of| number(of.instructions.median())),
        (&orphans, &|of| time(cpu_per_orphan(of, storm).map(|ns| ns * storm as f64))),
    ];
    let rows =
        plan.map(|(what, value)| [what.to_owned()].into_iter().chain([ours, upstream, floor].map(value)).collect());
    Ok(Table::new(&["", "ours", "upstream's", "assembly that makes the same calls"], rows.into()))
}

/// Returns the largest size for which our pause has samples.
pub fn largest<T>(results: &Results, sized: fn(&Samples) -> &BTreeMap<usize, T>) -> usize {
    let sizes = results.of(OURS).map(sized).and_then(|sizes| sizes.last_key_value());
    sizes.map_or(0, |(&size, _)| size)
}

/// Returns the CPU time of PID 1 per orphan in a storm of `n`, in ns.
fn cpu_per_orphan(of: &Samples, n: usize) -> Option<f64> {
    Some(of.storms.get(&n)?.cpu_ns.median()? / n as f64)
}

/// Returns the largest spread of these series.
fn widest<'a>(series: impl Iterator<Item = &'a Series>) -> String {
    shown(series.filter_map(Series::spread).reduce(f64::max), |part| format!("{:.0} %", part * 100.0))
}

/// A title, and the cells below it.
type Column<'a> = (&'a str, &'a dyn Fn(&Samples) -> String);

/// Makes a row for each peer, without rows and columns that contain no figure.
fn rows(results: &Results, columns: &[Column]) -> Table {
    let peers = &results.peers;
    let has = |(_, cell): &Column, peer: &Measured| cell(&peer.samples) != NONE;
    let columns: Vec<&Column> = columns.iter().filter(|column| peers.iter().any(|peer| has(column, peer))).collect();
    let titles: Vec<&str> = [""].into_iter().chain(columns.iter().map(|(title, _)| *title)).collect();
    let row = |peer: &Measured| {
        [peer.name.clone()].into_iter().chain(columns.iter().map(|(_, cell)| cell(&peer.samples))).collect()
    };
    let some = peers.iter().filter(|peer| columns.iter().any(|column| has(column, peer)));
    Table::new(&titles, some.map(row).collect())
}

/// Stands in for a missing value.
const NONE: &str = "–";

fn shown(value: Option<f64>, how: impl Fn(f64) -> String) -> String {
    value.map_or(NONE.to_owned(), how)
}

fn number(value: Option<f64>) -> String {
    shown(value, |value| grouped(value as u64))
}

fn micro(ns: f64) -> String {
    short(ns / 1000.0)
}

/// Formats the value with its significant digits.
pub fn short(value: f64) -> String {
    match value {
        0.0 => "0".to_owned(),
        ..0.01 => format!("{value:.4}"),
        ..1.0 => format!("{value:.3}"),
        ..10.0 if value.fract() != 0.0 => format!("{value:.2}"),
        ..100.0 if value.fract() != 0.0 => format!("{value:.1}"),
        _ => grouped(value.round() as u64),
    }
}
