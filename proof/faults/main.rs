//! What pause survives, with upstream's and catatonit's beside it in the same run: `make faults`.
//!
//! A row is a fault and a cell is what became of one program: `ok`, or in a few words what went wrong. Ours must be
//! `ok` everywhere. Each trial runs in a PID namespace and a cgroup of its own.

mod memory;
mod orphans;
mod pod;
mod start;
mod starvation;
mod storms;
mod surface;

use std::env;
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;
use std::time::Instant;

use kit::peers::Peer;
use kit::wait::message;
use kit::{cgroup, skip};

const USAGE: &str = "usage: faults [--all] [WORD...]   --all: the long rows too; WORD: only rows with it in their name";

/// A fault.
struct Row {
    name: &'static str,
    /// Takes minutes: left to `--all`.
    long: bool,
    trial: Trial,
}

enum Trial {
    /// Panics, with what went wrong, if the program does not survive.
    Survives(fn(&Peer)),
    /// What is measured of each of the programs, of which ours is the first; and whether ours passes.
    Measured(fn(&[Peer]) -> (Vec<String>, bool)),
}

fn rows() -> Vec<Row> {
    let row = |name, trial| Row { name, long: false, trial: Trial::Survives(trial) };
    let long = |name, trial| Row { name, long: true, trial: Trial::Survives(trial) };
    let measured = |name, trial| Row { name, long: false, trial: Trial::Measured(trial) };
    vec![
        row("20,000 orphans, PID 1 at SCHED_IDLE under full load", starvation::idle),
        row("20,000 orphans, PID 1 with 1 ms of CPU a second", starvation::quota),
        row("frozen while 500 orphans die, then thawed", starvation::frozen),
        row("SIGTERM at every point of start-up, as PID 1", start::every_point_as_pid_1),
        row("SIGTERM at every point of start-up, not as PID 1", start::every_point),
        measured("SIGTERM just after exec: lost (at least: the floor's)", start::race),
        row("SIGSTOP and SIGCONT in a storm of orphans", storms::stop_and_continue),
        row("strace and gdb attach in a storm of orphans", storms::debuggers),
        row("realtime signals, and no room in its signal queue", storms::full_queue),
        row("kill -9 -1 and every signal, as root from inside", storms::all_signals),
        row("a fork bomb beside it, at the limit of PIDs", storms::fork_bomb),
        row("the OOM killer beside it", memory::oom_kill),
        measured("smallest memory limit (ours: at most half)", memory::smallest),
        row("nested PID namespaces", orphans::nested),
        row("orphans with threads, PID 1 stopped", orphans::with_threads),
        row("orphans with odd exit signals, PID 1 stopped", orphans::odd_exit_signals),
        row("orphans that are ptraced when they die", orphans::ptraced),
        row("its own system calls alone are allowed", surface::allow_list),
        long("a million orphans: nothing grows", orphans::a_million),
        long("minutes of SIGSTOP and SIGCONT", storms::stop_and_continue_long),
        long("minutes of strace and gdb", storms::debuggers_long),
    ]
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match &arguments[..] {
        [verb, calls, program @ ..] if verb == "confined" => surface::confined(calls, program),
        _ => faults(&arguments),
    }
}

fn faults(arguments: &[String]) -> ExitCode {
    let (options, words): (Vec<&String>, Vec<&String>) = arguments.iter().partition(|word| word.starts_with('-'));
    if let Some(option) = options.iter().find(|option| **option != "--all") {
        eprintln!("faults: no such option: {option}; {USAGE}");
        return ExitCode::from(2);
    }
    if let Some(word) = words.iter().find(|word| !rows().iter().any(|row| row.name.contains(word.as_str()))) {
        eprintln!("faults: no row has {word:?} in its name; {USAGE}");
        return ExitCode::from(2);
    }
    let programs = ["chrt", "gdb", "nsenter", "perl", "prlimit", "python3", "strace"];
    if !skip::has_namespaces() || !cgroup::can_be_made() || !programs.iter().all(|program| skip::has(program)) {
        return ExitCode::SUCCESS;
    }
    cgroup::clean_up_on_signals();
    panic::set_hook(Box::new(|_| ())); // the table says it

    let peers = pod::peers();
    let names = peers.iter().map(|peer| peer.name.clone());
    println!("{}", line("", names.collect()));
    let mut passed = true;
    for row in rows() {
        let chosen = words.is_empty() || words.iter().any(|word| row.name.contains(word.as_str()));
        if !chosen || row.long && options.is_empty() {
            continue;
        }
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
