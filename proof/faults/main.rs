//! What pause survives, compared with upstream's pause and catatonit in the same run: `make faults`.
//!
//! Each row of the table is a fault, and each cell says how one program fared: `ok`, or in a few words what went wrong.
//! Our pause must be `ok` in every row. Each trial runs in its own PID namespace and cgroup.

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

const USAGE: &str = "usage: faults [--all] [WORD...]   --all: long rows, too; WORD: only rows whose name contains it";

/// A fault.
struct Row {
    name: &'static str,
    /// Takes minutes, so only `--all` runs it.
    long: bool,
    trial: Trial,
}

enum Trial {
    /// Panics with what went wrong if the program does not survive.
    Survives(fn(&Peer)),
    /// Measures the programs, ours first; returns a cell for each, and whether ours passes.
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
        measured("SIGTERM just after exec: how many are lost", start::race),
        row("SIGSTOP and SIGCONT in a storm of orphans", storms::stop_and_continue),
        row("strace and gdb attach in a storm of orphans", storms::debuggers),
        row("realtime signals that fill its signal queue", storms::full_queue),
        row("kill -9 -1 and every signal, as root from inside", storms::all_signals),
        row("a fork bomb beside it, at the limit of PIDs", storms::fork_bomb),
        row("the OOM killer beside it", memory::oom_kill),
        measured("smallest memory limit (at most half of upstream's)", memory::smallest),
        row("nested PID namespaces", orphans::nested),
        row("orphans with threads, PID 1 stopped", orphans::with_threads),
        row("orphans with odd exit signals, PID 1 stopped", orphans::odd_exit_signals),
        row("orphans that are ptraced when they die", orphans::ptraced),
        row("only its own system calls are allowed", surface::allow_list),
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
    let is_chosen = |row: &Row| words.is_empty() || words.iter().any(|word| row.name.contains(word.as_str()));
    let rows: Vec<Row> = rows().into_iter().filter(|row| is_chosen(row) && !(row.long && options.is_empty())).collect();
    if rows.is_empty() {
        eprintln!("faults: these rows take minutes, so they need --all; {USAGE}");
        return ExitCode::from(2);
    }
    let programs = ["chrt", "gdb", "nsenter", "perl", "prlimit", "python3", "strace"];
    if !skip::has_namespaces() || !cgroup::can_be_made() || !programs.iter().all(|program| skip::has(program)) {
        return ExitCode::SUCCESS;
    }
    cgroup::clean_up_on_signals();
    panic::set_hook(Box::new(|_| ())); // the table shows the message

    let peers = pod::peers();
    let names = peers.iter().map(|peer| peer.name.clone());
    println!("{}", line("", names.collect()));
    let mut passed = true;
    for row in rows {
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
