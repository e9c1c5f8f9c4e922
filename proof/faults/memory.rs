//! Too little memory.

use kit::cgroup::Cgroup;
use kit::peers::Peer;
use nix::sys::signal::Signal;

use crate::pod::Pod;

/// Finds the smallest limit, in steps of a page, under which at least one of ten trials succeeds. (How much memory the
/// kernel itself uses for a program varies.)
pub fn smallest(peers: &[Peer]) -> (Vec<String>, bool) {
    let page = procfs::page_size();
    let runs_in = |limit: u64, peer| (0..10).any(|_| runs_in(limit, peer));
    let smallest = |peer| (1..100).map(|pages| pages * page).find(|&limit| runs_in(limit, peer)).expect("a limit");
    let limits: Vec<u64> = peers.iter().map(smallest).collect();
    let cells = limits.iter().map(|limit| format!("{} KiB", limit / 1024)).collect();
    (cells, limits.get(1).is_none_or(|upstreams| limits[0] * 2 <= *upstreams))
}

/// Returns whether the program starts and stops in a cgroup with this memory limit, which it enters just before exec.
fn runs_in(limit: u64, peer: &Peer) -> bool {
    let cgroup = Cgroup::new();
    cgroup.pid1.limit_memory(limit);
    let mut pod = Pod::prepare(cgroup, peer.command());
    pod.go();
    pod.pid1.starts() && {
        pod.pid1.signal(Signal::SIGTERM);
        pod.pid1.is_ended_by_sigterm()
    }
}
