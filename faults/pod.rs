//! A pod for a trial: a program as PID 1 of a PID namespace, alone in a cgroup, and others beside it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use nix::libc;
use nix::sys::signal::Signal;

use crate::cgroup::Cgroup;
use crate::skip;
use crate::support::{self, End, Process, bit, command, within_10_s};

/// A program that can hold a pod.
pub struct Peer {
    pub name: &'static str,
    pub words: Vec<PathBuf>,
}

/// Ours first, then those that are here.
pub fn peers() -> Vec<Peer> {
    let mut peers = vec![Peer { name: "ours", words: vec![support::ours().to_owned()] }];
    if let Some(upstream) = support::upstream() {
        peers.push(Peer { name: "upstream", words: vec![upstream] });
    }
    if skip::has("catatonit") {
        let paths = env::var_os("PATH").unwrap_or_default();
        let file = env::split_paths(&paths).map(|path| path.join("catatonit")).find(|file| file.exists());
        peers.push(Peer { name: "catatonit -P", words: vec![file.expect("it is there"), "-P".into()] });
    }
    peers
}

impl Peer {
    pub fn is_ours(&self) -> bool {
        self.name == "ours"
    }

    pub fn command(&self) -> Command {
        command(&self.words)
    }
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
        let pid1 = Process::pid1(gated(program));
        let namespace = |pid: &str| fs::read_link(format!("/proc/{pid}/ns/pid")).expect("a namespace");
        assert_ne!(namespace(&pid1.id().to_string()), namespace("self"), "in the harness's PID namespace");
        Self::around(pid1, cgroup)
    }

    /// The same without a PID namespace of its own.
    pub fn prepare_not_pid_1(program: Command) -> Self {
        Self::around(Process::start(gated(program)), Cgroup::new())
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
        within_10_s("it sleeps and takes SIGTERM", || is_ready(&self.pid1).then_some(()));
    }

    /// Starts another program in the pod.
    pub fn start_beside(&self, program: Command) -> Process {
        let mut process = self.pid1.start_inside(gated(program));
        wait_at_gate(&process);
        self.cgroup.rest.admit(process.id());
        process.tell();
        process
    }

    /// Makes `batches` times `size` orphans, one batch after the other.
    pub fn orphans(&self, batches: usize, size: usize) {
        self.made(self.start_beside(support::orphans(batches, size)));
    }

    /// Waits for the end of what [`support::orphans`] started.
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

/// Whether SIGTERM, which has been sent, ends `process` with 0, or is lost on it.
pub fn ended_by_sigterm(process: &mut Process) -> bool {
    let mut seen = 0;
    within_10_s("it ends or sleeps", || {
        if let Some(code) = process.code_if_over() {
            return Some(code == Some(0));
        }
        let pending = process.status().shdpnd & bit(Signal::SIGTERM) != 0;
        seen = if is_ready(process) && !pending { seen + 1 } else { 0 };
        (seen == 3).then_some(false)
    })
}

/// Whether it sleeps, and takes SIGTERM by a handler or by waiting for it.
pub fn is_ready(process: &Process) -> bool {
    let status = process.status();
    status.state.starts_with('S') && (status.sigcgt | status.sigblk) & bit(Signal::SIGTERM) != 0
}

/// Until it reads its stdin: no part of the exec of the gate itself is still to come.
fn wait_at_gate(process: &Process) {
    let reads = format!("{} 0x0 ", libc::SYS_read);
    within_10_s("the gate waits", || {
        let call = fs::read_to_string(format!("/proc/{}/syscall", process.id())).expect("it lives");
        call.starts_with(&reads).then_some(())
    });
}

/// `program`, but the exec only when it is told; if this process dies before, never.
fn gated(program: Command) -> Command {
    let mut gate = command([Path::new("sh"), Path::new("-c"), Path::new(r#"read go && exec "$@""#), Path::new("sh")]);
    gate.arg(program.get_program()).args(program.get_args()).stdin(Stdio::piped());
    gate
}
