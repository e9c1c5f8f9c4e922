//! Makes orphans of several kinds, with Perl, Python or BusyBox.

use std::process::Command;

use nix::libc;

use crate::process::{End, Process, command};

impl Process {
    /// Makes `batches` times `size` orphans in its PID namespace.
    pub fn orphans(&self, batches: usize, size: usize) {
        let made = self.inside(self::batches(batches, size));
        assert_eq!(made, End::silent(0));
    }
}

/// Makes `batches` times `size` orphans. The orphans of a batch have one parent and exit as soon as it does; a batch
/// starts when the previous one has exited.
pub fn batches(batches: usize, size: usize) -> Command {
    let script = r#"
        my ($batches, $size) = @ARGV;
        for (1 .. $batches) {
            pipe my $gone, my $alive or die $!;
            if (my $parent = fork // die "fork: $!") {
                close $alive;
                waitpid $parent, 0;
                die "fork" if $?;
                sysread $gone, my $nothing, 1; # returns when the last of the batch has exited
                next;
            }
            pipe my $read, my $write or die $!;
            for (1 .. $size) {
                next if fork // die "fork: $!";
                close $write;
                sysread $read, my $nothing, 1; # returns when the parent goes
                exit;
            }
            exit;
        }"#;
    command(["perl", "-e", script, &batches.to_string(), &size.to_string()])
}

/// Makes twenty orphans whose first thread ends before their second, which ends when stdin is closed.
pub fn with_threads() -> Command {
    let script = "
import ctypes, os, sys, threading
for _ in range(20):
    if os.fork() == 0:
        threading.Thread(target=sys.stdin.buffer.raw.read).start() # until stdin is closed
        ctypes.CDLL(None).syscall(int(sys.argv[1]), 0) # ends only this thread
os._exit(0)";
    command(["python3", "-c", script, &libc::SYS_exit.to_string()])
}

/// A script for a pod that shares its PID namespace: makes 100 orphans and checks that PID 1, /pause, reaps them all.
pub const IN_A_POD: &str = r#"
    [ "$(/bin/busybox tr -d '\0' </proc/1/cmdline)" = /pause ] || exit 1
    i=0
    while [ $i -lt 100 ]; do (/bin/busybox true &); i=$((i + 1)); done
    i=0
    while /bin/busybox grep -q ') Z 1 ' /proc/[0-9]*/stat 2>/dev/null; do
        i=$((i + 1))
        [ $i -lt 500 ] || exit 2
        /bin/busybox usleep 10000
    done
    echo reaped"#;
