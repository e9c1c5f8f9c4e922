//! Tests of what pause and upstream's do when a seccomp filter refuses a system call.

use std::path::Path;

use kit::calls::{ONLY_PPOLL, PAUSE, POLL};
use kit::messages::LOOP_TERMINATED;
use kit::peers::{ours, upstream};
use kit::process::{End, Process, command};
use kit::seccomp::{Filter, refuse, refuse_sigaction, under};
use kit::skip::has_namespaces;
use kit::wait::within;
use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::Signal;

use Outcome::{Asleep, Ends, Spins, WorksOn};

/// What a process does when it is left alone, the worst first.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Outcome {
    /// It uses CPU time endlessly.
    Spins,
    /// It ends with this status, as in a shell: 128 plus the number of the signal if one killed it.
    Ends(i32),
    /// It sleeps and uses no CPU time, but an orphan that dies stays a zombie.
    Asleep,
    /// It sleeps and uses no CPU time, and an orphan that dies is reaped.
    WorksOn,
}

/// The calls that are refused; the outcome of ours at start; and, if it is still running, its outcome after SIGTERM.
type Row = (&'static [(&'static str, i64)], Outcome, Option<Outcome>);

/// A row for each system call that pause can make, and one for both exit calls together.
const ROWS: &[Row] = &[
    (&[("rt_sigaction", libc::SYS_rt_sigaction)], Ends(2), None),
    (&[("rt_sigprocmask", libc::SYS_rt_sigprocmask)], WorksOn, Some(Ends(0))),
    (&[("getpid", libc::SYS_getpid)], WorksOn, Some(Ends(0))),
    (&[("wait4", libc::SYS_wait4)], WorksOn, Some(Ends(0))),
    // Where `ppoll` replaces both, this row and the next refuse the same call.
    (&[("poll", POLL)], if ONLY_PPOLL { Ends(42) } else { WorksOn }, if ONLY_PPOLL { None } else { Some(Ends(0)) }),
    (&[("pause", PAUSE)], Ends(42), None),
    (&[("write", libc::SYS_write)], WorksOn, Some(Ends(0))),
    (&[EXIT_GROUP], WorksOn, Some(Ends(0))),
    (&[EXIT], WorksOn, Some(Ends(0))),
    (BOTH_EXITS, WorksOn, Some(Ends(KILLED_BY_SIGILL))),
];

const EXIT_GROUP: (&str, i64) = ("exit_group", libc::SYS_exit_group);
const EXIT: (&str, i64) = ("exit", libc::SYS_exit);
const BOTH_EXITS: &[(&str, i64)] = &[EXIT_GROUP, EXIT];
const KILLED_BY_SIGILL: i32 = 128 + libc::SIGILL;

#[test]
fn each_call_refused_with_eperm() {
    each_call_refused_with(Errno::EPERM);
}

#[test]
fn each_call_refused_with_enosys() {
    each_call_refused_with(Errno::ENOSYS);
}

fn each_call_refused_with(errno: Errno) {
    if !has_namespaces() {
        return;
    }
    let upstream = upstream();
    for &(calls, start, sigterm) in ROWS {
        let names: Vec<&str> = calls.iter().map(|(name, _)| *name).collect();
        let filter = refuse(errno, calls.iter().map(|&(_, number)| (number, vec![])));
        let ours = outcomes(ours(), &filter);
        let theirs = upstream.as_ref().map(|upstream| outcomes(upstream, &filter));
        eprintln!("{} {errno:?}: ours {ours:?}, upstream's {theirs:?}", names.join(", "));
        assert_eq!(ours, (start, sigterm), "{names:?} {errno:?}");
        if let Some(theirs) = theirs {
            assert!(!is_worse(ours, theirs), "{names:?} {errno:?}: ours {ours:?}, upstream's {theirs:?}");
        }
    }
}

/// Returns whether `ours` is worse than `theirs`: at start, or after SIGTERM if both are still running.
fn is_worse(ours: (Outcome, Option<Outcome>), theirs: (Outcome, Option<Outcome>)) -> bool {
    let at_start = |outcome| match outcome {
        Spins => 0,
        Ends(_) => 1,
        Asleep => 2,
        WorksOn => 3,
    };
    let after_sigterm = |outcome| match outcome {
        Spins => 0,
        Asleep | WorksOn => 1,
        Ends(0) => 3,
        Ends(_) => 2,
    };
    at_start(ours.0) < at_start(theirs.0)
        || ours.1.zip(theirs.1).is_some_and(|(ours, theirs)| after_sigterm(ours) < after_sigterm(theirs))
}

/// Returns the outcome of `pause`, as PID 1 under `filter`, at start and then after SIGTERM.
fn outcomes(pause: &Path, filter: &Filter) -> (Outcome, Option<Outcome>) {
    let mut process = Process::pid1(under(filter, command([pause])));
    let start = outcome(&mut process);
    let lives = !matches!(start, Ends(_));
    let sigterm = lives.then(|| {
        process.signal(Signal::SIGTERM);
        outcome(&mut process)
    });
    (start, sigterm)
}

fn outcome(process: &mut Process) -> Outcome {
    if let Some(outcome) = ends_or_spins(process) {
        return outcome;
    }
    process.orphans(1, 1);
    process.only_zombies();
    match ends_or_spins(process) {
        Some(outcome) => outcome,
        None if process.children().is_empty() => WorksOn,
        None => Asleep,
    }
}

/// Waits until a process that becomes pause has ended, spins or sleeps (None).
///
/// It spins if it has used 100 ms of CPU time since it was first seen; starting and stopping take about 1 ms. It sleeps
/// if it is in state S and its CPU time, in nanoseconds, is the same in twenty successive checks. A PID 1 that is
/// ending also sleeps, until its namespace is empty, but no longer has any memory (`do_exit`, kernel/exit.c).
fn ends_or_spins(process: &mut Process) -> Option<Outcome> {
    let (mut first, mut last, mut same) = (None, 0, 0);
    within(60, "it ends, spins or sleeps", || {
        if let Some(status) = process.status_if_over() {
            return Some(Some(Ends(status)));
        }
        let status = process.status();
        if status.name != "pause" {
            return None;
        }
        let schedstat = procfs::process::Process::new(process.id()).and_then(|process| process.schedstat());
        let cpu = schedstat.expect("/proc/PID/schedstat").sum_exec_runtime;
        if cpu - *first.get_or_insert(cpu) > 100_000_000 {
            return Some(Some(Spins));
        }
        let sleeps = status.state.starts_with('S') && status.vmrss.is_some();
        same = if cpu == last && sleeps { same + 1 } else { 0 };
        last = cpu;
        (same == 20).then_some(None)
    })
}

/// Checks that the undefined instruction ends pause, PID 1 or not, whatever signals its parent blocked or ignored.
#[test]
fn refused_exit_group_and_exit_end_by_sigill() {
    if !has_namespaces() {
        return;
    }
    let filter = refuse(Errno::EPERM, BOTH_EXITS.iter().map(|&(_, number)| (number, vec![])));
    for inherited in [&[][..], &["--block-signal"], &["--ignore-signal"]] {
        for start in [Process::pid1, Process::start] {
            let mut env = command(["env"]);
            env.args(inherited).arg(ours());
            let mut process = start(under(&filter, env));
            assert_eq!(ends_or_spins(&mut process), None, "{inherited:?}");
            process.signal(Signal::SIGTERM);
            assert_eq!(ends_or_spins(&mut process), Some(Ends(KILLED_BY_SIGILL)), "{inherited:?}");
        }
    }
    let version = command([ours(), Path::new("-v")]);
    assert_eq!(ends_or_spins(&mut Process::pid1(under(&filter, version))), Some(Ends(KILLED_BY_SIGILL)));
}

/// Proves that the tests above can see a process that spins: upstream's spins if `pause` is refused.
#[test]
fn control_upstream_spins_where_pause_is_refused() {
    if let Some(upstream) = upstream().filter(|_| has_namespaces()) {
        assert_eq!(outcomes(&upstream, &refuse(Errno::EPERM, [(PAUSE, vec![])])), (Spins, Some(Ends(0))));
    }
}

#[test]
fn refused_rt_sigaction_exits_1_2_3() {
    for (signal, code) in [(Signal::SIGINT, 1), (Signal::SIGTERM, 2), (Signal::SIGCHLD, 3)] {
        if has_namespaces() {
            let process = Process::pid1(under(&refuse_sigaction(signal), command([ours()])));
            assert_eq!(process.end(), End::silent(code), "{signal}");
        }
    }
}

#[test]
fn refused_pause_exits_42() {
    if has_namespaces() {
        let process = Process::pid1(under(&refuse(Errno::EPERM, [(PAUSE, vec![])]), command([ours()])));
        assert_eq!(process.end(), End::saying(42, LOOP_TERMINATED));
    }
}
