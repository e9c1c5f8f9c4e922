//! What the other tests rely on: where this project may lie, and how long they wait for a daemon.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};

use build::root;
use kit::wait::message;
use shared::daemon::start;
use shared::host::Host;
use shared::{ok, ready};

/// isolated.sh and host.sh empty these folders. Below one of them, this project is still at its place.
#[test]
fn this_project_may_lie_anywhere() {
    // A host whose PID 1 prints a file of the project, instead of pause.
    let prints = "mount -t tmpfs tmpfs \"$0\"; mkdir \"$0/checkout\"
        mount --no-canonicalize --rbind . \"$0/checkout\"
        exec \"$0/checkout/proof/e2e/shared/isolated.sh\" sh -euc '
            printf \"#!/bin/sh\\nexec cat $0/Cargo.toml\" >/run/prints; chmod 0755 /run/prints
            exec unshare --mount --net --pid --fork \"$0/proof/e2e/shared/host.sh\" / /run/prints' \"$0/checkout\"";
    let file = fs::read_to_string(root().join("Cargo.toml")).expect("a file");
    for folder in ["/mnt", "/opt", "/run", "/tmp", "/usr/local/bin", "/var/lib/containers"] {
        let printed = ok("unshare", &["--mount", "--net", "sh", "-euc", prints, folder]);
        assert_eq!(printed, file, "{folder}");
    }
}

#[test]
fn a_daemon_that_ends_is_not_waited_for() {
    if !ready(&["containerd", "runc"]) {
        return;
    }
    let host = Host::new(&[]);
    let says = |wait: &dyn Fn()| message(catch_unwind(AssertUnwindSafe(wait)).expect_err("it cannot start"));
    let said = says(&|| _ = host.start_containerd("no TOML"));
    assert!(said.starts_with("not so: containerd answers: the daemon has ended, "), "{said}");
    assert!(said.contains(" containerd: failed to ") && said.contains("TOML"), "its own words: {said}");
    // What it did before it ended counts.
    start("true", &[]).until("it is so", || true);
    let said = says(&|| start("sh", &["-c", "echo why >&2; exit 3"]).until("it lives", || false));
    assert!(said.contains("exit status: 3") && said.ends_with(" why"), "{said}");
}
