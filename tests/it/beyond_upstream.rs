//! Tests of what ours does better. Each checks that ours passes and that upstream's fails, which proves that the test
//! can see the difference. (start_states.rs tests how ours starts in the other odd states.)

use std::io::{self, PipeReader};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;

use kit::calls::ONLY_PPOLL;
use kit::peers::{ours, upstream};
use kit::process::{End, Process, command};
use kit::skip::{has, has_namespaces};
use kit::wait::within_10_s;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::pty::{OpenptyResult, openpty};
use nix::sys::signal::Signal;
use nix::sys::termios::{FlowArg, SetArg, cfmakeraw, tcflow, tcgetattr, tcsetattr};
use nix::unistd::write;

use crate::start_states::after_zombies;

#[test]
fn orphans_that_die_while_pid_1_is_stopped_leave_no_zombie() {
    let zombies = |pause: &Path| {
        let process = Process::pid1(command([pause])).ready();
        process.stop();
        process.orphans(1, 500);
        let zombies = process.only_zombies();
        process.signal(Signal::SIGCONT);
        process.without_children();
        zombies
    };
    if has_namespaces() {
        assert_eq!(zombies(ours()), 0);
        if let Some(upstream) = upstream() {
            assert_eq!(zombies(&upstream), 500);
        }
    }
}

#[test]
fn twenty_thousand_orphans_wake_it_at_most_five_times() {
    let switches = |pause: &Path, rounds, batches, size| {
        let process = Process::pid1(command([pause])).ready();
        let before = process.context_switches();
        for _ in 0..rounds {
            process.orphans(batches, size);
            process.without_children();
        }
        process.context_switches() - before
    };
    if has_namespaces() {
        let ours = switches(ours(), 1, 20, 1000);
        assert!(ours <= 5, "{ours}");
        if let Some(upstream) = upstream() {
            // How many orphans it reaps per wake-up is chance. If they die one at a time, it must wake for each.
            let upstream = switches(&upstream, 20, 1, 1);
            assert!(upstream >= 20, "{upstream}");
        }
    }
}

#[test]
fn full_pipe_as_stderr_does_not_hold_sigterm_up() {
    does_not_hold_up(|| {
        let (reader, writer) = io::pipe().expect("a pipe");
        fill(&writer);
        (Box::new(reader), writer.into())
    });
}

#[test]
fn full_socket_as_stderr_does_not_hold_sigterm_up() {
    does_not_hold_up(|| {
        let (reader, writer) = UnixStream::pair().expect("two sockets");
        fill(&writer);
        (Box::new(reader), writer.into())
    });
}

#[test]
fn stopped_terminal_as_stderr_does_not_hold_sigterm_up() {
    does_not_hold_up(|| {
        let OpenptyResult { master, slave } = terminal();
        tcflow(&slave, FlowArg::TCOOFF).expect("a terminal that can be stopped");
        (Box::new(master), slave)
    });
}

/// Checks that SIGTERM ends pause although a write to `stderr` would block. `stderr` returns an owner of the other end,
/// which keeps it open, and the descriptor.
fn does_not_hold_up(stderr: impl Fn() -> (Box<dyn Send>, OwnedFd)) {
    if !has_namespaces() {
        return;
    }
    let start = |pause: &Path| {
        let (kept, stderr) = stderr();
        let mut start = command([pause]);
        start.stderr(stderr);
        (kept, Process::pid1(start).ready())
    };
    let (_kept, process) = start(ours());
    assert_eq!(process.terminate().code, Some(0));

    if let Some(upstream) = upstream() {
        let (_kept, mut process) = start(&upstream);
        process.signal(Signal::SIGTERM);
        wait_for_write(&process);
        assert!(!process.is_over());
    }
}

/// Simulates another writer that fills the pipe between `poll` and `write`: stderr is always full, and strace makes the
/// second poll, before SIGTERM's message, report room (the first poll is for the warning).
#[test]
fn a_second_sigterm_ends_it_where_the_first_cannot_finish_its_message() {
    if !has("strace") {
        return;
    }
    let poll = if ONLY_PPOLL { "ppoll" } else { "poll" };
    let (fd, events, revents) = (2_i32, nix::libc::POLLOUT, nix::libc::POLLOUT);
    let pollfd = [&fd.to_ne_bytes()[..], &events.to_ne_bytes(), &revents.to_ne_bytes()].concat();
    let pollfd = hex::encode(pollfd);
    let inject = format!("inject={poll}:retval=1:poke_exit=@arg1={pollfd}:when=2");

    let (_reader, stderr) = io::pipe().expect("a pipe");
    fill(&stderr);
    // -D: pause is the child, and strace the grandchild.
    let mut start = command(["strace", "-D", "--output=/dev/null", "--trace", poll, "-e", &inject]);
    start.arg(ours()).stderr(stderr);
    let mut process = Process::start(start).ready();
    process.signal(Signal::SIGTERM);
    wait_for_write(&process);
    assert!(!process.is_over());
    process.signal(Signal::SIGTERM);
    assert_eq!(process.end().code, Some(0));
}

/// Waits until the process has taken a signal (its handler blocks signals) and hangs in a write.
fn wait_for_write(process: &Process) {
    within_10_s("it writes", || {
        let status = process.status();
        (status.sigblk != 0 && status.state.starts_with('S')).then_some(())
    });
}

#[test]
fn a_gone_reader_of_stderr_does_not_kill_it_at_start() {
    let start = |pause: &Path| {
        let (reader, writer) = io::pipe().expect("a pipe");
        drop::<PipeReader>(reader);
        let mut start = command([pause]);
        start.stderr(writer);
        Process::start(start)
    };
    assert_eq!(start(ours()).ready().terminate(), End::silent(0));
    if let Some(upstream) = upstream() {
        assert_eq!(start(&upstream).end().code, None);
    }
}

/// Checks upstream's pause; start_states.rs shows that ours unblocks them.
#[test]
fn control_upstream_leaves_signals_blocked() {
    if let Some(upstream) = upstream().filter(|_| has_namespaces()) {
        let mut start = command(["env", "--block-signal=TERM,CHLD"]);
        start.arg(upstream);
        let mut process = Process::pid1(start).ready();
        process.orphans(1, 10);
        assert_eq!(process.only_zombies(), 10);
        process.signal(Signal::SIGTERM);
        assert_ne!(process.status().shdpnd, 0, "SIGTERM waits");
        assert!(!process.is_over());
    }
}

/// Checks upstream's pause; start_states.rs shows that ours reaps them.
#[test]
fn control_upstream_keeps_zombies_that_predate_exec() {
    if let Some(process) = upstream().and_then(|upstream| after_zombies(&upstream, 0)) {
        assert_eq!(process.zombies(), 5);
    }
}

/// Checks upstream's pause; start_states.rs shows that ours survives these limits: no data segment, a small stack.
#[test]
fn control_upstream_dies_of_small_limits() {
    if let Some(upstream) = upstream() {
        let mut start = command(["prlimit", "--data=0", "--stack=16384"]);
        start.arg(upstream);
        assert_eq!(Process::start(start).end().code, None);
    }
}

fn terminal() -> OpenptyResult {
    let terminal = openpty(None, None).expect("a terminal");
    let mut settings = tcgetattr(&terminal.slave).expect("its settings");
    cfmakeraw(&mut settings);
    tcsetattr(&terminal.slave, SetArg::TCSANOW, &settings).expect("raw");
    terminal
}

/// Writes until not a single byte more fits.
fn fill(fd: impl AsFd) {
    without_waiting(&fd, || {
        for size in [4096, 1] {
            while write(&fd, &vec![b'.'; size]) != Err(Errno::EAGAIN) {}
        }
    });
}

fn without_waiting<T>(fd: impl AsFd, act: impl FnOnce() -> T) -> T {
    fcntl(&fd, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).expect("its flags");
    let result = act();
    fcntl(&fd, FcntlArg::F_SETFL(OFlag::empty())).expect("its flags");
    result
}
