//! PID 1 gets little or no CPU while orphans die.

use std::thread::available_parallelism;

use kit::peers::Peer;
use kit::process::{Process, command};

use crate::pod::Pod;

/// Room for a batch of orphans, the load, and some processes that are still ending.
const PIDS: u32 = 100;

/// The limit of PIDs leaves no room for zombies: if any stay, a fork in the pod fails.
pub fn quota(peer: &Peer) {
    let pod = Pod::start(peer);
    pod.cgroup.pid1.least_quota();
    pod.cgroup.pod.limit_pids(PIDS);
    let busy = || pod.start_beside(command(["perl", "-e", "1 while 1"]));
    let load: Vec<Process> = (0..available_parallelism().map_or(1, usize::from)).map(|_| busy()).collect();
    pod.orphans(500, 40);
    drop(load);
    pod.works_and_stops();
}

pub fn frozen(peer: &Peer) {
    let pod = Pod::start(peer);
    pod.cgroup.pid1.freeze();
    pod.orphans(1, 500);
    let zombies = pod.pid1.only_zombies();
    pod.cgroup.pid1.thaw();
    assert!(zombies == 0, "{zombies} zombies");
    pod.works_and_stops();
}
