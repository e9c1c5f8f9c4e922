//! A program that is executed one instruction at a time, by ptrace(2). Only the thread that started it can trace it.

use std::fs;
use std::process::Command;
use std::thread;

use kit::gate::{gated, wait_at_gate};
use kit::process::Process;
use kit::wait::within_10_s;
use nix::libc;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// The call in which a program sleeps until a signal comes, as /proc/PID/syscall shows it: `pause`, or `ppoll` of
/// nothing.
#[cfg(not(any(target_arch = "aarch64", target_arch = "loongarch64", target_arch = "riscv64")))]
pub const SLEEP: i64 = libc::SYS_pause;
#[cfg(any(target_arch = "aarch64", target_arch = "loongarch64", target_arch = "riscv64"))]
pub const SLEEP: i64 = libc::SYS_ppoll;

/// A program that is PID 1 of a PID namespace, traced until it is let go. Killed when this goes.
pub struct Tracee {
    pub process: Process,
}

/// Where it stopped, or why it did not.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub enum Stop {
    /// After an instruction, or at the first one of a handler.
    Step,
    /// Before a signal is delivered.
    Signal(Signal),
    /// In its end.
    Exit,
    /// It sleeps.
    Asleep,
}

impl Tracee {
    /// Starts `program`, and stops it in `execve`, from which it is about to return; what its last argument names, if
    /// it has one. The shell that executes it runs the commands `before` first. `options`: more of ptrace's.
    pub fn start(before: &str, program: &Command, options: Options) -> Self {
        let mut process = Process::pid1(gated(before, program));
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

    /// Lets it make `count` steps, none of which sleeps.
    pub fn steps(&self, count: usize) {
        (0..count).for_each(|_| assert_eq!(self.step(None), Stop::Step));
    }

    /// Lets it make one step, on which `signal` is delivered to it, and which does not sleep.
    pub fn step(&self, signal: Option<Signal>) -> Stop {
        ptrace::step(self.pid(), signal).expect("it steps");
        self.stop()
    }

    /// Lets it make one step, which may sleep.
    pub fn step_or_sleep(&self) -> Stop {
        ptrace::step(self.pid(), None).expect("it steps");
        self.wait()
    }

    /// Lets it run to the start or the end of a system call.
    pub fn to_call(&self) -> Stop {
        ptrace::syscall(self.pid(), None).expect("it goes on");
        self.wait()
    }

    /// Delivers `signal` and lets it run until it sleeps.
    pub fn to_sleep(&self, signal: Option<Signal>) {
        ptrace::cont(self.pid(), signal).expect("it goes on");
        assert_eq!(self.wait(), Stop::Asleep);
    }

    /// Stops it anew where it is, so that it is not stepping any more.
    pub fn interrupt(&self) {
        ptrace::interrupt(self.pid()).expect("it is stopped");
        ptrace::cont(self.pid(), None).expect("it goes on");
        assert_eq!(self.stop(), Stop::Step);
    }

    /// Waits until it stops, which it is bound to do.
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

    /// Where it is: the program counter.
    pub fn pc(&self) -> u64 {
        let call = self.process.call();
        hex(call.split_whitespace().last().expect("the program counter"))
    }

    /// Where its file is mapped, which is the first mapping with a name that is a path.
    pub fn base(&self) -> u64 {
        let maps = fs::read_to_string(format!("/proc/{}/maps", self.process.id())).expect("it lives");
        let first = maps.lines().find(|line| line.contains(" /")).expect("its file");
        hex(first.split('-').next().expect("an address"))
    }

    /// Lets it go on untraced, for which one that sleeps is stopped. One that SIGKILL has ended meanwhile is gone
    /// already.
    pub fn let_go(self) -> Process {
        if is_asleep(&self.process) {
            ptrace::interrupt(self.pid()).expect("it lives");
            assert_eq!(self.stop(), Stop::Step);
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

/// Whether it sleeps, and no signal is on its way to it. In this order: a signal that was sent before and is not
/// pending any more has taken it out of the call.
pub fn is_asleep(process: &Process) -> bool {
    let status = process.status();
    let pending = (status.shdpnd | status.sigpnd) & !status.sigblk;
    // `ppoll` of nothing; the first argument of `pause` is chance.
    let sleeps = if SLEEP == libc::SYS_ppoll { format!("{SLEEP} 0x0 ") } else { format!("{SLEEP} ") };
    pending == 0 && status.state.starts_with('S') && process.call().starts_with(&sleeps)
}
