//! A pod for a trial: a program as PID 1 of a PID namespace, alone in its cgroup, and other programs in the pod.

use std::fs;
use std::process::Command;

use kit::cgroup::Cgroup;
use kit::gate::{gated, wait_at_gate};
use kit::peers::{self, Peer};
use kit::process::{End, Process};
use kit::wait::within_10_s;
use kit::{orphans, skip};

/// The name of our pause in the table.
pub const OURS: &str = "ours";

/// Returns our pause, then the peers that are installed.
pub fn peers() -> Vec<Peer> {
    let mut peers = vec![Peer::new(OURS, peers::ours(), &[])];
    if let Some(upstream) = peers::upstream() {
        peers.push(Peer::new("upstream", upstream, &[]));
    }
    if skip::has("catatonit") {
        peers.push(Peer::catatonit());
    }
    peers
}

/// A pod. Dropping it ends all its processes.
pub struct Pod {
    pub pid1: Process,
    pub cgroup: Cgroup,
}

impl Pod {
    /// Starts the program, and returns when it sleeps and handles its signals.
    pub fn start(peer: &Peer) -> Self {
        let mut pod = Self::prepare(Cgroup::new(), peer.command());
        pod.go();
        pod.ready();
        pod
    }

    /// Prepares everything up to the exec of the program in a cgroup, whose limits are already set; [`Self::go`]
    /// executes it.
    pub fn prepare(cgroup: Cgroup, program: Command) -> Self {
        let pid1 = Process::pid1(gated("", &program));
        let namespace = |pid: &str| fs::read_link(format!("/proc/{pid}/ns/pid")).expect("a namespace");
        assert_ne!(namespace(&pid1.id().to_string()), namespace("self"), "it is in the harness's PID namespace");
        wait_at_gate(&pid1);
        cgroup.pid1.admit(pid1.id());
        Self { pid1, cgroup }
    }

    pub fn go(&mut self) {
        self.pid1.tell();
    }

    pub fn ready(&self) {
        within_10_s("it sleeps and handles its signals", || self.pid1.is_ready().then_some(()));
    }

    /// Starts another program in the pod.
    pub fn start_beside(&self, program: Command) -> Process {
        let mut process = self.pid1.start_inside(gated("", &program));
        wait_at_gate(&process);
        self.cgroup.rest.admit(process.id());
        process.tell();
        process
    }

    /// Makes `batches` batches of `size` orphans, one after another.
    pub fn orphans(&self, batches: usize, size: usize) {
        self.made(self.start_beside(orphans::batches(batches, size)));
    }

    /// Waits until a program that makes orphans (see [`kit::orphans`]) has ended.
    pub fn made(&self, orphans: Process) {
        let end = orphans.end_within(1200);
        assert!(!end.stderr.contains("fork"), "fork refused, {} zombies", self.pid1.zombies());
        assert!(end == End::silent(0), "{end:?}");
    }

    /// Asserts that the program works: its orphans are reaped, and SIGTERM ends it.
    pub fn works_and_stops(self) {
        self.orphans(2, 5);
        self.pid1.without_children();
        self.stops();
    }

    /// Asserts that SIGTERM ends it with 0.
    pub fn stops(self) {
        let code = self.pid1.terminate().code;
        assert!(code == Some(0), "SIGTERM: exit code {code:?}");
    }
}
