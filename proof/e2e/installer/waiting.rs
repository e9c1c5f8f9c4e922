//! `--wait`: the installer waits for an engine that starts later, and for no other one.

use std::thread;

use shared::containerd::PIN;
use shared::host::Host;
use shared::{NAME, ready, until};

use super::{REAL, configured, lines, stand_in, start_as};

/// The installer waits for an installed engine that starts later, and for one that is not yet installed if it is named.
#[test]
fn it_waits() {
    if !ready(REAL) {
        return;
    }
    let served = format!("containerd: {NAME} is installed (before: nothing), {PIN}, checked by ctr; ok");
    for (hidden, arguments) in
        [(&[][..], &["--wait", "300"][..]), (&["containerd"], &["--wait=300", "--engine=containerd"])]
    {
        let arguments: Vec<&str> = arguments.iter().flat_map(|argument| argument.split('=')).collect();
        let host = Host::new(&[&["podman", "docker", "dockerd"], hidden].concat());
        thread::scope(|scope| {
            let installer = scope.spawn(|| host.install(&arguments));
            until("it waits", || host.try_to(&["pgrep", "-x", "sleep"]).is_ok());
            if !hidden.is_empty() {
                host.ok(&["umount", "/usr/bin/containerd"]);
            }
            host.start_containerd(&configured(NAME));
            let (status, said) = installer.join().expect("it runs");
            assert_eq!((status, lines(&said)), (0, vec![served.as_str()]));
        });
    }
    // It also waits for one that runs but does not answer yet.
    let host = Host::new(&["podman", "docker", "dockerd"]);
    host.start_containerd(&configured(NAME));
    host.ok(&["mv", "/run/containerd/containerd.sock", "/run/away"]);
    thread::scope(|scope| {
        let installer = scope.spawn(|| host.install(&["--wait", "300"]));
        until("it waits", || host.try_to(&["pgrep", "-x", "sleep"]).is_ok());
        host.ok(&["mv", "/run/away", "/run/containerd/containerd.sock"]);
        assert_eq!(installer.join().expect("it runs"), (0, format!("{served}\n")));
    });
}

#[test]
fn it_does_not_wait_for_what_will_not_come() {
    if !ready(REAL) {
        return;
    }
    let bare = Host::new(&["podman", "docker", "dockerd", "containerd"]);
    let none = "pause-install: no container engine is running here\n".to_owned();
    assert_eq!(bare.install(&["--wait", "86400"]), (1, none), "at once");
    let alone = Host::new(&["docker", "dockerd", "containerd"]);
    assert_eq!(alone.install(&["--wait", "86400"]).0, 0, "Podman is no daemon");
    let other = Host::new(&["podman"]);
    other.start_containerd(&configured(NAME));
    let (status, said) = other.install(&["--wait", "86400"]);
    assert!(status == 0 && said.starts_with("Docker: is not running; skipped\n"), "another engine runs: {said}");
    let stopped = Host::new(&["podman", "docker", "dockerd"]);
    let line = "containerd: is not running; skipped\npause-install: no container engine is running here\n".to_owned();
    assert_eq!(stopped.install(&["--wait", "1"]), (1, line));
}

/// k3s starts its containerd some time after itself.
#[test]
fn it_waits_for_k3s() {
    if !ready(REAL) {
        return;
    }
    let host = Host::new(&["podman", "docker", "dockerd", "containerd"]);
    stand_in(&host, "/usr/local/bin/k3s");
    host.ok(&["ln", "-s", "k3s", "/usr/local/bin/k3s-server"]);
    start_as(&host, "k3s-server", &["/usr/local/bin/k3s-server"]);
    let line = "k3s: is not running; skipped\npause-install: no container engine is running here\n".to_owned();
    assert_eq!(host.install(&["--wait", "1"]), (1, line));
}
