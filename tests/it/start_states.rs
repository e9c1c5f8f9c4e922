//! Tests of odd states in which pause may be started: what it inherits, what limits it. (refusals.rs refuses system
//! calls.)

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use kit::cgroup::{self, Cgroup};
use kit::messages::{TERMINATED, WARNING};
use kit::peers::{ours, upstream};
use kit::process::{End, Process, bit, command, command_with_default_signals, run};
use kit::skip::has_namespaces;
use kit::wait::within_10_s;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::libc;
use nix::mount::{MntFlags, MsFlags, mount, umount, umount2};
use nix::pty::openpty;
use nix::sched::{CloneFlags, unshare};
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
    // With only the exit signal as flags, and the other arguments 0, clone is fork.
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

/// Checks small limits; the kernel grants at least the part of the stack that exec has already filled.
#[test]
fn no_data_and_a_stack_of_16_kib() {
    let process = Process::start(start(&["prlimit", "--data=0", "--stack=16384"])).ready();
    assert_eq!(process.terminate(), End::saying(0, &format!("{WARNING}{TERMINATED}")));
}

/// Checks that nothing is printed, because `poll` fails with EINVAL.
#[test]
fn no_file_descriptors() {
    let process = Process::start(start(&["prlimit", "--nofile=0"])).ready();
    assert_eq!(process.terminate(), End::silent(0));
}

/// Checks that ours acts like upstream's, as do the three tests below.
#[test]
fn open_descriptors_stay_open() {
    for pause in [ours().to_owned()].into_iter().chain(upstream()) {
        let mut start = command(["sh", "-c", r#"exec 7</dev/zero; exec "$0""#]);
        start.arg(pause);
        let process = Process::start(start).ready();
        let kept = fs::read_link(format!("/proc/{}/fd/7", process.id())).expect("an open descriptor");
        assert_eq!(kept, Path::new("/dev/zero"));
    }
}

#[test]
fn a_working_folder_whose_file_system_goes_away() {
    if !has_namespaces() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let none = None::<&str>;
    let in_it = |pause: &Path| {
        unshare(CloneFlags::CLONE_NEWNS).expect("a mount namespace");
        mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none).expect("private mounts");
        mount(Some("tmpfs"), folder.path(), Some("tmpfs"), MsFlags::empty(), none).expect("a file system");
        let mut start = command([pause]);
        start.current_dir(&folder);
        let process = Process::pid1(start).ready();
        assert_eq!(umount(folder.path()), Err(Errno::EBUSY));
        umount2(folder.path(), MntFlags::MNT_DETACH).expect("a lazy unmount");
        works_and_stops(process);
    };
    for pause in [ours().to_owned()].into_iter().chain(upstream()) {
        // Only for one thread.
        thread::scope(|scope| scope.spawn(|| in_it(&pause)).join()).expect("no panic");
    }
}

#[test]
fn a_controlling_terminal_that_hangs_up() {
    if !has_namespaces() {
        return;
    }
    for pause in [ours().to_owned()].into_iter().chain(upstream()) {
        let on_terminal = || {
            let terminal = openpty(None, None).expect("a terminal");
            fcntl(&terminal.master, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).expect("not for what is started");
            let mut start = command_with_default_signals(["setsid", "--ctty"]);
            start.arg(&pause).stdin(terminal.slave.try_clone().expect("a descriptor")).stderr(terminal.slave);
            (terminal.master, start)
        };
        let tty = |process: &Process| {
            let process = procfs::process::Process::new(process.id()).and_then(|process| process.stat());
            process.expect("it lives").tty_nr
        };
        let (terminal, start) = on_terminal();
        let process = Process::pid1(start).ready();
        assert_ne!(tty(&process), 0);
        drop(terminal);
        within_10_s("it no longer has a terminal", || (tty(&process) == 0).then_some(()));
        within_10_s("SIGHUP is gone", || (process.status().shdpnd & bit(Signal::SIGHUP) == 0).then_some(()));
        works_and_stops(process.ready());

        let (terminal, start) = on_terminal();
        let mut not_pid_1 = Process::start(start).ready();
        drop(terminal);
        assert_eq!(within_10_s("it ends", || not_pid_1.status_if_over()), 128 + libc::SIGHUP);
    }
}

#[test]
fn a_control_group_that_is_to_be_removed() {
    if !has_namespaces() || !cgroup::can_be_made() {
        return;
    }
    for pause in [ours().to_owned()].into_iter().chain(upstream()) {
        let process = Process::pid1(command([pause])).ready();
        let cgroup = Cgroup::new();
        cgroup.pid1.admit(process.id());
        let procs = cgroup.pid1.memory_procs();
        let removed = fs::remove_dir(procs.parent().expect("its folder"));
        assert_eq!(removed.expect_err("it is in use").kind(), ErrorKind::ResourceBusy);
        cgroup.rest.admit(process.id());
        fs::remove_dir(procs.parent().expect("its folder")).expect("it is empty");
        works_and_stops(process);
    }
}

fn works_and_stops(process: Process) {
    process.orphans(1, 10);
    process.without_children();
    assert_eq!(process.terminate().code, Some(0));
}

fn start(wrapper: &[&str]) -> Command {
    let mut start = command(wrapper);
    start.arg(ours());
    start
}
