//! `make bench`: measures pause and its peers.

use std::env;
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use anyhow::{Context, Result, bail, ensure};
use bench::run::Run;
use bench::subjects::{self, Subject};
use build::root;
use figures::pages::Pages;
use figures::{bars, kept, tables};
use signal_hook::consts::{SIGINT, SIGTERM};
use xtask::binaries;

const USAGE: &str = "\
Usage: cargo bench -- [--quick] [--memory] [--save] [--peer NAME=PATH[,ARG...]]...
  --quick   take less than a minute: fewer rounds, smaller sizes
  --memory  measure only the memory of an instance, with one round of 1,000 instances
  --save    if all bars are reached, keep the samples, and write all tables from them
  --peer    also measure this program";

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
    // A signal stops the run by unwinding, which kills what was started and removes the cgroups.
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
    peers: Vec<Subject>,
}

/// Parses the options; None if the user asked for help.
fn options() -> Result<Option<Options>> {
    let mut options = Options { quick: false, memory: false, save: false, peers: Vec::new() };
    let mut args = env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned());
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--bench" => {} // cargo's
            "--quick" => options.quick = true,
            "--memory" => options.memory = true,
            "--save" => options.save = true,
            "--peer" => options.peers.push(subjects::named(&args.next().context("--peer needs NAME=PATH[,ARG...]")?)?),
            "-h" | "--help" => return Ok(None),
            _ => bail!("no such option: {arg}; see --help"),
        }
    }
    ensure!(
        !(options.save && (options.quick || options.memory || !options.peers.is_empty())),
        "--save needs a full run, without --quick, --memory and --peer"
    );
    Ok(Some(options))
}

/// Runs the benchmark. Returns whether every bar is met.
fn run(options: Options, stop: &AtomicBool) -> Result<bool> {
    let (mut subjects, missing) = subjects::known()?;
    for subject in options.peers {
        let name = &subject.peer.name;
        ensure!(subjects.iter().all(|known| known.peer.name != *name), "the name {name} is taken by another peer");
        subjects.push(subject);
    }
    for subject in &missing {
        eprintln!("missing: {subject}");
    }
    let mut run = Run::of(subjects, stop);
    if options.memory {
        run.memory(options.quick, 1)?; // 1,000 instances are already an average, and take minutes in QEMU
    } else {
        run.all(options.quick)?;
    }
    let results = run.results(options.quick)?;
    let samples = results.json()?;
    let results = if options.memory { results } else { results.with_sizes_of(&binaries::of("")?)? };
    println!("{}", tables::report(&results)?);
    let bars = bars::all(&results);
    let missed: Vec<_> = bars.iter().filter(|bar| bar.is_missed()).collect();
    for bar in &missed {
        let measured = tables::short(bar.measured.unwrap_or_default());
        eprintln!("missed: {}: {measured} > {}", bar.what, tables::short(bar.most));
    }
    let keep = options.save && bars::all_reached(&results);
    let file = if keep { kept::path("bench.json") } else { root().join("target/benchmarks.json") };
    build::write(&file, samples.as_bytes(), 0o644)?;
    if keep {
        Pages::new()?.write()?;
    }
    eprintln!("samples: {}", file.display());
    ensure!(keep || !options.save, "not kept: --save requires that all bars are measured and reached");
    Ok(missed.is_empty())
}
