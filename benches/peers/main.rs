//! pause beside its peers: `make bench`. All of them in one run, one after the other in every round, so that what else
//! the machine does meets them all alike. What follows from the samples is in xtask/src/benchmarks.rs.

#[allow(dead_code)] // the tests use the rest
#[path = "../../faults/cgroup.rs"]
mod cgroup;
mod measure;
mod memory;
mod peer;
#[allow(dead_code)]
#[path = "../../tests/it/skip.rs"]
mod skip;
#[allow(dead_code)] // the tests use the rest
#[path = "../../tests/it/support.rs"]
mod support;
mod trace;

use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::panic::{self, AssertUnwindSafe};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Instant;
use std::{env, fs};

use anyhow::{Context, Result, bail, ensure};
use serde_json::json;
use signal_hook::consts::{SIGINT, SIGTERM};
use xtask::arch::Arch;
use xtask::benchmarks::{self, OURS};
use xtask::{docs, image, root};

use crate::measure::Sample;
use crate::memory::Memory;
use crate::peer::Peer;
use crate::support::has_namespaces;

const USAGE: &str = "\
Usage: cargo bench -- [--quick] [--memory] [--save] [--peer NAME=PATH[,ARG...]]...
  --quick   in less than a minute: fewer rounds, smaller sizes
  --memory  only the memory of an instance, a thousand of them once
  --save    if all bars are reached, keep the result: docs/benchmarks.json, and all tables and plots that follow from it
  --peer    measure this program, too";

fn main() -> ExitCode {
    let options = match options() {
        Ok(Some(options)) => options,
        Ok(None) => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("bench: {error:#}");
            return ExitCode::from(2);
        }
    };
    // Whoever has to stop does so by unwinding: what was started is killed, and the control groups are removed.
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        _ = signal_hook::flag::register(signal, stop.clone());
    }
    let hook = panic::take_hook();
    let stopped = stop.clone();
    panic::set_hook(Box::new(move |info| {
        if !stopped.load(Relaxed) {
            hook(info);
        }
    }));
    match panic::catch_unwind(AssertUnwindSafe(|| run(options, &stop))) {
        Ok(Ok(true)) => ExitCode::SUCCESS,
        Ok(Ok(false)) => ExitCode::FAILURE,
        _ if stop.load(Relaxed) => {
            eprintln!("bench: stopped; nothing is kept");
            ExitCode::from(130)
        }
        Ok(Err(error)) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
        Err(_) => ExitCode::FAILURE,
    }
}

struct Options {
    quick: bool,
    memory: bool,
    save: bool,
    peers: Vec<Peer>,
}

/// None: help was asked for.
fn options() -> Result<Option<Options>> {
    let mut options = Options { quick: false, memory: false, save: false, peers: Vec::new() };
    let mut args = env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned());
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--bench" => {} // cargo's
            "--quick" => options.quick = true,
            "--memory" => options.memory = true,
            "--save" => options.save = true,
            "--peer" => options.peers.push(peer::named(&args.next().context("--peer wants NAME=PATH[,ARG...]")?)?),
            "-h" | "--help" => return Ok(None),
            _ => bail!("no such option: {arg}; see --help"),
        }
    }
    ensure!(
        !(options.save && (options.quick || options.memory || !options.peers.is_empty())),
        "--save is for a full run of what is known"
    );
    Ok(Some(options))
}

/// Whether no bar is missed.
fn run(options: Options, stop: &AtomicBool) -> Result<bool> {
    let (mut peers, missing) = peer::known()?;
    for peer in options.peers {
        ensure!(peers.iter().all(|known| known.name != peer.name), "there is a peer {} already", peer.name);
        peers.push(peer);
    }
    for peer in &missing {
        eprintln!("missing: {peer}");
    }
    let mut run = Run { samples: vec![BTreeMap::new(); peers.len()], peers, stop };
    let memory = match options.memory {
        true => run.memory(options.quick, 1)?, // a thousand are an average already, and in QEMU they take minutes
        false => run.all(options.quick)?,
    };
    let cgroups = memory.map(|memory| memory.version());

    let results = json!({
        "machine": machine(cgroups, options.quick)?,
        "peers": run.peers.iter().zip(&run.samples).map(|(peer, samples)| {
            json!({ "name": peer.name, "about": peer.about, "samples": samples })
        }).collect::<Vec<_>>(),
    });
    println!("{}", benchmarks::report(&results)?);
    let missed = benchmarks::missed(&results);
    for bar in &missed {
        eprintln!("missed: {bar}");
    }
    let keep = options.save && benchmarks::all_reached(&results);
    let folder = if keep { "docs" } else { "target" };
    let file = root().join(folder).join("benchmarks.json");
    xtask::write(&file, benchmarks::text(&results)?.as_bytes(), 0o644)?;
    if keep {
        docs::all()?;
    }
    eprintln!("samples: {}", file.display());
    ensure!(keep || !options.save, "not kept in docs/, where all bars are to be measured and reached");
    Ok(missed.is_empty())
}

struct Run<'a> {
    peers: Vec<Peer>,
    /// Of each peer, by name.
    samples: Vec<BTreeMap<String, Vec<u64>>>,
    stop: &'a AtomicBool,
}

impl Run<'_> {
    /// Measures all that can be; gives what memory was counted with.
    fn all(&mut self, quick: bool) -> Result<Option<Memory>> {
        let often = |full, few| if quick { few } else { full };
        let all = |_: &Peer| true;
        let reaps = |peer: &Peer| peer.reaps;
        // Config and manifest of a peer's image are taken to be as large as ours.
        let rest = image::pull(Arch::host()?)? - image::layer(&fs::read(support::ours())?)?.len();
        self.each("bytes", 1, all, |peer| bytes(peer, rest))?;
        self.each("version", often(501, 51), |peer| peer.version.is_some(), measure::version)?;
        if !has_namespaces() {
            eprintln!("left out: all but bytes and -v");
            return Ok(None);
        }
        match measure::start_clock() {
            Ok(_) => self.each("start", often(501, 51), all, measure::start)?,
            Err(error) => eprintln!("left out: start: {error:#}"),
        }
        self.each("system calls", 1, all, trace::calls)?;
        self.each("instructions", often(1, 0), all, trace::instructions)?;
        self.each("stop", often(101, 21), |peer| peer.stops, measure::stop)?;
        self.each("zombies seen", often(5, 1), reaps, measure::visible_zombie)?;
        let storms: &[_] =
            if quick { &[(1000, 1), (10_000, 1)] } else { &[(1000, 5), (10_000, 3), (20_000, 3), (100_000, 3)] };
        for &(n, rounds) in storms {
            self.each(&format!("a storm of {n} orphans"), rounds, reaps, |peer| measure::storm(peer, n))?;
        }

        if cgroup::can_be_made() {
            self.each("zombies while frozen", 1, reaps, measure::frozen_zombies)?;
            self.each("zombies while starved", often(5, 1), reaps, measure::starved_zombies)?;
        }
        let memory = self.memory(quick, 3)?;
        if let Some(memory) = &memory {
            let nodes: &[_] = if quick { &[(110, 1)] } else { &[(110, 5), (250, 5), (1000, 3)] };
            for &(n, rounds) in nodes {
                self.each(&format!("a node of {n} pods"), rounds, all, |peer| measure::node(memory, peer, n))?;
            }
        }
        Ok(memory)
    }

    /// Measures the memory of an instance, if that can be; gives what it was counted with.
    fn memory(&mut self, quick: bool, thousands: usize) -> Result<Option<Memory>> {
        let memory = match Memory::new() {
            Ok(memory) => memory,
            Err(error) => {
                eprintln!("left out: memory, and the node: {error:#} (run as root)");
                return Ok(None);
            }
        };
        let fleets: &[_] = if quick { &[(10, 3), (100, 3)] } else { &[(10, 11), (100, 5), (1000, thousands)] };
        for &(n, rounds) in fleets {
            self.each(&format!("{n} instances"), rounds, |_| true, |peer| measure::instances(&memory, peer, n))?;
        }
        Ok(Some(memory))
    }

    /// One sample of each peer that can be `measured`, so many times.
    fn each(
        &mut self,
        what: &str,
        rounds: usize,
        measured: fn(&Peer) -> bool,
        sample: impl Fn(&Peer) -> Result<Sample>,
    ) -> Result<()> {
        let (start, line) = (Instant::now(), io::stderr().is_terminal());
        for round in 0..rounds {
            // What a large one leaves to the kernel to clear away must not always meet the same next one.
            let mut order: Vec<usize> = (0..self.peers.len()).collect();
            order.sort_by_key(|at| (at + 1) * (round + 1) * 7919 % 10_007); // another in each round
            for at in order {
                let (peer, samples) = (&self.peers[at], &mut self.samples[at]);
                if !measured(peer) {
                    continue;
                }
                ensure!(!self.stop.load(Relaxed), "stopped");
                if line {
                    eprint!("\r\x1b[K{what}: round {} of {rounds}, {}", round + 1, peer.name);
                }
                for (name, value) in sample(peer).with_context(|| format!("{what} of {}", peer.name))? {
                    samples.entry(name).or_default().push(value);
                }
            }
        }
        let left = if line { "\r\x1b[K" } else { "" };
        eprintln!("{left}{:5.1} s for {what}, {rounds} times", start.elapsed().as_secs_f64());
        Ok(())
    }
}

/// Of the file, of a layer with it alone, and of what a node pulls, which has `rest` more.
fn bytes(peer: &Peer, rest: usize) -> Result<Sample> {
    let program = fs::read(&peer.program)?;
    let layer = image::layer(&program)?.len();
    let mut sizes = vec![("file_bytes", program.len()), ("layer_bytes", layer), ("pull_bytes", layer + rest)];
    if peer.name == OURS {
        sizes.push(("archive_bytes", image::compressed_as_named()?.len()));
    }
    Ok(sizes.into_iter().map(|(name, size)| (name.to_owned(), size as u64)).collect())
}

/// Where and when the run was.
fn machine(cgroups: Option<u8>, quick: bool) -> Result<serde_json::Value> {
    let output = |program: &str, args: &[&str]| -> Result<String> {
        let output = Command::new(program).args(args).output().with_context(|| format!("cannot run {program}"))?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let cpus = fs::read_to_string("/proc/cpuinfo")?;
    let cpu = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let memory = fs::read_to_string("/proc/meminfo")?;
    let memory: u64 = memory.split_whitespace().nth(1).context("MemTotal")?.parse()?;
    let os = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let os = os.lines().find_map(|line| line.strip_prefix("PRETTY_NAME=")).unwrap_or("").trim_matches('"');
    Ok(json!({
        "date": output("date", &["--utc", "+%F"])?,
        "cpu": cpu.map_or("unknown", |(_, cpu)| cpu),
        "cpus": std::thread::available_parallelism()?.get(),
        "memory_bytes": memory * 1024,
        "virtual": cpus.contains(" hypervisor"),
        "kernel": output("uname", &["-r"])?.split('-').next(), // what a distribution calls it is behind that
        "architecture": env::consts::ARCH,
        "os": os,
        "rustc": output("rustc", &["--version"])?,
        "cgroup": cgroups,
        "quick": quick,
    }))
}
