//! Traces a start with ptrace(2), which gives exact counts, whatever else the machine does.

use std::fs;
use std::process::Stdio;

use anyhow::{Result, bail};
use figures::samples::Samples;
use kit::process::{Process, state};
use kit::wait::within_10_s;
use nix::libc::SYS_execve;
use nix::sys::ptrace;
use nix::sys::ptrace::Options;
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::measure::start_with;
use crate::subjects::Subject;

/// Counts system calls of PID 1, without the one in which it sleeps, and page faults, from the end of `execve` until it
/// sleeps.
pub fn calls(subject: &Subject, samples: &mut Samples) -> Result<()> {
    let process = at_execve(subject)?;
    let before = faults(&process);
    // It stops at the end of execve, twice for each call, and at the start of the last.
    samples.system_calls.push((stops(&process, ptrace::syscall)? - 2) / 2);
    samples.start_faults.push(faults(&process) - before);
    Ok(())
}

/// Counts instructions of PID 1, outside the kernel, until it sleeps. A repeated instruction counts each time.
pub fn instructions(subject: &Subject, samples: &mut Samples) -> Result<()> {
    let process = at_execve(subject)?;
    // The first stop is the end of execve.
    samples.instructions.push(stops(&process, ptrace::step)? - 1);
    Ok(())
}

/// Starts PID 1 of a new namespace, and stops it as it enters `execve` of the program.
fn at_execve(Subject { peer, .. }: &Subject) -> Result<Process> {
    let mut process = Process::pid1(start_with("read line; exec \"$@\"", "sh", peer, Stdio::piped()));
    within_10_s("the shell waits", || (state(&process.id().to_string()) == Some('S')).then_some(()));
    let pid = pid(&process);
    ptrace::seize(pid, Options::PTRACE_O_TRACESYSGOOD | Options::PTRACE_O_TRACEEXEC | Options::PTRACE_O_EXITKILL)?;
    ptrace::interrupt(pid)?;
    waitpid(pid, None)?;
    process.tell();
    loop {
        ptrace::syscall(pid, None)?;
        if let WaitStatus::Exited(..) | WaitStatus::Signaled(..) = waitpid(pid, None)? {
            bail!("{} did not start", peer.name);
        }
        let call = fs::read_to_string(format!("/proc/{pid}/syscall"))?;
        if call.split(' ').next() == Some(&SYS_execve.to_string()) {
            return Ok(process);
        }
    }
}

/// Counts how often the process stops until it sleeps, if `resume` continues it after each stop.
fn stops(process: &Process, resume: fn(Pid, Option<Signal>) -> nix::Result<()>) -> Result<u64> {
    let pid = pid(process);
    let mut stops = 0;
    resume(pid, None)?;
    loop {
        match waitpid(pid, Some(WaitPidFlag::WNOHANG))? {
            WaitStatus::StillAlive if process.is_asleep() => return Ok(stops),
            WaitStatus::StillAlive => {}
            WaitStatus::PtraceSyscall(_) | WaitStatus::Stopped(_, Signal::SIGTRAP) => {
                stops += 1;
                resume(pid, None)?;
            }
            WaitStatus::Stopped(_, signal) => resume(pid, Some(signal))?,
            WaitStatus::PtraceEvent(..) => resume(pid, None)?,
            end => bail!("it does not sleep: {end:?}"),
        }
    }
}

fn pid(process: &Process) -> Pid {
    Pid::from_raw(process.id())
}

fn faults(process: &Process) -> u64 {
    let stat = procfs::process::Process::new(process.id()).and_then(|process| process.stat());
    stat.map(|stat| stat.minflt + stat.majflt).unwrap_or(0)
}
