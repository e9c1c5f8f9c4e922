//! A kernel that allows only the system calls that pause is known to make, and kills a program that makes any other.

use std::ffi::CString;
use std::process::ExitCode;

use kit::cgroup::Cgroup;
use kit::peers::Peer;
use kit::process::command;
use kit::wait::within_10_s;
use kit::{calls, orphans, seccomp};
use nix::libc;
use nix::sys::signal::Signal;
use nix::unistd::execv;

use crate::pod::{OURS, Pod};

/// All calls from its first instruction to its last, with orphans and a message, except `execve`, which the harness
/// makes, and `exit`, which pause makes only if `exit_group` is refused.
const CALLS: &[i64] = &[
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_getpid,
    libc::SYS_wait4,
    calls::PAUSE,
    calls::POLL,
    libc::SYS_write,
    libc::SYS_exit_group,
];

/// Checks that the program lives with the whole list and does not without any one call, so that each is needed.
pub fn allow_list(peer: &Peer) {
    assert!(lives_with(CALLS, peer), "killed");
    if peer.name == OURS {
        for call in CALLS {
            let fewer: Vec<i64> = CALLS.iter().copied().filter(|other| other != call).collect();
            assert!(!lives_with(&fewer, peer), "lives without call {call}");
        }
    }
}

/// Returns whether the program starts, reaps its orphans, and stops.
fn lives_with(calls: &[i64], peer: &Peer) -> bool {
    let calls: Vec<String> = calls.iter().map(i64::to_string).collect();
    let mut start = command([std::env::current_exe().expect("a path")]);
    start.args(["confined", &calls.join(",")]).arg(&peer.program).args(&peer.args);
    let mut pod = Pod::prepare(Cgroup::new(), start);
    pod.go();
    pod.pid1.starts() && {
        let mut orphans = pod.start_beside(orphans::batches(2, 50));
        within_10_s("the orphans or it have ended", || (orphans.is_over() || pod.pid1.is_over()).then_some(()));
        !pod.pid1.is_over() && {
            pod.pid1.without_children();
            pod.pid1.signal(Signal::SIGTERM);
            pod.pid1.is_ended_by_sigterm()
        }
    }
}

/// Executes `program` in this process, with only `calls` (numbers separated by commas) and `execve` allowed.
pub fn confined(calls: &str, program: &[String]) -> ExitCode {
    let calls = calls.split(',').map(|call| call.parse().expect("a number"));
    let filter = seccomp::allow_only(calls.chain([libc::SYS_execve]));
    let words: Vec<CString> = program.iter().map(|word| CString::new(word.as_bytes()).expect("a word")).collect();
    // All memory is allocated before this: from here on, only execve may be called.
    seccomp::apply(&filter);
    _ = execv(&words[0], &words);
    ExitCode::FAILURE
}
