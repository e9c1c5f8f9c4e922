//! The binary that ships for each architecture, under qemu-user.

use std::fs;
use std::path::Path;
use std::process::Command;

use build::arch::{ALL, Arch};
use kit::messages::{INTERRUPTED, TERMINATED, WARNING, version_said};
use kit::peers::pause_for;
use kit::process::{End, Process, command, run};
use kit::seccomp::{refuse, refuse_sigaction, under};
use kit::skip::{has, has_namespaces};
use kit::wait::within_10_s;
use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::Signal;

use crate::instructions::{sleeps_in_ppoll, undefined_at_entry};

#[test]
fn version() {
    for_each(|_, emulated| {
        let mut start = emulated();
        start.args(["x", "-v"]);
        assert_eq!(run(start), version_said());
    });
}

#[test]
fn warning_sigterm_and_sigint() {
    for_each(|_, emulated| {
        for (signal, message) in [(Signal::SIGTERM, TERMINATED), (Signal::SIGINT, INTERRUPTED)] {
            let process = Process::start(emulated()).ready();
            process.signal(signal);
            assert_eq!(process.end(), End::saying(0, &format!("{WARNING}{message}")));
        }
    });
}

#[test]
fn two_rounds_of_orphans_as_pid_1() {
    for_each(|_, emulated| {
        if has_namespaces() {
            let process = Process::pid1(emulated()).ready();
            for _ in 0..2 {
                process.orphans(1, 20);
                process.without_children();
            }
            assert_eq!(process.terminate(), End::saying(0, TERMINATED));
        }
    });
}

/// Filters the calls that the emulator makes on this machine for the program; it passes the errors on.
#[test]
fn exit_codes_of_what_is_refused() {
    for_each(|arch, emulated| {
        if !has_namespaces() {
            return;
        }
        for (signal, code) in [(Signal::SIGINT, 1), (Signal::SIGTERM, 2), (Signal::SIGCHLD, 3)] {
            let process = Process::pid1(under(&refuse_sigaction(signal), emulated()));
            assert_eq!(process.end(), End::silent(code));
        }
        // Only where pause sleeps in `ppoll`: for `pause`, QEMU 7.2 returns EINTR whatever this machine returns.
        if sleeps_in_ppoll(arch) {
            let filter = refuse(Errno::EPERM, [(libc::SYS_ppoll, vec![])]);
            assert_eq!(Process::pid1(under(&filter, emulated())).end().code, Some(42));
        }
        // `exit` ends one thread. QEMU has a second one, so its process lives on and its first thread becomes a zombie.
        for errno in [Errno::EPERM, Errno::ENOSYS] {
            let filter = refuse(errno, [(libc::SYS_exit_group, vec![])]);
            let mut process = Process::pid1(under(&filter, emulated())).ready();
            process.signal(Signal::SIGTERM);
            let status = within_10_s("pause's thread has exited", || {
                let stat = procfs::process::Process::new(process.id()).and_then(|process| process.stat());
                let stat = stat.expect("/proc/PID/stat");
                process.status_if_over().or_else(|| (stat.state == 'Z').then(|| stat.exit_code.expect("a status") >> 8))
            });
            assert_eq!(status, 0, "{errno}");
        }
    });
}

/// Puts the instruction, which pause executes if `exit_group` and `exit` are both refused, at the program's entry: a
/// filter that refuses both would also keep the emulator from ending.
#[test]
fn the_undefined_instruction_raises_sigill() {
    let folder = tempfile::tempdir().expect("a folder");
    for_each(|arch, _| {
        let file = folder.path().join(arch.name);
        fs::copy(pause_for(arch), &file).expect("it is copied, with its mode");
        fs::write(&file, undefined_at_entry(arch)).expect("it is written");
        let mut start = command([Path::new(arch.qemu), &file]);
        start.current_dir(&folder); // for a core file
        let mut process = Process::start(start);
        let status = within_10_s("it ends", || process.status_if_over());
        assert_eq!(status, 128 + libc::SIGILL, "{}", arch.name);
    });
}

fn for_each(test: impl Fn(&Arch, &dyn Fn() -> Command)) {
    for arch in &ALL {
        if has(arch.qemu) {
            eprintln!("{}", arch.name);
            let pause = pause_for(arch);
            test(arch, &|| command([Path::new(arch.qemu), pause]));
        }
    }
}
