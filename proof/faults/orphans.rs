//! Unusual orphans, and very many orphans.

use std::fs;

use kit::orphans;
use kit::peers::Peer;
use kit::process::command;
use kit::wait::within_10_s;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::pod::Pod;

/// Runs the program as PID 1 of the innermost of five nested PID namespaces: it reaps the orphans made there. When it
/// ends, the namespaces around it end too. The process that started them, by then an orphan, is reaped by the outer PID
/// 1.
pub fn nested(peer: &Peer) {
    let pod = Pod::start(peer);
    let mut start = command(["unshare", "--pid", "--fork"]);
    start.args(["unshare", "--pid", "--fork"].repeat(4)).arg(&peer.program).args(&peer.args);
    let outermost = pod.start_beside(start);
    let children = |pid: i32| fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).expect("it lives");
    let innermost = within_10_s("the innermost runs", || {
        let mut pid = outermost.id();
        for _ in 0..5 {
            pid = children(pid).trim().parse().ok()?;
        }
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
        (!["unshare\n", "sh\n"].contains(&name.as_str())).then_some(pid)
    });

    let orphans = orphans::batches(2, 50);
    let mut enter = command(["nsenter", "--pid", "--target", &innermost.to_string()]);
    enter.arg(orphans.get_program()).args(orphans.get_args());
    pod.made(pod.start_beside(enter));
    within_10_s("its orphans are gone", || children(innermost).is_empty().then_some(()));
    assert_eq!(pod.pid1.zombies(), 0);

    drop(outermost); // kills it
    kill(Pid::from_raw(innermost), Signal::SIGTERM).expect("it lives");
    pod.pid1.without_children();
    pod.works_and_stops();
}

/// Orphans whose first thread ends before the others: until those end too, it is rightly a zombie.
pub fn with_threads(peer: &Peer) {
    let pod = Pod::start(peer);
    pod.pid1.stop();
    let maker = pod.start_beside(orphans::with_threads());
    within_10_s("twenty first threads have ended", || (pod.pid1.zombies() == 20).then_some(()));
    let threads = |pid: &String| fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count);
    assert!(pod.pid1.children().iter().all(|pid| threads(pid) == 2), "the others live");
    drop(maker); // closes stdin
    within_10_s("the others have ended", || pod.pid1.children().iter().all(|pid| threads(pid) < 2).then_some(()));
    none_stays_while_stopped(pod);
}

pub fn odd_exit_signals(peer: &Peer) {
    let pod = Pod::start(peer);
    pod.pid1.stop();
    pod.made(pod.start_beside(orphans::with_odd_exit_signals()));
    none_stays_while_stopped(pod);
}

pub fn ptraced(peer: &Peer) {
    let orphans = orphans::batches(2, 50);
    let mut traced = command(["strace", "--follow-forks", "--trace=none", "--output=/dev/null"]);
    traced.arg(orphans.get_program()).args(orphans.get_args());
    let pod = Pod::start(peer);
    pod.pid1.stop();
    pod.made(pod.start_beside(traced));
    none_stays_while_stopped(pod);
}

fn none_stays_while_stopped(pod: Pod) {
    let zombies = pod.pid1.only_zombies();
    pod.pid1.signal(Signal::SIGCONT);
    assert!(zombies == 0, "{zombies} zombies");
    pod.works_and_stops();
}

pub fn a_million(peer: &Peer) {
    let pod = Pod::start(peer);
    pod.orphans(1, 100);
    let before = Use::of(&pod);
    pod.orphans(10_000, 100);
    pod.pid1.without_children();
    let after = Use::of(&pod);
    assert_eq!((before.rss, before.vm, before.fds), (after.rss, after.vm, after.fds), "RSS, VM in KiB, descriptors");
    let grown = after.memory.saturating_sub(before.memory) / 1024;
    let (switches, ticks) = (after.switches - before.switches, after.ticks - before.ticks);
    assert!(grown < 64 && switches <= 5 && ticks <= 1, "{switches} wake-ups, {ticks} ticks, {grown} KiB");
    pod.works_and_stops();
}

/// The resources that PID 1 uses.
struct Use {
    rss: u64,
    vm: u64,
    fds: usize,
    /// The memory of its cgroup, which includes the kernel's memory for it, in bytes.
    memory: u64,
    ticks: u64,
    switches: u64,
}

impl Use {
    fn of(pod: &Pod) -> Self {
        let status = pod.pid1.status();
        let process = procfs::process::Process::new(pod.pid1.id()).expect("it lives");
        let stat = process.stat().expect("its times");
        Self {
            rss: status.vmrss.expect("a number"),
            vm: status.vmsize.expect("a number"),
            fds: process.fd_count().expect("a number"),
            memory: pod.cgroup.pid1.memory(),
            ticks: stat.utime + stat.stime,
            switches: pod.pid1.context_switches(),
        }
    }
}
