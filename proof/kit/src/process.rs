//! Starts a program, with or without a new PID namespace, watches it, and ends it.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::thread;

use nix::libc;
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use procfs::process::Status;

use crate::wait::{within, within_10_s};

/// Makes a command of these words, with all its output in pipes and no input.
pub fn command(words: impl IntoIterator<Item: AsRef<OsStr>>) -> Command {
    let mut words = words.into_iter();
    let mut command = Command::new(words.next().expect("a program"));
    command.args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Makes such a command for a test of what a signal does by default: a program inherits which signals are ignored, and
/// whoever runs the tests may ignore some, as `nohup` and the `&` of a script do.
pub fn command_with_default_signals(words: impl IntoIterator<Item: AsRef<OsStr>>) -> Command {
    let mut command = command(["env", "--default-signal"]);
    command.args(words);
    command
}

/// Runs `command` to its end, without a new PID namespace.
pub fn run(mut command: Command) -> End {
    Process { child: command.spawn().expect("the program starts") }.end()
}

/// A program that was started. Dropping this kills it.
pub struct Process {
    child: Child,
}

/// How a program ended.
#[derive(Debug, PartialEq, Eq)]
pub struct End {
    /// Its exit code; None if a signal killed it.
    pub code: Option<i32>,
    /// What it printed on stdout.
    pub stdout: String,
    /// What it printed on stderr.
    pub stderr: String,
}

impl End {
    /// Makes an end with this exit code and no output.
    pub fn silent(code: i32) -> Self {
        Self { code: Some(code), stdout: String::new(), stderr: String::new() }
    }

    /// Makes an end with this exit code and this text on stderr.
    pub fn saying(code: i32, stderr: &str) -> Self {
        Self { stderr: stderr.to_owned(), ..Self::silent(code) }
    }
}

impl Process {
    /// Starts `command` without a new PID namespace.
    pub fn start(mut command: Command) -> Self {
        Self { child: command.spawn().expect("the program starts") }
    }

    /// Starts `command` as PID 1 of a new PID namespace.
    pub fn pid1(mut command: Command) -> Self {
        // It affects only this thread's children.
        let start = || {
            unshare(CloneFlags::CLONE_NEWPID).expect("a PID namespace");
            command.spawn().expect("the program starts")
        };
        Self { child: thread::scope(|scope| scope.spawn(start).join()).expect("no panic") }
    }

    /// Waits until [`Self::is_ready`].
    pub fn ready(self) -> Self {
        within_10_s("it sleeps and takes its signals", || self.is_ready().then_some(()));
        self
    }

    /// Returns whether [`is_ready`] holds for it.
    pub fn is_ready(&self) -> bool {
        is_ready(&self.status())
    }

    /// Returns whether it and its children sleep.
    pub fn is_asleep(&self) -> bool {
        let sleeps = |pid: &String| state(pid) == Some('S');
        sleeps(&self.id().to_string()) && self.children().iter().all(sleeps)
    }

    /// Returns whether a SIGTERM that has been sent ends it with status 0; false if it sleeps on.
    pub fn is_ended_by_sigterm(&mut self) -> bool {
        let mut seen = 0;
        within_10_s("it ends or sleeps", || {
            if let Some(code) = self.code_if_over() {
                return Some(code == Some(0));
            }
            let status = self.status();
            let pending = status.shdpnd & bit(Signal::SIGTERM) != 0;
            // While it ends, the first process of a namespace may sleep until the others are gone
            // (`zap_pid_ns_processes`).
            let ends = self.call().starts_with(&format!("{} ", libc::SYS_exit_group));
            seen = if status.state.starts_with('S') && !pending && !ends { seen + 1 } else { 0 };
            (seen == 3).then_some(false)
        })
    }

    /// Waits until it is ready; returns false if it ends first.
    pub fn starts(&mut self) -> bool {
        within_10_s("it starts or ends", || match self.is_over() {
            true => Some(false),
            false => self.is_ready().then_some(true),
        })
    }

    /// Returns its PID in this process's PID namespace.
    pub fn id(&self) -> i32 {
        self.child.id() as i32
    }

    /// Returns /proc/PID/status.
    pub fn status(&self) -> Status {
        procfs::process::Process::new(self.id()).and_then(|process| process.status()).expect("/proc/PID/status")
    }

    /// Returns /proc/PID/syscall: the number and the arguments of the system call that it is in, or -1; then the stack
    /// pointer and the program counter. While it is running, `running`; nothing when it has ended.
    pub fn call(&self) -> String {
        fs::read_to_string(format!("/proc/{}/syscall", self.id())).unwrap_or_default()
    }

    /// Returns the number of its context switches.
    pub fn context_switches(&self) -> u64 {
        let status = self.status();
        status.voluntary_ctxt_switches.expect("a count") + status.nonvoluntary_ctxt_switches.expect("a count")
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.id()), signal).expect("the signal is sent");
    }

    /// Stops it, and waits until it has stopped.
    pub fn stop(&self) {
        self.signal(Signal::SIGSTOP);
        within_10_s("it is stopped", || self.status().state.starts_with('T').then_some(()));
    }

    /// Returns whether it has ended.
    pub fn is_over(&mut self) -> bool {
        self.code_if_over().is_some()
    }

    /// Returns its exit code if it has ended, or None if a signal killed it.
    pub fn code_if_over(&mut self) -> Option<Option<i32>> {
        self.child.try_wait().expect("its status").map(|status| status.code())
    }

    /// Returns its status if it has ended, as a shell reports it: the exit code, or 128 plus the number of the signal.
    pub fn status_if_over(&mut self) -> Option<i32> {
        let status = self.child.try_wait().expect("its status")?;
        status.code().or_else(|| Some(128 + status.signal()?))
    }

    /// Waits for its end, at most 10 s, and reads its output.
    pub fn end(self) -> End {
        self.end_within(10)
    }

    /// Waits longer than [`Self::end`], for programs that take longer.
    pub fn end_within(mut self, seconds: u64) -> End {
        let mut end = End::silent(0);
        end.code = within(seconds, "it ends", || self.child.try_wait().expect("its status")).code();
        if let Some(mut stdout) = self.child.stdout.take() {
            stdout.read_to_string(&mut end.stdout).expect("text");
        }
        if let Some(mut stderr) = self.child.stderr.take() {
            stderr.read_to_string(&mut end.stderr).expect("text");
        }
        end
    }

    /// Sends SIGTERM, then calls [`Self::end`].
    pub fn terminate(self) -> End {
        self.signal(Signal::SIGTERM);
        self.end()
    }

    /// Writes a line to its stdin.
    pub fn tell(&mut self) {
        self.child.stdin.as_mut().expect("a pipe").write_all(b"\n").expect("it reads");
    }

    /// Runs `command` in its PID namespace to its end.
    pub fn inside(&self, command: Command) -> End {
        self.start_inside(command).end_within(60)
    }

    /// Starts `command` in its PID namespace. Its parent is outside, as with processes that an engine starts by exec.
    pub fn start_inside(&self, mut command: Command) -> Self {
        let namespace = File::open(format!("/proc/{}/ns/pid", self.id())).expect("it lives");
        let start = || {
            setns(namespace, CloneFlags::CLONE_NEWPID).expect("its PID namespace");
            command.spawn().expect("the program starts")
        };
        Self { child: thread::scope(|scope| scope.spawn(start).join()).expect("no panic") }
    }

    /// Counts its children that have died and have not been reaped.
    pub fn zombies(&self) -> usize {
        self.children().iter().filter(|pid| state(pid) == Some('Z')).count()
    }

    /// Waits until it has no child, alive or dead.
    pub fn without_children(&self) {
        within_10_s("all children are gone", || self.children().is_empty().then_some(()));
    }

    /// Waits until every child is a zombie; returns their number.
    pub fn only_zombies(&self) -> usize {
        within_10_s("all children are dead", || {
            let children = self.children();
            children.iter().all(|pid| state(pid) == Some('Z')).then_some(children.len())
        })
    }

    /// Returns its children, alive or dead.
    pub fn children(&self) -> Vec<String> {
        let list = fs::read_to_string(format!("/proc/{0}/task/{0}/children", self.id())).expect("it lives");
        list.split_whitespace().map(str::to_owned).collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// Returns whether a process sleeps and takes SIGTERM, SIGINT and SIGCHLD: it handles them, or blocks and awaits them.
/// (pause ignores SIGCHLD after the first.)
pub fn is_ready(status: &Status) -> bool {
    let taken = status.sigcgt | status.sigblk;
    let all = [(Signal::SIGTERM, taken), (Signal::SIGINT, taken), (Signal::SIGCHLD, taken | status.sigign)];
    status.state.starts_with('S') && all.into_iter().all(|(signal, taken)| taken & bit(signal) != 0)
}

/// Returns the bit of a signal in the masks of /proc/PID/status.
pub fn bit(signal: Signal) -> u64 {
    1 << (signal as u64 - 1)
}

/// Returns the state in /proc/PID/stat; None if the process is gone.
pub fn state(pid: &str) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}
