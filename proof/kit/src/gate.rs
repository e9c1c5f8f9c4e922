//! A gate before a program: everything is prepared, but the program is executed only when it is told to be.

use std::path::Path;
use std::process::{Command, Stdio};

use nix::libc;

use crate::calls;
use crate::process::{Process, command};
use crate::wait::within_10_s;

/// A shell that runs the commands `before`, waits until it is told ([`Process::tell`]), and then executes `program`. If
/// this process dies before, it never does.
pub fn gated(before: &str, program: &Command) -> Command {
    let script = format!(r#"{before} read go && exec "$@""#);
    let mut gate = command([Path::new("sh"), Path::new("-c"), Path::new(&script), Path::new("sh")]);
    gate.arg(program.get_program()).args(program.get_args()).stdin(Stdio::piped());
    gate
}

/// Waits until the shell reads its stdin, or polls it before, as busybox does: no part of the exec of the gate itself is
/// still to come.
pub fn wait_at_gate(process: &Process) {
    let reads = format!("{} 0x0 ", libc::SYS_read);
    let polls = [libc::SYS_ppoll, calls::POLL].map(|number| format!("{number} "));
    within_10_s("the gate waits", || {
        let call = process.call();
        (call.starts_with(&reads) || polls.iter().any(|polls| call.starts_with(polls))).then_some(())
    });
}
