//! A program that is executed one instruction at a time with ptrace(2). Only the thread that started it can trace it.

use std::fs;
use std::process::Command;
use std::thread;

use kit::calls;
use kit::gate::{gated, wait_at_gate};
use kit::process::Process;
use kit::wait::within_10_s;
use nix::libc;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// The call in which a program sleeps until a signal arrives, as /proc/PID/syscall shows it: `pause`, or `ppoll`
/// without descriptors.
pub const SLEEP: i64 = calls::PAUSE;

/// [`Process::pid1`] or [`Process::start`].
pub type Start = fn(Command) -> Process;

/// A program that is traced until [`Tracee::let_go`]. Dropping it kills it.
pub struct Tracee {
    pub process: Process,
}

/// Where the program stopped, or why it did not.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub enum Stop {
    /// After an instruction, or at the first one of a handler.
    Step,
    /// Before a signal is delivered.
    Signal(Signal),
    /// While it ends.
    Exit,
    /// It sleeps.
    Asleep,
}

impl Tracee {
    /// Starts `program` with `start`, and stops it just before its `execve` returns. If it has arguments, the last one
    /// names the program that it executes, and that one is stopped. The shell that executes `program` first runs the
    /// commands `before`. `options` are added to those of ptrace.
    pub fn start(start: Start, before: &str, program: &Command, options: Options) -> Self {
        let mut process = start(gated(before, program));
        wait_at_gate(&process);
        let options = options | Options::PTRACE_O_TRACEEXEC | Options::PTRACE_O_TRACESYSGOOD;
        ptrace::seize(Pid::from_raw(process.id()), options).expect("it can be traced");
        process.tell();
        let tracee = Self { process };
        assert_eq!(tracee.stop(), Stop::Step, "it executes");
        let program = program.get_args().last().unwrap_or(program.get_program());
        let program = fs::canonicalize(program).expect("a file");
        while fs::read_link(format!("/proc/{}/exe", tracee.process.id())).expect("it lives") != program {
            ptrace::cont(tracee.pid(), None).expect("it goes on");
            assert_eq!(tracee.stop(), Stop::Step, "it executes what is last");
        }
        tracee
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.process.id())
    }

    /// Makes `count` steps. On ppc64le, it makes fewer if the program sleeps first: where pause has a child, `wait4`
    /// returns a different value than in the survey, and the rest of the path is one instruction shorter.
    pub fn steps(&self, count: usize) {
        for _ in 0..count {
            let stop = if cfg!(target_arch = "powerpc64") { self.step_or_sleep() } else { self.step(None) };
            if stop == Stop::Asleep {
                self.wake();
                return;
            }
            assert_eq!(stop, Stop::Step);
        }
    }

    /// Makes one step, in which the program does not sleep. `signal` is delivered to it first.
    pub fn step(&self, signal: Option<Signal>) -> Stop {
        ptrace::step(self.pid(), signal).expect("it steps");
        self.stop()
    }

    /// Makes one step, in which the program may sleep.
    pub fn step_or_sleep(&self) -> Stop {
        ptrace::step(self.pid(), None).expect("it steps");
        self.wait()
    }

    /// Lets it run to the start or the return of a system call.
    pub fn to_call(&self) -> Stop {
        ptrace::syscall(self.pid(), None).expect("it goes on");
        self.wait()
    }

    /// Delivers `signal` and lets it run until it sleeps.
    pub fn to_sleep(&self, signal: Option<Signal>) {
        ptrace::cont(self.pid(), signal).expect("it goes on");
        assert_eq!(self.wait(), Stop::Asleep);
    }

    /// Stops it again where it is, so that it no longer steps.
    pub fn interrupt(&self) {
        ptrace::interrupt(self.pid()).expect("it is stopped");
        ptrace::cont(self.pid(), None).expect("it goes on");
        assert_eq!(self.stop(), Stop::Step);
    }

    /// Stops it where it sleeps.
    fn wake(&self) {
        ptrace::interrupt(self.pid()).expect("it lives");
        assert_eq!(self.stop(), Stop::Step);
    }

    /// Waits until it stops. Only for a program that cannot sleep first.
    pub fn stop(&self) -> Stop {
        stop_of(waitpid(self.pid(), Some(WaitPidFlag::__WALL)).expect("its state")).expect("it has stopped")
    }

    fn wait(&self) -> Stop {
        let look =
            || stop_of(waitpid(self.pid(), Some(WaitPidFlag::WNOHANG | WaitPidFlag::__WALL)).expect("its state"));
        for _ in 0..20 {
            if let Some(stop) = look() {
                return stop;
            }
            thread::yield_now();
        }
        within_10_s("it stops or sleeps", || look().or_else(|| is_asleep(&self.process).then_some(Stop::Asleep)))
    }

    /// Returns the program counter.
    pub fn pc(&self) -> u64 {
        let call = self.process.call();
        hex(call.split_whitespace().last().expect("the program counter"))
    }

    /// Returns the address at which its file is mapped: that of the first mapping whose name is a path.
    pub fn base(&self) -> u64 {
        let maps = fs::read_to_string(format!("/proc/{}/maps", self.process.id())).expect("it lives");
        let first = maps.lines().find(|line| line.contains(" /")).expect("its file");
        hex(first.split('-').next().expect("an address"))
    }

    /// Lets it continue untraced; if it sleeps, it must be stopped first. If SIGKILL has already ended it, the error is
    /// ignored.
    pub fn let_go(self) -> Process {
        if is_asleep(&self.process) {
            self.wake();
        }
        _ = ptrace::detach(self.pid(), None);
        self.process
    }
}

fn stop_of(status: WaitStatus) -> Option<Stop> {
    match status {
        WaitStatus::StillAlive => None,
        WaitStatus::PtraceEvent(_, _, libc::PTRACE_EVENT_EXIT) => Some(Stop::Exit),
        WaitStatus::PtraceEvent(..) | WaitStatus::PtraceSyscall(_) | WaitStatus::Stopped(_, Signal::SIGTRAP) => {
            Some(Stop::Step)
        }
        WaitStatus::Stopped(_, signal) => Some(Stop::Signal(signal)),
        other => panic!("{other:?}"),
    }
}

fn hex(text: &str) -> u64 {
    u64::from_str_radix(text.trim_start_matches("0x"), 16).expect("an address")
}

/// Returns whether it sleeps and no signal is pending. The order matters: a signal that was sent earlier and is no
/// longer pending has already taken it out of the call.
pub fn is_asleep(process: &Process) -> bool {
    let status = process.status();
    let pending = (status.shdpnd | status.sigpnd) & !status.sigblk;
    // `ppoll` without descriptors; `pause` has no arguments, so the first one that is shown is arbitrary.
    let sleeps = if calls::ONLY_PPOLL { format!("{SLEEP} 0x0 ") } else { format!("{SLEEP} ") };
    pending == 0 && status.state.starts_with('S') && process.call().starts_with(&sleeps)
}
