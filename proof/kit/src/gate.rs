//! A gate before a program: everything is prepared, but the program is executed only on command.

use std::path::Path;
use std::process::{Command, Stdio};

use nix::libc;

use crate::calls;
use crate::process::{Process, command};
use crate::wait::within_10_s;

/// Makes a shell that runs the commands `before`, waits for a line ([`Process::tell`]), and then executes `program`. If
/// this process dies first, the shell never executes it.
pub fn gated(before: &str, program: &Command) -> Command {
    let script = format!(r#"{before} read go && exec "$@""#);
    let mut gate = command([Path::new("sh"), Path::new("-c"), Path::new(&script), Path::new("sh")]);
    gate.arg(program.get_program()).args(program.get_args()).stdin(Stdio::piped());
    gate
}

/// Waits until the shell reads its stdin, or polls it first, as BusyBox does: by then, the exec of the gate itself is
/// complete.
pub fn wait_at_gate(process: &Process) {
    let reads = format!("{} 0x0 ", libc::SYS_read);
    let polls = [libc::SYS_ppoll, calls::POLL].map(|number| format!("{number} "));
    within_10_s("the gate waits", || {
        let call = process.call();
        (call.starts_with(&reads) || polls.iter().any(|polls| call.starts_with(polls))).then_some(())
    });
}
