//! Processes in the pod or outside that attack PID 1.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

use kit::orphans;
use kit::peers::Peer;
use kit::process::{Process, command};
use kit::wait::{within, within_10_s};
use nix::sys::signal::Signal;

use crate::pod::Pod;

pub fn stop_and_continue(peer: &Peer) {
    stop_and_continue_while(peer, 20);
}

pub fn stop_and_continue_long(peer: &Peer) {
    stop_and_continue_while(peer, 500);
}

fn stop_and_continue_while(peer: &Peer, batches: usize) {
    let pod = Pod::start(peer);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Relaxed) {
                pod.pid1.signal(Signal::SIGSTOP);
                pod.pid1.signal(Signal::SIGCONT);
            }
        });
        let orphans = pod.start_beside(orphans::batches(batches, 100));
        let end = orphans.end_within(600);
        over.store(true, Relaxed);
        assert_eq!(end.code, Some(0), "orphans");
    });
    pod.works_and_stops();
}

pub fn debuggers(peer: &Peer) {
    debuggers_in_turn(peer, 3);
}

pub fn debuggers_long(peer: &Peer) {
    debuggers_in_turn(peer, 30);
}

fn debuggers_in_turn(peer: &Peer, rounds: usize) {
    let pod = Pod::start(peer);
    let pid = pod.pid1.id().to_string();
    // More orphans than there is time for; the storm is killed at the end.
    let mut storm = pod.start_beside(orphans::batches(1_000_000, 50));
    for _ in 0..rounds {
        let strace = Process::start(command(["strace", "--output=/dev/null", "--attach", &pid]));
        within_10_s("strace attaches", || (pod.pid1.status().tracerpid != 0).then_some(()));
        strace.signal(Signal::SIGINT); // detaches
        strace.end();
        let gdb = Process::start(command(["gdb", "--nx", "--batch", "-ex", "detach", "--pid", &pid]));
        assert_eq!(gdb.end_within(60).code, Some(0), "gdb");
        assert!(!storm.is_over(), "the storm ended");
    }
    drop(storm);
    pod.cgroup.rest.kill_all();
    pod.works_and_stops();
}

/// Sends so many realtime signals to a stopped PID 1 that its queue overflows. The second time RLIMIT_SIGPENDING is 0,
/// as if this user's queue were already full.
pub fn full_queue(peer: &Peer) {
    let mut start = command(["prlimit", "--sigpending=0"]);
    start.arg(&peer.program).args(&peer.args);
    for pod in [Pod::start(peer), Pod::start_command(start)] {
        pod.pid1.stop();
        let pid = pod.pid1.id().to_string();
        let storm = "$p = shift; for $s (34 .. 64) { kill $s, $p for 1 .. 2000 }";
        let inside = pod.start_beside(command(["perl", "-e", storm, "1"])).end_within(60);
        let outside = Process::start(command(["perl", "-e", storm, &pid])).end_within(60);
        assert_eq!([inside.code, outside.code], [Some(0); 2], "sent");
        pod.pid1.signal(Signal::SIGCONT);
        pod.works_and_stops();
    }
}

/// Sends all signals except SIGTERM and SIGINT, which should end it.
pub fn all_signals(peer: &Peer) {
    let pod = Pod::start(peer);
    let bystander = pod.start_beside(command(["sleep", "1000"]));
    let all = "kill 9, -1; for (1 .. 64) { next if $_ == 2 || $_ == 15; kill $_, 1 }";
    assert_eq!(pod.start_beside(command(["perl", "-e", all])).end().code, Some(0), "sent");
    assert_eq!(bystander.end().code, None, "kill -9 -1 kills");
    pod.works_and_stops();
}

/// Runs the bomb until a thousand of its forks have been refused, then kills it, which frees its PIDs.
pub fn fork_bomb(peer: &Peer) {
    let pod = Pod::start(peer);
    pod.cgroup.rest.limit_pids(100);
    let mut start = command(["sh", "-c", "bomb() { bomb | bomb & }; bomb"]);
    start.stderr(fs::File::options().write(true).open("/dev/null").expect("/dev/null"));
    let bomb = pod.start_beside(start);
    within(60, "the limit is reached", || (pod.cgroup.rest.refused_forks() >= 1000).then_some(()));
    pod.cgroup.rest.kill_all();
    drop(bomb);
    pod.works_and_stops();
}
