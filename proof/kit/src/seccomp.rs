//! Seccomp filters that refuse some system calls or allow only some, and programs under them.

use std::process::Command;

use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::Signal;
pub use seccompiler::BpfProgram as Filter;
use seccompiler::{SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule};

use crate::process::command;

/// Makes a filter that refuses to install a handler for `signal`, but allows querying the present one.
pub fn refuse_sigaction(signal: Signal) -> Filter {
    let signal = condition(0, SeccompCmpOp::Eq, signal as u64);
    let handler = condition(1, SeccompCmpOp::Ne, 0);
    let rule = SeccompRule::new(vec![signal, handler]).expect("right");
    refuse(Errno::EPERM, [(libc::SYS_rt_sigaction, vec![rule])])
}

/// Makes a rule that matches a call if its argument at `index` is `value`.
pub fn argument(index: u8, value: u64) -> SeccompRule {
    SeccompRule::new(vec![condition(index, SeccompCmpOp::Eq, value)]).expect("right")
}

/// Makes a filter that refuses each of `calls` with `errno` if one of its rules matches, or always if it has none.
pub fn refuse(errno: Errno, calls: impl IntoIterator<Item = (i64, Vec<SeccompRule>)>) -> Filter {
    compiled(calls, SeccompAction::Allow, SeccompAction::Errno(errno as u32))
}

/// Makes a command that runs `start` under `filter`. A thread of this process cannot apply the filter: it would have to
/// end under it, and the filter may refuse `exit`.
pub fn under(filter: &Filter, start: Command) -> Command {
    // struct sock_filter and struct sock_fprog, in linux/filter.h
    let steps = filter.iter().flat_map(|step| {
        let ([code_0, code_1], [k_0, k_1, k_2, k_3]) = (step.code.to_ne_bytes(), step.k.to_ne_bytes());
        [code_0, code_1, step.jt, step.jf, k_0, k_1, k_2, k_3]
    });
    let steps = hex::encode(steps.collect::<Vec<u8>>());
    let script = r#"
        my ($seccomp, $set, $steps) = (shift() + 0, shift() + 0, pack "H*", shift);
        my $filter = pack "S x!8 P", length($steps) / 8, $steps;
        syscall($seccomp, $set, 0, $filter) == 0 or die "seccomp: $!";
        exec {$ARGV[0]} @ARGV or die "$ARGV[0]: $!";"#;
    let mut perl = command(["perl", "-e", script]);
    perl.arg(libc::SYS_seccomp.to_string()).arg(libc::SECCOMP_SET_MODE_FILTER.to_string()).arg(steps);
    perl.arg(start.get_program()).args(start.get_args());
    perl
}

/// Makes a filter that kills a process that makes any other system call.
pub fn allow_only(numbers: impl IntoIterator<Item = i64>) -> Filter {
    compiled(numbers.into_iter().map(|number| (number, vec![])), SeccompAction::KillProcess, SeccompAction::Allow)
}

/// Puts this thread, and what it starts from then on, under the filter, without allocating memory.
pub fn apply(filter: &Filter) {
    seccompiler::apply_filter(filter).expect("a seccomp filter");
}

fn condition(index: u8, operator: SeccompCmpOp, value: u64) -> SeccompCondition {
    SeccompCondition::new(index, SeccompCmpArgLen::Qword, operator, value).expect("right")
}

fn compiled(
    rules: impl IntoIterator<Item = (i64, Vec<SeccompRule>)>,
    otherwise: SeccompAction,
    when_one_holds: SeccompAction,
) -> Filter {
    let host = std::env::consts::ARCH.try_into().expect("an architecture of seccompiler");
    let rules = rules.into_iter().collect();
    let filter = SeccompFilter::new(rules, otherwise, when_one_holds, host).expect("right");
    filter.try_into().expect("a filter that can be compiled")
}
