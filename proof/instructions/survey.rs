//! What is known about a program before the trials: each of its instructions from `execve` until it sleeps, and its
//! state there.

use std::path::Path;

use kit::process::command;
use nix::sys::ptrace::Options;

use crate::model::{CALLS, Expected, State};
use crate::tracee::{Start, Stop, Tracee};

/// The length of the instruction that makes a system call, in bytes.
const ENTER: u64 = if cfg!(target_arch = "x86_64") { 2 } else { 4 };

/// The path of a program from `execve` to sleep.
pub struct Survey {
    /// Indexed by the number of steps from `execve`.
    pub spots: Vec<Spot>,
    /// The system calls that it makes after `execve`.
    pub calls: Vec<Call>,
}

/// Where the program is after a step.
pub struct Spot {
    /// How many instructions the program has executed.
    pub executed: usize,
    /// The address of the next instruction in its file.
    pub address: u64,
    /// How many system calls have returned.
    pub returned: usize,
}

/// A system call.
pub struct Call {
    pub number: i64,
    /// The first argument.
    pub argument: i32,
    /// The address of the instruction that it returns to; 0 if it does not return.
    pub address: u64,
}

impl Survey {
    pub fn of(start: Start, program: &Path) -> Self {
        let calls = Self::calls_of(start, program);
        let tracee = Tracee::start(start, "", &command([program]), Options::PTRACE_O_EXITKILL);
        let base = tracee.base();
        let mut spots = vec![Spot { executed: 0, address: tracee.pc() - base, returned: 0 }];
        while tracee.step_or_sleep() == Stop::Step {
            let last = spots.last().expect("a spot");
            let address = tracee.pc() - base;
            // The first step may only end `execve`. After a system call, arm64 stops twice, and ppc64le stops only
            // after the next instruction.
            let executed = last.executed + usize::from(address != last.address);
            let from_call = calls.get(last.returned).is_some_and(|call| last.address + ENTER == call.address);
            let returns = address != last.address && from_call;
            spots.push(Spot { executed, address, returned: last.returned + usize::from(returns) });
        }
        Self { spots, calls }
    }

    /// Records only the system calls of [`Survey::of`].
    pub fn calls_of(start: Start, program: &Path) -> Vec<Call> {
        let tracee = Tracee::start(start, "", &command([program]), Options::PTRACE_O_EXITKILL);
        let base = tracee.base();
        // The end of `execve`.
        assert_eq!(tracee.to_call(), Stop::Step);
        let mut calls = Vec::new();
        while tracee.to_call() == Stop::Step {
            let call = tracee.process.call();
            let words: Vec<&str> = call.split_whitespace().collect();
            let number = words[0].parse().expect("a number");
            let argument =
                i64::from_str_radix(words[1].trim_start_matches("0x"), 16).map_or(-1, |argument| argument as i32);
            let returns = tracee.to_call() == Stop::Step;
            let address = if returns { tracee.pc() - base } else { 0 };
            calls.push(Call { number, argument, address });
            if !returns {
                break;
            }
        }
        calls
    }

    /// Returns the state of pause there, as PID 1. Each state ends when a system call returns.
    pub fn state(&self, spot: &Spot) -> State {
        CALLS[spot.returned.min(CALLS.len() - 1)].0
    }

    /// Returns how its system calls differ from the model's; empty if they are the same.
    pub fn differences(&self, model: &[Expected]) -> Vec<String> {
        let all = 0..self.calls.len().max(model.len());
        let differences = all.filter_map(|at| {
            let expected = model.get(at).map(|&(_, number, argument)| (number, argument));
            let found = self.calls.get(at);
            let right = found.zip(expected).is_some_and(|(found, (number, argument))| {
                found.number == number && argument.is_none_or(|argument| found.argument == argument)
            });
            let show = |call: &Call| format!("{}({}) before +{:#x}", call.number, call.argument, call.address);
            (!right).then(|| format!("system call {}: {:?}, not {expected:?}", at + 1, found.map(show)))
        });
        differences.collect()
    }
}
