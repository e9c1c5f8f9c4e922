//! SIGTERM while the program starts.

use std::time::{Duration, Instant};

use kit::floors;
use kit::peers::Peer;
use kit::process::Process;
use kit::skip::skip;
use kit::wait::within_10_s;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::pod::Pod;

pub fn every_point_as_pid_1(peer: &Peer) {
    at_every_point(&|| Pod::prepare(peer.command()));
}

pub fn every_point(peer: &Peer) {
    at_every_point(&|| Pod::prepare_not_pid_1(peer.command()));
}

/// Sends SIGTERM at every point of the start: when the first system call has returned, and before and after each later
/// one. Starts the program anew for each point.
fn at_every_point(prepare: &dyn Fn() -> Pod) {
    let mut points = 0;
    let mut lost = 0;
    loop {
        let mut pod = prepare();
        if !stop_at(points, &mut pod) {
            break;
        }
        points += 1;
        pod.pid1.signal(Signal::SIGTERM);
        ptrace::detach(Pid::from_raw(pod.pid1.id()), None).expect("it goes on");
        lost += usize::from(!pod.pid1.is_ended_by_sigterm());
    }
    assert!(points > 4, "only {points} points");
    assert!(lost == 0, "lost at {lost} of {points} points");
}

/// Lets the program start, and stops it at a point: 0 is the return of its first system call, 1 is the start of the
/// second, and so on. Returns false if the program sleeps before it gets there.
fn stop_at(point: usize, pod: &mut Pod) -> bool {
    let pid = Pid::from_raw(pod.pid1.id());
    let options = Options::PTRACE_O_TRACEEXEC | Options::PTRACE_O_TRACESYSGOOD | Options::PTRACE_O_EXITKILL;
    ptrace::seize(pid, options).expect("it can be traced");
    pod.go();
    let stop = || waitpid(pid, Some(WaitPidFlag::WNOHANG | WaitPidFlag::__WALL)).expect("its state");
    within_10_s("it executes", || matches!(stop(), WaitStatus::PtraceEvent(..)).then_some(()));
    // The first three stops are the return of execve, and the start and the return of the first call.
    (0..point + 3).all(|_| {
        ptrace::syscall(pid, None).expect("it goes on");
        within_10_s("it stops or sleeps", || match stop() {
            WaitStatus::PtraceSyscall(_) => Some(true),
            WaitStatus::StillAlive => pod.pid1.is_ready().then_some(false),
            other => panic!("{other:?}"),
        })
    })
}

/// Sends SIGTERM as soon as exec is seen, or a little later, and counts how often it is lost. No program can lose fewer
/// than the floor, which installs the handler first and does nothing else.
pub fn race(peers: &[Peer]) -> (Vec<String>, bool) {
    const TRIALS: u32 = 500;
    let floor = floors::for_this_machine("handler").map(|program| Peer::new("floor", program, &[]));
    if floor.is_none() {
        skip("the floor of this measurement is an assembly program for amd64");
    }
    let programs: Vec<&Peer> = peers.iter().chain(&floor).collect();
    let mut lost = vec![0_u32; programs.len()];
    for trial in 0..TRIALS {
        let delay = Duration::from_micros(u64::from(trial % 5) * 50);
        for (program, lost) in programs.iter().zip(&mut lost) {
            let mut process = Process::pid1(program.command());
            let start = Instant::now();
            while start.elapsed() < delay {}
            process.signal(Signal::SIGTERM);
            *lost += u32::from(!process.is_ended_by_sigterm());
        }
    }
    // If both lose a signal with the same probability, the counts almost never differ by more than four standard
    // deviations.
    let ours = lost[0];
    let pass = floor.is_none() || {
        let floor = lost[peers.len()];
        f64::from(ours) - f64::from(floor) <= 4.0 * f64::from(ours + floor).sqrt()
    };
    let cells = programs.iter().zip(&lost).map(|(program, lost)| match program.name.as_str() {
        "floor" => format!("(floor: {lost} of {TRIALS})"),
        _ => format!("{lost} of {TRIALS}"),
    });
    (cells.collect(), pass)
}
