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

/// Read by the linker alone; named here so that cargo links again when it changes.
const _: &str = include_str!("pause.ld");

use core::ffi::c_int;
use sys::{Args, EINTR, SA_NOCLDSTOP, SA_NOCLDWAIT, SA_NODEFER, SIGCHLD, SIGINT, SIGTERM};

/// The start: runs once, on the stack that the kernel made, and ends in [`hold`].
fn main(args: Args) -> ! {
    // First of all, because PID 1 loses a signal that it has no handler for.
    // SA_NODEFER: should the message of the first one not get out, the second one still ends us.
    if !sys::handle(SIGTERM, shut_down, SA_NODEFER) {
        sys::exit(2);
    }
    if !sys::handle(SIGINT, shut_down, SA_NODEFER) {
        sys::exit(1);
    }
    // A parent may have blocked what we wait for: a signal mask survives execve.
    sys::unblock_signals();

    if args.skip(1).any(|arg| arg.is(c"-v") || arg.is(c"-V")) {
        sys::write(sys::STDOUT, concat!("pause ", env!("CARGO_PKG_VERSION"), "\n"));
        sys::exit(0);
    }
    if sys::getpid() != 1 {
        report("Warning: pause should be the first process\n");
    }

    // SA_NOCLDWAIT: from here on the kernel itself releases every child that dies, even while we are
    // stopped, frozen or starved of CPU. Last, because `reaped` does not come back to this function.
    if !sys::handle(SIGCHLD, reaped, SA_NOCLDSTOP | SA_NOCLDWAIT) {
        sys::exit(3);
    }
    hold()
}

/// Reaps whatever died before the kernel was told to do it, then sleeps for ever.
fn hold() -> ! {
    while sys::reap() {}
    while sys::pause() == -EINTR {}
    report("Error: infinite loop terminated\n");
    sys::exit(42)
}

/// On the first SIGCHLD, which is the last: to ignore it is the other way to have the kernel reap, and the only one that
/// emulators know (qemu-user drops SA_NOCLDWAIT). Ignore first, then sweep (in [`hold`]), or a child could die in
/// between and stay.
extern "C" fn reaped(_: c_int) -> ! {
    sys::ignore(SIGCHLD);
    hold()
}

/// On SIGTERM or SIGINT, in upstream's words.
extern "C" fn shut_down(signal: c_int) -> ! {
    report(match signal {
        SIGINT => "Shutting down, got signal: Interrupt\n",
        _ => "Shutting down, got signal: Terminated\n",
    });
    sys::exit(0)
}

/// Writes to stderr unless that could block (full, stopped) or kill us (SIGPIPE: its reader is gone).
fn report(message: &str) {
    if sys::is_writable(sys::STDERR) {
        sys::write(sys::STDERR, message);
    }
}
