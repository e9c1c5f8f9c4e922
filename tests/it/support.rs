//! Starts a program as PID 1 of a new PID namespace, looks at it, and waits with deadlines.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant};

use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use procfs::process::Status;
use seccompiler::BpfProgram;
use xtask::arch::{ALL, Arch};

use crate::skip::skip;

/// pause for this machine.
pub fn ours() -> &'static Path {
    pause_for(Arch::host().expect("an architecture of pause"))
}

/// pause for `arch`.
pub fn pause_for(arch: &Arch) -> &'static Path {
    // All at once, so that none is written while another is executed.
    static BUILT: LazyLock<Vec<PathBuf>> =
        LazyLock::new(|| ALL.iter().map(|arch| xtask::build::pause(arch).expect("pause builds")).collect());
    &BUILT[ALL.iter().position(|known| known.name == arch.name).expect("in the table")]
}

/// Upstream's own pause, which tests/upstream.sh builds.
pub fn upstream() -> Option<PathBuf> {
    let file = xtask::root().join("target/upstream/pause");
    if !file.exists() {
        skip("upstream's pause is not built; tests/upstream.sh does it (needs gcc and Debian's source archive)");
    }
    file.exists().then_some(file)
}

/// Whether namespaces can be made; a skip if they cannot.
pub fn has_namespaces() -> bool {
    let made = thread::spawn(|| unshare(CloneFlags::CLONE_NEWPID)).join().expect("no panic");
    if let Err(error) = made {
        skip(&format!("no PID namespace can be made ({error}); run as root, or under: unshare -Ur"));
    }
    made.is_ok()
}

/// What `look` finds, as soon as it does.
pub fn within_10_s<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    within(10, what, look)
}

/// The same for what takes longer.
pub fn within<T>(seconds: u64, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(seconds);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "not within {seconds} s: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// A command of these words, with all its output to be read, and no input.
pub fn command(words: impl IntoIterator<Item: AsRef<OsStr>>) -> Command {
    let mut words = words.into_iter();
    let mut command = Command::new(words.next().expect("a program"));
    command.args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs `command`, within which /proc is not that of its PID namespace, to its end.
pub fn run(mut command: Command) -> End {
    Process { child: command.spawn().expect("the program starts") }.end()
}

/// A program that was started; killed when this goes.
pub struct Process {
    child: Child,
}

/// How a program ended.
#[derive(Debug, PartialEq, Eq)]
pub struct End {
    /// None: by a signal
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl End {
    pub fn silent(code: i32) -> Self {
        Self { code: Some(code), stdout: String::new(), stderr: String::new() }
    }

    pub fn saying(code: i32, stderr: &str) -> Self {
        Self { stderr: stderr.to_owned(), ..Self::silent(code) }
    }
}

impl Process {
    /// Starts `command` as it is.
    pub fn start(mut command: Command) -> Self {
        Self { child: command.spawn().expect("the program starts") }
    }

    /// Starts `command` as PID 1 of a new PID namespace.
    pub fn pid1(command: Command) -> Self {
        Self::pid1_under(&[], command)
    }

    /// The same under a seccomp filter.
    pub fn pid1_under(filter: &[BpfProgram], mut command: Command) -> Self {
        // Both hold for this one thread, and for what it starts.
        let start = || {
            unshare(CloneFlags::CLONE_NEWPID).expect("a PID namespace");
            for program in filter {
                seccompiler::apply_filter(program).expect("a seccomp filter");
            }
            command.spawn().expect("the program starts")
        };
        Self { child: thread::scope(|scope| scope.spawn(start).join()).expect("no panic") }
    }

    /// Waits until pause has its handlers and sleeps.
    pub fn ready(self) -> Self {
        within_10_s("pause sleeps and has its handlers", || {
            let status = self.status();
            let caught = |signal: Signal| status.sigcgt & bit(signal) != 0;
            let chld = caught(Signal::SIGCHLD) || status.sigign & bit(Signal::SIGCHLD) != 0;
            (caught(Signal::SIGTERM) && caught(Signal::SIGINT) && chld && status.state.starts_with('S')).then_some(())
        });
        self
    }

    pub fn id(&self) -> i32 {
        self.child.id() as i32
    }

    pub fn status(&self) -> Status {
        procfs::process::Process::new(self.id()).and_then(|process| process.status()).expect("/proc/PID/status")
    }

    pub fn context_switches(&self) -> u64 {
        let status = self.status();
        status.voluntary_ctxt_switches.expect("a count") + status.nonvoluntary_ctxt_switches.expect("a count")
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.id()), signal).expect("the signal is sent");
    }

    /// Stops it, and waits until it has stopped.
    pub fn stop(&self) {
        self.signal(Signal::SIGSTOP);
        within_10_s("it is stopped", || self.status().state.starts_with('T').then_some(()));
    }

    /// Whether it has ended.
    pub fn is_over(&mut self) -> bool {
        self.code_if_over().is_some()
    }

    /// If it has ended, its exit code, or None if that was by a signal.
    pub fn code_if_over(&mut self) -> Option<Option<i32>> {
        self.child.try_wait().expect("its status").map(|status| status.code())
    }

    /// Waits for its end, and reads what it left in its pipes.
    pub fn end(self) -> End {
        self.end_within(10)
    }

    /// The same for what takes longer.
    pub fn end_within(mut self, seconds: u64) -> End {
        let mut end = End::silent(0);
        end.code = within(seconds, "it ends", || self.child.try_wait().expect("its status")).code();
        if let Some(mut stdout) = self.child.stdout.take() {
            stdout.read_to_string(&mut end.stdout).expect("text");
        }
        if let Some(mut stderr) = self.child.stderr.take() {
            stderr.read_to_string(&mut end.stderr).expect("text");
        }
        end
    }

    /// SIGTERM, then [`Self::end`].
    pub fn terminate(self) -> End {
        self.signal(Signal::SIGTERM);
        self.end()
    }

    /// Writes a line to its stdin.
    pub fn tell(&mut self) {
        self.child.stdin.as_mut().expect("a pipe").write_all(b"\n").expect("it reads");
    }

    /// Runs `command` in its PID namespace to its end.
    pub fn inside(&self, command: Command) -> End {
        self.start_inside(command).end_within(60)
    }

    /// Starts `command` in its PID namespace; the parent is outside, as for what an engine starts by exec.
    pub fn start_inside(&self, mut command: Command) -> Self {
        let namespace = File::open(format!("/proc/{}/ns/pid", self.id())).expect("it lives");
        let start = || {
            setns(namespace, CloneFlags::CLONE_NEWPID).expect("its PID namespace");
            command.spawn().expect("the program starts")
        };
        Self { child: thread::scope(|scope| scope.spawn(start).join()).expect("no panic") }
    }

    /// Makes `batches` times `size` orphans in its namespace.
    pub fn orphans(&self, batches: usize, size: usize) {
        let made = self.inside(orphans(batches, size));
        assert_eq!(made, End::silent(0));
    }

    /// Its children that have died and have not been reaped.
    pub fn zombies(&self) -> usize {
        self.children().iter().filter(|pid| state(pid) == Some('Z')).count()
    }

    /// Waits until it has no child, alive or dead.
    pub fn without_children(&self) {
        within_10_s("all children are gone", || self.children().is_empty().then_some(()));
    }

    /// Waits until every child is a zombie; says how many.
    pub fn only_zombies(&self) -> usize {
        within_10_s("all children are dead", || {
            let children = self.children();
            children.iter().all(|pid| state(pid) == Some('Z')).then_some(children.len())
        })
    }

    /// Its children, alive or dead.
    pub fn children(&self) -> Vec<String> {
        let list = fs::read_to_string(format!("/proc/{0}/task/{0}/children", self.id())).expect("it lives");
        list.split_whitespace().map(str::to_owned).collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// Makes `batches` times `size` orphans: each has a parent that ends at the same moment. A batch starts when the one
/// before has exited.
pub fn orphans(batches: usize, size: usize) -> Command {
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

/// Of a signal, in the masks of /proc/PID/status.
pub fn bit(signal: Signal) -> u64 {
    1 << (signal as u64 - 1)
}

/// As in /proc/PID/stat; none if it is gone.
pub fn state(pid: &str) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}
