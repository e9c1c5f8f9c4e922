//! A pod for a trial: a program as PID 1 of a PID namespace, alone in a cgroup, and others beside it.

use std::fs;
use std::process::Command;

use kit::cgroup::Cgroup;
use kit::gate::{gated, wait_at_gate};
use kit::peers::{self, Peer};
use kit::process::{End, Process};
use kit::wait::within_10_s;
use kit::{orphans, skip};

/// What the table calls ours.
pub const OURS: &str = "ours";

/// Ours first, then those that are here.
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

/// A pod; all of it ends when this goes.
pub struct Pod {
    pub pid1: Process,
    pub cgroup: Cgroup,
}

impl Pod {
    /// Once it sleeps and takes signals.
    pub fn start(peer: &Peer) -> Self {
        Self::start_command(peer.command())
    }

    pub fn start_command(program: Command) -> Self {
        let mut pod = Self::prepare(program);
        pod.go();
        pod.ready();
        pod
    }

    /// Just before exec, which [`Self::go`] does.
    pub fn prepare(program: Command) -> Self {
        Self::prepare_in(Cgroup::new(), program)
    }

    /// The same in a cgroup that has its limits already.
    pub fn prepare_in(cgroup: Cgroup, program: Command) -> Self {
        let pid1 = Process::pid1(gated("", &program));
        let namespace = |pid: &str| fs::read_link(format!("/proc/{pid}/ns/pid")).expect("a namespace");
        assert_ne!(namespace(&pid1.id().to_string()), namespace("self"), "in the harness's PID namespace");
        Self::around(pid1, cgroup)
    }

    /// The same without a PID namespace of its own.
    pub fn prepare_not_pid_1(program: Command) -> Self {
        Self::around(Process::start(gated("", &program)), Cgroup::new())
    }

    fn around(pid1: Process, cgroup: Cgroup) -> Self {
        wait_at_gate(&pid1);
        cgroup.pid1.admit(pid1.id());
        Self { pid1, cgroup }
    }

    pub fn go(&mut self) {
        self.pid1.tell();
    }

    pub fn ready(&self) {
        within_10_s("it sleeps and takes its signals", || self.pid1.is_ready().then_some(()));
    }

    /// Starts another program in the pod.
    pub fn start_beside(&self, program: Command) -> Process {
        let mut process = self.pid1.start_inside(gated("", &program));
        wait_at_gate(&process);
        self.cgroup.rest.admit(process.id());
        process.tell();
        process
    }

    /// Makes `batches` times `size` orphans, one batch after the other.
    pub fn orphans(&self, batches: usize, size: usize) {
        self.made(self.start_beside(orphans::batches(batches, size)));
    }

    /// Waits for the end of what [`orphans::batches`] started.
    pub fn made(&self, orphans: Process) {
        let end = orphans.end_within(1200);
        assert!(!end.stderr.contains("fork"), "fork refused, {} zombies", self.pid1.zombies());
        assert!(end == End::silent(0), "{end:?}");
    }

    /// It works: an orphan goes, and SIGTERM ends it.
    pub fn works_and_stops(self) {
        self.orphans(2, 5);
        self.pid1.without_children();
        self.stops();
    }

    /// SIGTERM ends it, with 0.
    pub fn stops(self) {
        let code = self.pid1.terminate().code;
        assert!(code == Some(0), "SIGTERM: exit code {code:?}");
    }
}
