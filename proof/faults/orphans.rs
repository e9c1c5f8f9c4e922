//! Unusual orphans.

use std::fs;

use kit::orphans;
use kit::peers::Peer;
use kit::process::command;
use kit::wait::within_10_s;
use nix::sys::signal::Signal;

use crate::pod::Pod;

/// Makes orphans whose first thread ends before the others: until these end too, it is rightly a zombie.
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
