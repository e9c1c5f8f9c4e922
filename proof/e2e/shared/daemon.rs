//! A daemon that a test starts, watches and ends.

use std::fs;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use build::root;
use kit::process::state;

use crate::patience::{found, until};
use crate::tools::{ok, run};

/// A daemon that a test has started. It keeps running when this is dropped.
pub struct Daemon {
    child: Mutex<Child>,
    /// The file with all of its output.
    pub(crate) log: String,
}

/// Starts a daemon, which ends with the PID namespace that isolated.sh makes. Its log is a file in /run.
pub fn start(program: &str, arguments: &[&str]) -> Daemon {
    static STARTED: AtomicU32 = AtomicU32::new(0);
    let log = format!("/run/{program}-{}.log", STARTED.fetch_add(1, Ordering::Relaxed));
    let file = fs::File::create(&log).expect("a file");
    let mut daemon = Command::new(program);
    daemon.args(arguments).current_dir(root()).stdin(Stdio::null());
    daemon.stdout(file.try_clone().expect("a file")).stderr(file);
    Daemon { child: Mutex::new(daemon.spawn().expect("it is installed")), log }
}

impl Daemon {
    /// Returns its PID, or nsenter's if the daemon is on a host of its own.
    pub fn pid(&self) -> u32 {
        self.child().id()
    }

    /// Returns all of its output so far.
    pub fn said(&self) -> String {
        read(&self.log)
    }

    /// Waits until `so` is true, as [`until`] does, but no longer than the daemon is running.
    pub fn until(&self, what: &str, so: impl Fn() -> bool) {
        self.found(what, || so().then_some(()));
    }

    /// Waits as [`found`] does, but no longer than the daemon is running.
    pub fn found<T>(&self, what: &str, look: impl Fn() -> Option<T>) -> T {
        found(what, || {
            let runs = self.end().is_none(); // checked first, because what it did last counts
            let found = look();
            if found.is_none() && !runs {
                self.must_run(what);
            }
            found
        })
    }

    /// Panics with its last output if it has ended, because `what` will not come true then.
    pub fn must_run(&self, what: &str) {
        if let Some(status) = self.end() {
            panic!("did not happen: {what}: the daemon has ended, {status}; {}", end_of(&self.log));
        }
    }

    /// Ends what nsenter has started, with SIGTERM, and waits until it is gone.
    pub fn stop(self) {
        self.signal("TERM");
        until("it is gone", || self.end().is_some());
    }

    /// Runs `act` while it is stopped.
    pub fn while_stopped(&self, act: impl FnOnce()) {
        self.signal("STOP");
        let nsenter = self.pid().to_string();
        until("nsenter stops with what it has started", || state(&nsenter) == Some('T'));
        act();
        ok("kill", &["-s", "CONT", &nsenter]); // it continues both
    }

    /// Kills what nsenter has started.
    pub fn kill(&self) {
        if let Some(pid) = self.started_by_nsenter() {
            _ = run("kill", &["-KILL", &pid]);
        }
    }

    /// Sends a signal to what nsenter starts.
    fn signal(&self, signal: &str) {
        let pid = self.found("nsenter has started it", || self.started_by_nsenter());
        ok("kill", &["-s", signal, &pid]);
    }

    fn started_by_nsenter(&self) -> Option<String> {
        let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", self.pid())).ok()?;
        Some(children.trim().to_owned()).filter(|pid| !pid.is_empty())
    }

    fn end(&self) -> Option<ExitStatus> {
        self.child().try_wait().expect("its status")
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the last lines of a log.
pub fn end_of(log: &str) -> String {
    let said = read(log);
    let lines: Vec<&str> = said.lines().collect();
    format!("the end of {log}:\n{}", lines[lines.len().saturating_sub(20)..].join("\n"))
}

fn read(log: &str) -> String {
    String::from_utf8_lossy(&fs::read(log).expect("its log")).into_owned()
}
