//! The contract: behaviour that ours shares with upstream's pause. Each test runs with both.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::Command;

use kit::messages::{INTERRUPTED, TERMINATED, WARNING, version_said};
use kit::peers::{ours, upstream};
use kit::process::{End, Process, bit, command, command_with_default_signals, run};
use kit::skip::has_namespaces;
use kit::wait::within_10_s;
use nix::sys::signal::Signal;

macro_rules! contract {
    ($($test:ident)*) => {
        mod of_ours { $(#[test] fn $test() { super::$test(super::ours()); })* }
        mod of_upstream { $(#[test] fn $test() { if let Some(pause) = super::upstream() { super::$test(&pause); } })* }
    };
}

contract! {
    v_anywhere_prints_the_version
    other_arguments_are_ignored
    two_thousand_arguments
    no_argument_at_all
    sigterm_and_sigint_end_pid_1_with_a_message
    sigterm_and_sigint_end_it_when_not_pid_1
    warns_when_not_pid_1
    pid_1_is_silent
    one_orphan_then_another
    a_hundred_orphans
    other_signals_do_not_end_pid_1
    other_signals_act_by_default_when_not_pid_1
}

fn v_anywhere_prints_the_version(pause: &Path) {
    let said = match pause == ours() {
        true => version_said(),
        false => End { stdout: "pause.c test\n".to_owned(), ..End::silent(0) },
    };
    for arguments in [&["-v"][..], &["-V"], &["a", "-v"], &["-x", "", "-V", "b"], &["-v", "-V"]] {
        assert_eq!(run(with(pause, arguments)), said, "{arguments:?}");
    }
    if has_namespaces() {
        assert_eq!(Process::pid1(with(pause, &["-v"])).end(), said);
    }
}

fn other_arguments_are_ignored(pause: &Path) {
    let not_utf8 = OsStr::from_bytes(b"\xff\xfe-v");
    let arguments = ["-P", "--v", "-vv", "-", "", "v", "-v ", "--version", "-\u{1f980}"].map(OsStr::new);
    let mut start = command([pause]);
    start.args(arguments).arg(not_utf8);
    assert_eq!(Process::start(start).ready().terminate(), End::saying(0, &format!("{WARNING}{TERMINATED}")));
}

fn two_thousand_arguments(pause: &Path) {
    let mut many = vec!["argument"; 2000];
    assert_eq!(
        Process::start(with(pause, &many)).ready().terminate(),
        End::saying(0, &format!("{WARNING}{TERMINATED}"))
    );
    many.push("-v");
    assert_eq!(run(with(pause, &many)).code, Some(0));
}

/// Checks argc = 0 on kernels before 5.18. Newer ones add an empty string, so there this covers argv[0] = "".
fn no_argument_at_all(pause: &Path) {
    let script = r#"my ($execve, $pause, $none) = (@ARGV, pack "J", 0); syscall $execve, $pause, $none, $none; die $!"#;
    let mut start = command(["perl", "-e", script, &nix::libc::SYS_execve.to_string()]);
    start.arg(pause);
    assert_eq!(Process::start(start).ready().terminate(), End::saying(0, &format!("{WARNING}{TERMINATED}")));
}

fn sigterm_and_sigint_end_pid_1_with_a_message(pause: &Path) {
    if !has_namespaces() {
        return;
    }
    for (signal, message) in [(Signal::SIGTERM, TERMINATED), (Signal::SIGINT, INTERRUPTED)] {
        let outside = Process::pid1(command([pause])).ready();
        outside.signal(signal);
        assert_eq!(outside.end(), End::saying(0, message));

        let inside = Process::pid1(command([pause])).ready();
        inside.inside(kill_with(&[signal as i32], 1));
        assert_eq!(inside.end(), End::saying(0, message));
    }
}

fn sigterm_and_sigint_end_it_when_not_pid_1(pause: &Path) {
    for (signal, message) in [(Signal::SIGTERM, TERMINATED), (Signal::SIGINT, INTERRUPTED)] {
        let process = Process::start(command([pause])).ready();
        process.signal(signal);
        assert_eq!(process.end(), End::saying(0, &format!("{WARNING}{message}")));
    }
}

fn warns_when_not_pid_1(pause: &Path) {
    let process = Process::start(command([pause])).ready();
    process.signal(Signal::SIGKILL);
    assert_eq!(process.end(), End { code: None, ..End::saying(0, WARNING) });
}

fn pid_1_is_silent(pause: &Path) {
    if has_namespaces() {
        let process = Process::pid1(command([pause])).ready();
        process.signal(Signal::SIGKILL);
        assert_eq!(process.end(), End { code: None, ..End::silent(0) });
    }
}

fn one_orphan_then_another(pause: &Path) {
    if has_namespaces() {
        let process = Process::pid1(command([pause])).ready();
        for _ in 0..2 {
            process.orphans(1, 1);
            process.without_children();
        }
        assert_eq!(process.terminate().code, Some(0));
    }
}

fn a_hundred_orphans(pause: &Path) {
    if has_namespaces() {
        let process = Process::pid1(command([pause])).ready();
        process.orphans(1, 100);
        process.without_children();
        assert_eq!(process.terminate().code, Some(0));
    }
}

/// Proves that the orphans above are real and that zombies would be seen: a PID 1 that does not reap keeps them.
#[test]
fn control_sleep_as_pid_1_keeps_a_hundred_zombies() {
    if has_namespaces() {
        let process = Process::pid1(command(["sleep", "1000"]));
        process.orphans(1, 100);
        assert_eq!(process.only_zombies(), 100);
    }
}

fn other_signals_do_not_end_pid_1(pause: &Path) {
    if !has_namespaces() {
        return;
    }
    let all_but = |spared: &[i32]| (1..=64).filter(|signal| !spared.contains(signal)).collect::<Vec<_>>();
    let (int, term) = (Signal::SIGINT as i32, Signal::SIGTERM as i32);
    let (kill, stop) = (Signal::SIGKILL as i32, Signal::SIGSTOP as i32);

    let process = Process::pid1(command([pause])).ready();
    let sent = process.inside(kill_with(&all_but(&[int, term]), 1));
    assert_eq!(sent, End::silent(0));
    let sent = run(kill_with(&all_but(&[int, term, kill, stop]), process.id()));
    assert_eq!(sent, End::silent(0));
    // SIGTERM would be delivered before signals with higher numbers, so wait for those. (Ours leaves SIGCHLD blocked.)
    within_10_s("no signal is pending", || (process.status().shdpnd & !bit(Signal::SIGCHLD) == 0).then_some(()));
    assert_eq!(process.ready().terminate(), End::saying(0, TERMINATED));
}

fn other_signals_act_by_default_when_not_pid_1(pause: &Path) {
    for signal in [Signal::SIGHUP, Signal::SIGUSR1, Signal::SIGPIPE, Signal::SIGQUIT] {
        let process = Process::start(command_with_default_signals([pause])).ready();
        process.signal(signal);
        assert_eq!(process.end().code, None, "{signal}");
    }
}

/// Runs as any user from a read-only root, as kubeadm's upgrade check does (uid 999, `-v`).
#[test]
fn any_user_may_execute_it() {
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(fs::metadata(ours()).expect("it is built").permissions().mode() & 0o7777, 0o755);
}

fn with(pause: &Path, arguments: &[&str]) -> Command {
    let mut start = command([pause]);
    start.args(arguments);
    start
}

fn kill_with(signals: &[i32], pid: i32) -> Command {
    let mut kill = command(["perl", "-e", "$p = shift; kill $_, $p or die qq($_: $!) for @ARGV", &pid.to_string()]);
    kill.args(signals.iter().map(i32::to_string));
    kill
}
