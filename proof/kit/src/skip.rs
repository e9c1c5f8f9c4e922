//! Reports tests that cannot run.

use std::env;
use std::fs;
use std::io::{self, Write};
use std::thread;

use build::root;
use nix::sched::{CloneFlags, unshare};

/// Reports that a test cannot run, and why. Fails in CI.
pub fn skip(why: &str) {
    say(&format!("SKIPPED: {why}"));
    assert_ne!(env::var("CI").as_deref(), Ok("true"), "skipped, in CI: {why}");
}

/// Reports that a test cannot run because `what` is missing. If an attempt to fetch it has failed
/// (proof/packages/fetch.sh), this does not fail even in CI.
pub fn not_fetched(what: &str, why: &str) {
    let list = fs::read_to_string(root().join("target/not-fetched")).unwrap_or_default();
    let said = list.lines().find(|line| line.strip_prefix(what).is_some_and(|rest| rest.starts_with(": ")));
    said.map_or_else(|| skip(why), |line| say(&format!("SKIPPED: not fetched: {line}")));
}

/// Reports that a test does not apply to this kind of machine, and why. This is not a skip, because the test applies to
/// the other kind: the machine of `make node`, or one like Debian 12.
pub fn does_not_apply(why: &str) {
    say(&format!("does not apply here: {why}"));
}

/// Writes past the test harness, which hides what a passing test prints.
fn say(what: &str) {
    _ = writeln!(io::stderr(), "{what}");
}

/// Returns whether namespaces can be created; reports a skip if not.
pub fn has_namespaces() -> bool {
    let made = thread::spawn(|| unshare(CloneFlags::CLONE_NEWPID)).join().expect("no panic");
    if let Err(error) = made {
        skip(&format!("cannot create a PID namespace ({error}); run as root, or under: unshare -Ur"));
    }
    made.is_ok()
}

/// Returns whether `program` is installed; reports a skip if not.
pub fn has(program: &str) -> bool {
    let found = is_installed(program);
    if !found {
        skip(&format!("{program} is not installed; make installs it as root on Debian"));
    }
    found
}

/// Returns whether `program` is installed.
pub fn is_installed(program: &str) -> bool {
    env::split_paths(&env::var_os("PATH").unwrap_or_default()).any(|path| path.join(program).exists())
}
