//! Odd states in which pause may be started: what it inherits, what limits it. (refusals.rs refuses system calls.)

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};

use kit::messages::{TERMINATED, WARNING};
use kit::peers::ours;
use kit::process::{End, Process, bit, command, run};
use kit::skip::has_namespaces;
use kit::wait::within_10_s;
use nix::libc;
use nix::sys::signal::Signal;

#[test]
fn inherited_blocked_and_ignored_signals() {
    if !has_namespaces() {
        return;
    }
    for inherited in ["--block-signal", "--ignore-signal"] {
        let process = Process::pid1(start(&["env", inherited])).ready();
        assert_eq!(process.status().sigblk, 0, "{inherited}");
        process.orphans(1, 10);
        process.without_children();
        assert_eq!(process.terminate(), End::saying(0, TERMINATED), "{inherited}");
    }
}

/// Proves that `env --block-signal` passes the mask on, to a program that does not touch it.
#[test]
fn control_a_blocked_mask_survives_exec() {
    let mask = run(command(["env", "--block-signal=TERM", "sed", "-n", "s/^SigBlk:.//p", "/proc/self/status"]));
    let mask = u64::from_str_radix(mask.stdout.trim(), 16).expect("a mask");
    assert_eq!(mask, bit(Signal::SIGTERM));
}

#[test]
fn zombies_that_predate_exec_whatever_their_exit_signal() {
    for signal in [libc::SIGCHLD, libc::SIGUSR1, 0] {
        if let Some(process) = after_zombies(ours(), signal) {
            process.without_children();
            assert_eq!(process.terminate().code, Some(0));
        }
    }
}

/// Starts `pause` as a PID 1 that already has five zombies.
pub fn after_zombies(pause: &Path, exit_signal: i32) -> Option<Process> {
    if !has_namespaces() {
        return None;
    }
    // clone's flags are the exit signal alone, and with the other arguments 0 it is fork.
    let script = r#"
        my ($clone, $signal, $pause) = @ARGV;
        $SIG{CHLD} = "DEFAULT";
        for (1 .. 5) {
            my $child = syscall $clone, $signal + 0, 0, 0, 0, 0;
            die $! if $child < 0;
            exec "true" if $child == 0 && $signal == 17; # exec would make the exit signal SIGCHLD
            kill 9, $$ if $child == 0;
            exit if $child == 0;
        }
        <STDIN>;
        exec $pause;"#;
    let mut perl = command(["perl", "-e", script, &libc::SYS_clone.to_string(), &exit_signal.to_string()]);
    perl.arg(pause).stdin(Stdio::piped());
    let mut process = Process::pid1(perl);
    within_10_s("there are five zombies", || (process.zombies() == 5).then_some(()));
    process.tell();
    Some(process.ready())
}

#[test]
fn closed_descriptors() {
    for closed in ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"] {
        let script = format!(r#"exec "$0" {closed}"#);
        let process = Process::start(start(&["sh", "-c", &script])).ready();
        assert_eq!(process.terminate().code, Some(0), "{closed}");
    }
}

#[test]
fn dev_full() {
    let full = || File::options().write(true).open("/dev/full").expect("/dev/full");
    let mut to_full = command([ours()]);
    to_full.stderr(full());
    assert_eq!(Process::start(to_full).ready().terminate(), End::silent(0));
    let mut version = command([ours()]);
    version.arg("-v").stdout(full());
    assert_eq!(run(version), End::silent(0));
}

/// The kernel grants at least the part of the stack that exec has already filled.
#[test]
fn no_data_and_a_stack_of_16_kib() {
    let process = Process::start(start(&["prlimit", "--data=0", "--stack=16384"])).ready();
    assert_eq!(process.terminate(), End::saying(0, &format!("{WARNING}{TERMINATED}")));
}

/// `poll` fails with EINVAL, so nothing is printed.
#[test]
fn no_file_descriptors() {
    let process = Process::start(start(&["prlimit", "--nofile=0"])).ready();
    assert_eq!(process.terminate(), End::silent(0));
}

fn start(wrapper: &[&str]) -> Command {
    let mut start = command(wrapper);
    start.arg(ours());
    start
}
