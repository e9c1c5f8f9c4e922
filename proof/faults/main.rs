//! Shows what pause survives, compared with upstream's pause and catatonit in the same run: `make faults`.
//!
//! Each row of the table is a fault, and each cell shows how one program fared: `ok`, or in a few words what went
//! wrong. Our pause must be `ok` in every row. Each trial runs in its own PID namespace and cgroup.

mod memory;
mod orphans;
mod pod;
mod signals;
mod starvation;
mod surface;

use std::env;
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;
use std::time::Instant;

use kit::peers::Peer;
use kit::wait::message;
use kit::{cgroup, skip};

const USAGE: &str = "usage: faults [WORD...]   WORD: only rows whose names contain it";

/// A fault.
struct Row {
    name: &'static str,
    trial: Trial,
}

enum Trial {
    /// Panics with what went wrong if the program does not survive.
    Survives(fn(&Peer)),
    /// Measures the programs, ours first. Returns a cell for each, and whether ours passes.
    Measured(fn(&[Peer]) -> (Vec<String>, bool)),
}

fn rows() -> Vec<Row> {
    let row = |name, trial| Row { name, trial: Trial::Survives(trial) };
    let measured = |name, trial| Row { name, trial: Trial::Measured(trial) };
    vec![
        row("20,000 orphans, PID 1 with 1 ms of CPU per second", starvation::quota),
        row("frozen while 500 orphans die, then thawed", starvation::frozen),
        row("realtime signals that fill its signal queue", signals::full_queue),
        measured("smallest memory limit (at most half of upstream's)", memory::smallest),
        row("orphans with threads, PID 1 stopped", orphans::with_threads),
        row("orphans that are ptraced when they die", orphans::ptraced),
        row("only its own system calls are allowed", surface::allow_list),
    ]
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match &arguments[..] {
        [verb, calls, program @ ..] if verb == "confined" => surface::confined(calls, program),
        _ => faults(&arguments),
    }
}

fn faults(words: &[String]) -> ExitCode {
    if let Some(word) = words.iter().find(|word| !rows().iter().any(|row| row.name.contains(word.as_str()))) {
        eprintln!("faults: no row's name contains {word:?}; {USAGE}");
        return ExitCode::from(2);
    }
    let is_chosen = |row: &Row| words.is_empty() || words.iter().any(|word| row.name.contains(word.as_str()));
    let programs = ["perl", "prlimit", "python3", "strace"];
    if !skip::has_namespaces() || !cgroup::can_be_made() || !programs.iter().all(|program| skip::has(program)) {
        return ExitCode::SUCCESS;
    }
    cgroup::clean_up_on_signals();
    panic::set_hook(Box::new(|_| ())); // the table shows the message

    let peers = pod::peers();
    let names = peers.iter().map(|peer| peer.name.clone());
    println!("{}", line("", names.collect()));
    let mut passed = true;
    for row in rows().iter().filter(|row| is_chosen(row)) {
        let start = Instant::now();
        let (cells, pass) = row.trial.run(&peers);
        passed &= pass;
        println!("{} {:3} s{}", line(row.name, cells), start.elapsed().as_secs(), if pass { "" } else { "  FAILED" });
    }
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

impl Trial {
    fn run(&self, peers: &[Peer]) -> (Vec<String>, bool) {
        let caught = |trial: &dyn Fn()| panic::catch_unwind(AssertUnwindSafe(trial)).map_err(message);
        match self {
            Self::Survives(trial) => {
                let ends: Vec<_> = peers.iter().map(|peer| caught(&|| trial(peer))).collect();
                let ours = ends[0].is_ok();
                (ends.into_iter().map(|end| end.err().unwrap_or("ok".to_owned())).collect(), ours)
            }
            Self::Measured(measure) => panic::catch_unwind(AssertUnwindSafe(|| measure(peers)))
                .unwrap_or_else(|panic| (vec![message(panic)], false)),
        }
    }
}

fn line(name: &str, cells: Vec<String>) -> String {
    let mut line = format!("{name:54}");
    for (at, cell) in cells.iter().enumerate() {
        line += &if at == 0 { format!(" {cell:9}") } else { format!(" {cell:30}") };
    }
    line
}
