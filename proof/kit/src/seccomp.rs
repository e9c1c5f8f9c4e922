//! Seccomp filters that refuse a system call, or allow no others.

use nix::libc;
use nix::sys::signal::Signal;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};

/// A filter that refuses to install a handler for `signal`; asking for the present one is allowed.
pub fn refuse_sigaction(signal: Signal) -> BpfProgram {
    let argument = |index, op, value| SeccompCondition::new(index, SeccompCmpArgLen::Qword, op, value).expect("right");
    let signal = argument(0, SeccompCmpOp::Eq, signal as u64);
    let handler = argument(1, SeccompCmpOp::Ne, 0);
    refuse(libc::SYS_rt_sigaction, vec![SeccompRule::new(vec![signal, handler]).expect("right")])
}

/// A filter that refuses a system call with EPERM when one of the rules holds, or always if there is none.
pub fn refuse(number: i64, rules: Vec<SeccompRule>) -> BpfProgram {
    compiled([(number, rules)], SeccompAction::Allow, SeccompAction::Errno(libc::EPERM as u32))
}

/// A filter that kills whoever makes another system call than these.
pub fn allow_only(numbers: impl IntoIterator<Item = i64>) -> BpfProgram {
    compiled(numbers.into_iter().map(|number| (number, vec![])), SeccompAction::KillProcess, SeccompAction::Allow)
}

/// From here on this thread, and what it starts, is under the filter. Allocates nothing.
pub fn apply(filter: &BpfProgram) {
    seccompiler::apply_filter(filter).expect("a seccomp filter");
}

fn compiled(
    rules: impl IntoIterator<Item = (i64, Vec<SeccompRule>)>,
    otherwise: SeccompAction,
    when_one_holds: SeccompAction,
) -> BpfProgram {
    let host = std::env::consts::ARCH.try_into().expect("an architecture of seccompiler");
    let rules = rules.into_iter().collect();
    let filter = SeccompFilter::new(rules, otherwise, when_one_holds, host).expect("right");
    filter.try_into().expect("a filter that can be compiled")
}
