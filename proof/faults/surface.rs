//! The kernel allows the system calls that the program is known to make, and kills it at any other.

use std::ffi::CString;
use std::process::ExitCode;

use kit::peers::Peer;
use kit::process::command;
use kit::wait::within_10_s;
use kit::{orphans, seccomp};
use nix::libc;
use nix::sys::signal::Signal;
use nix::unistd::execv;

use crate::pod::{OURS, Pod};

/// From its first instruction to its last, with orphans and a message; `execve` is the harness's own.
/// `exit` is not here: it is called only where `exit_group` is refused.
const CALLS: &[i64] = &[
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_getpid,
    libc::SYS_wait4,
    #[cfg(not(any(target_arch = "aarch64", target_arch = "loongarch64", target_arch = "riscv64")))]
    libc::SYS_pause,
    #[cfg(not(any(target_arch = "aarch64", target_arch = "loongarch64", target_arch = "riscv64")))]
    libc::SYS_poll,
    #[cfg(any(target_arch = "aarch64", target_arch = "loongarch64", target_arch = "riscv64"))]
    libc::SYS_ppoll,
    libc::SYS_write,
    libc::SYS_exit_group,
];

/// With the list it lives; with any one call less it does not, so that none is there for nothing.
pub fn allow_list(peer: &Peer) {
    assert!(lives_with(CALLS, peer), "killed");
    if peer.name == OURS {
        for call in CALLS {
            let fewer: Vec<i64> = CALLS.iter().copied().filter(|other| other != call).collect();
            assert!(!lives_with(&fewer, peer), "lives without call {call}");
        }
    }
}

/// Whether it starts, has its orphans reaped, and stops.
fn lives_with(calls: &[i64], peer: &Peer) -> bool {
    let calls: Vec<String> = calls.iter().map(i64::to_string).collect();
    let mut start = command([std::env::current_exe().expect("a path")]);
    start.args(["confined", &calls.join(",")]).arg(&peer.program).args(&peer.args);
    let mut pod = Pod::prepare(start);
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

/// Becomes `program`, allowed to make `calls` alone, by numbers between commas.
pub fn confined(calls: &str, program: &[String]) -> ExitCode {
    let calls = calls.split(',').map(|call| call.parse().expect("a number"));
    let filter = seccomp::allow_only(calls.chain([libc::SYS_execve]));
    let words: Vec<CString> = program.iter().map(|word| CString::new(word.as_bytes()).expect("a word")).collect();
    // All memory is there: from here to execve there must be no other system call.
    seccomp::apply(&filter);
    _ = execv(&words[0], &words);
    ExitCode::FAILURE
}
