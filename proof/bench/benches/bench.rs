//! `make bench`: pause beside its peers.

use std::env;
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use anyhow::{Context, Result, bail, ensure};
use bench::run::Run;
use bench::subjects::{self, Subject};
use bench::{bars, fragments, machine, samples, tables};
use build::root;
use signal_hook::consts::{SIGINT, SIGTERM};
use xtask::docs;

const USAGE: &str = "\
Usage: cargo bench -- [--quick] [--memory] [--save] [--peer NAME=PATH[,ARG...]]...
  --quick   in less than a minute: fewer rounds, smaller sizes
  --memory  only the memory of an instance, a thousand of them once
  --save    if all bars are reached, keep the samples, and write all tables and plots that follow from them
  --docs    measure nothing; write the tables and plots that follow from the samples that are kept
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
    docs: bool,
    peers: Vec<Subject>,
}

/// None: help was asked for.
fn options() -> Result<Option<Options>> {
    let mut options = Options { quick: false, memory: false, save: false, docs: false, peers: Vec::new() };
    let mut args = env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned());
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--bench" => {} // cargo's
            "--quick" => options.quick = true,
            "--memory" => options.memory = true,
            "--save" => options.save = true,
            "--docs" => options.docs = true,
            "--peer" => options.peers.push(subjects::named(&args.next().context("--peer wants NAME=PATH[,ARG...]")?)?),
            "-h" | "--help" => return Ok(None),
            _ => bail!("no such option: {arg}; see --help"),
        }
    }
    ensure!(
        !(options.save && (options.quick || options.memory || !options.peers.is_empty())),
        "--save is for a full run of what is known"
    );
    let others = options.quick || options.memory || options.save || !options.peers.is_empty();
    ensure!(!(options.docs && others), "--docs measures nothing, and so goes with no other option");
    Ok(Some(options))
}

/// Whether no bar is missed.
fn run(options: Options, stop: &AtomicBool) -> Result<bool> {
    if options.docs {
        write_docs()?;
        return Ok(true);
    }
    let (mut subjects, missing) = subjects::known()?;
    for subject in options.peers {
        let name = &subject.peer.name;
        ensure!(subjects.iter().all(|known| known.peer.name != *name), "there is a peer {name} already");
        subjects.push(subject);
    }
    for subject in &missing {
        eprintln!("missing: {subject}");
    }
    let mut run = Run::of(subjects, stop);
    let cgroups = match options.memory {
        true => run.memory(options.quick, 1)?, // a thousand are an average already, and in QEMU they take minutes
        false => run.all(options.quick)?,
    };
    let results = run.results(machine::this(cgroups, options.quick)?);
    println!("{}", tables::report(&results));
    let bars = bars::all(&results);
    let missed: Vec<_> = bars.iter().filter(|bar| bar.is_missed()).collect();
    for bar in &missed {
        let measured = tables::short(bar.measured.unwrap_or_default());
        eprintln!("missed: {}: {measured} > {}", bar.what, tables::short(bar.most));
    }
    let keep = options.save && bars::all_reached(&results);
    let file = if keep { samples::kept_file() } else { root().join("target/benchmarks.json") };
    build::write(&file, results.json()?.as_bytes(), 0o644)?;
    if keep {
        write_docs()?;
    }
    eprintln!("samples: {}", file.display());
    ensure!(keep || !options.save, "not kept: for that, all bars are to be measured and reached");
    Ok(missed.is_empty())
}

fn write_docs() -> Result<()> {
    fragments::write_all()?;
    docs::write_all()
}
