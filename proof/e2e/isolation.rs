//! What the other tests rely on: how long they wait for a daemon.

use std::panic::{AssertUnwindSafe, catch_unwind};

use engines::{ready, start};
use kit::wait::message;

use crate::install::node;

#[test]
fn a_daemon_that_ends_is_not_waited_for() {
    if !ready(&["containerd", "runc"]) {
        return;
    }
    let node = node(&[]);
    let says = |wait: &dyn Fn()| message(catch_unwind(AssertUnwindSafe(wait)).expect_err("it cannot start"));
    let said = says(&|| _ = node.start_containerd("no TOML"));
    assert!(said.starts_with("not so: containerd answers: the daemon has ended, "), "{said}");
    assert!(said.contains(" containerd: failed to ") && said.contains("TOML"), "its own words: {said}");
    // What it did before it ended counts.
    start("true", &[]).until("it is so", || true);
    let said = says(&|| start("sh", &["-c", "echo why >&2; exit 3"]).until("it lives", || false));
    assert!(said.contains("exit status: 3") && said.ends_with(" why"), "{said}");
}
