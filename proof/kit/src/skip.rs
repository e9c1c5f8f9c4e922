//! Says what a test could not do.

use std::env;
use std::fs;
use std::io::{self, Write};
use std::thread;

use build::root;
use nix::sched::{CloneFlags, unshare};

/// Says that a test could not do its work. Never so in CI.
pub fn skip(why: &str) {
    say(&format!("SKIPPED: {why}"));
    assert_ne!(env::var("CI").as_deref(), Ok("true"), "skipped, in CI: {why}");
}

/// The same because `what` is missing. No failure, even in CI, where an attempt to fetch it has failed (proof/packages/fetch.sh).
pub fn not_fetched(what: &str, why: &str) {
    let list = fs::read_to_string(root().join("target/not-fetched")).unwrap_or_default();
    let said = list.lines().find(|line| line.strip_prefix(what).is_some_and(|rest| rest.starts_with(": ")));
    said.map_or_else(|| skip(why), |line| say(&format!("SKIPPED: not fetched: {line}")));
}

/// Says that a test has nothing to show on a machine of this kind, and why. No skip, because the other kind shows it:
/// the machine of `make node`, or one like Debian 12.
pub fn does_not_apply(why: &str) {
    say(&format!("does not apply here: {why}"));
}

/// Past the test harness, which keeps what a passing test prints to itself.
fn say(what: &str) {
    _ = writeln!(io::stderr(), "{what}");
}

/// Whether namespaces can be made; a skip if they cannot.
pub fn has_namespaces() -> bool {
    let made = thread::spawn(|| unshare(CloneFlags::CLONE_NEWPID)).join().expect("no panic");
    if let Err(error) = made {
        skip(&format!("no PID namespace can be made ({error}); run as root, or under: unshare -Ur"));
    }
    made.is_ok()
}

/// Whether `program` is installed; a skip if it is not.
pub fn has(program: &str) -> bool {
    let found = is_installed(program);
    if !found {
        skip(&format!("{program} is not installed; as root on Debian, make installs it"));
    }
    found
}

/// Whether `program` is installed.
pub fn is_installed(program: &str) -> bool {
    env::split_paths(&env::var_os("PATH").unwrap_or_default()).any(|path| path.join(program).exists())
}
