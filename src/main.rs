//! `pause` holds a pod's namespaces open and reaps its orphans.
//!
//! | input | behaviour |
//! |---|---|
//! | an argument `-v` or `-V` | `pause <version>` on stdout, exit 0; every other argument is ignored |
//! | SIGTERM, SIGINT | a line on stderr if that can take it at once, exit 0 |
//! | an orphan dies | it is reaped: no zombie is left |
//! | started with a PID other than 1 | a warning on stderr, then as above |
//! | a handler for INT, TERM, CHLD is refused | exit 1, 2, 3 |
//! | `pause` is refused | a line on stderr, exit 42 |
#![no_std]
#![no_main]

mod sys;

/// Only the linker reads this file; it is named here so that cargo relinks when it changes.
const _: &str = include_str!("pause.ld");

use core::ffi::c_int;
use sys::{Args, EINTR, SA_NOCLDSTOP, SA_NOCLDWAIT, SA_NODEFER, SIGCHLD, SIGINT, SIGTERM};

/// Runs once, on the initial stack, and ends in [`hold`].
fn main(args: Args) -> ! {
    // First, because the kernel drops every signal for which PID 1 has no handler: SIGTERM, which engines send, before
    // SIGINT. The exit codes are those of upstream's pause, which installs the handler for SIGINT first.
    // SA_NODEFER: if the first signal's message blocks, a second signal still ends us.
    if !sys::handle(SIGTERM, shut_down, SA_NODEFER) {
        sys::exit(2);
    }
    if !sys::handle(SIGINT, shut_down, SA_NODEFER) {
        sys::exit(1);
    }
    // The parent may have blocked the signals that we wait for: a signal mask survives execve.
    sys::unblock_signals();

    if args.skip(1).any(|arg| arg.is(c"-v") || arg.is(c"-V")) {
        sys::write(sys::STDOUT, concat!("pause ", env!("CARGO_PKG_VERSION"), "\n"));
        sys::exit(0);
    }
    if sys::getpid() != 1 {
        report("Warning: pause should be the first process\n");
    }

    // SA_NOCLDWAIT: from here on the kernel itself releases every child that dies, even while we are
    // stopped, frozen or starved of CPU. Last, because `keep_reaping` does not return to this function.
    if !sys::handle(SIGCHLD, keep_reaping, SA_NOCLDSTOP | SA_NOCLDWAIT) {
        sys::exit(3);
    }
    hold()
}

/// Reaps the children that died before the kernel was told to release them, then sleeps forever.
fn hold() -> ! {
    while sys::reap() {}
    while sys::pause() == -EINTR {}
    report("Error: infinite loop terminated\n");
    sys::exit(42)
}

/// Handles the first SIGCHLD and ignores all later ones. Ignoring SIGCHLD also makes the kernel reap, and is the only
/// way that works in emulators (qemu-user drops SA_NOCLDWAIT). It must ignore first and reap afterwards (in [`hold`]):
/// in the other order, a child that dies in between stays a zombie.
extern "C" fn keep_reaping(_: c_int) -> ! {
    sys::ignore(SIGCHLD);
    hold()
}

/// Handles SIGTERM and SIGINT, with the messages of upstream's pause.
extern "C" fn shut_down(signal: c_int) -> ! {
    report(match signal {
        SIGINT => "Shutting down, got signal: Interrupt\n",
        _ => "Shutting down, got signal: Terminated\n",
    });
    sys::exit(0)
}

/// Writes to stderr, unless that could block (it is full or stopped) or kill us (SIGPIPE: its reader is gone).
fn report(message: &str) {
    if sys::is_writable(sys::STDERR) {
        sys::write(sys::STDERR, message);
    }
}
