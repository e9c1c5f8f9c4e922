//! `--wait`: the installer waits for an engine that starts later, and for no other.

use std::thread;

use shared::containerd::PIN;
use shared::engines::all_built;
use shared::host::Host;
use shared::{NAME, patience, ready, until};

use super::{REAL, configured, copy_in, start_cri_dockerd, start_docker};

/// Returns what the installer says after it has waited for `start`.
fn said_after(host: &Host, arguments: &[&str], start: impl FnOnce()) -> (i32, String) {
    thread::scope(|scope| {
        let installer = scope.spawn(|| host.install(&[arguments, &["--wait", "300"]].concat()));
        until("it waits", || host.try_to(&["pgrep", "-x", "sleep"]).is_ok());
        start();
        installer.join().expect("it runs")
    })
}

fn served() -> String {
    format!("containerd: {NAME} is installed (before: nothing), {PIN}; ok\n")
}

/// Checks that it waits for an installed engine that starts later, and for one that is not installed yet if it is
/// named.
#[test]
fn it_waits() {
    if !ready(REAL) {
        return;
    }
    let others = ["podman", "docker", "dockerd"];
    let host = Host::new(&[&others[..], &["containerd"]].concat());
    let start = || {
        host.ok(&["umount", "/usr/bin/containerd"]);
        host.start_containerd(&configured(NAME));
    };
    assert_eq!(said_after(&host, &["--engine", "containerd"], start), (0, served()));

    // It waits for an installed engine that was killed and has left its socket.
    let host = Host::new(&others);
    let killed = host.start_containerd(&configured(NAME));
    killed.kill();
    until("it is killed", || host.try_to(&["pgrep", "-x", "containerd"]).is_err());
    assert!(host.file("/run/containerd/containerd.sock").exists());
    let none = "containerd: is not running; skipped\npause-install: no container engine is running here\n";
    assert_eq!(host.install(&[]), (1, none.to_owned()));
    let start = || _ = host.start_containerd(&configured(NAME));
    assert_eq!(said_after(&host, &[], start), (0, served()));
}

#[test]
fn it_does_not_wait_for_what_will_not_come() {
    if !ready(REAL) {
        return;
    }
    let patience = patience().to_string();
    let at_once = |host: &Host, arguments: &[&str]| {
        host.install_by(&["timeout", &patience, "dash"], &[arguments, &["--wait", "86400"]].concat())
    };
    let none = "pause-install: no container engine is running here\n";
    let bare = Host::new(&["podman", "docker", "dockerd", "containerd"]);
    assert_eq!(at_once(&bare, &[]), (1, none.to_owned()));
    let alone = Host::new(&["docker", "dockerd", "containerd"]);
    assert_eq!(at_once(&alone, &[]).0, 0, "Podman is no daemon");
    assert_eq!(at_once(&alone, &["--engine", "podman"]).0, 0, "nor if it is named");
    let other = Host::new(&["podman"]);
    other.start_containerd(&configured(NAME));
    let skipped = "Docker: is not running; skipped\n";
    assert_eq!(at_once(&other, &[]), (0, format!("{skipped}{}", served())), "another engine runs");
    let stopped = Host::new(&["podman", "docker", "dockerd"]);
    let line = format!("containerd: is not running; skipped\n{none}");
    let no_longer = stopped.install_by(&["timeout", &patience, "dash"], &["--wait", "1"]);
    assert_eq!(no_longer, (1, line));
}

/// Checks k3s, which starts its containerd some time after itself, and first writes its configuration.
#[test]
fn it_waits_for_k3s() {
    if !ready(REAL) {
        return;
    }
    let host = Host::new(&["podman", "docker", "dockerd", "containerd"]);
    host.write_program("/usr/local/bin/k3s", "#!/bin/sh\nexit 1\n");
    let data = "/var/lib/rancher/k3s";
    let (bin, config) = (format!("{data}/data/current/bin"), format!("{data}/agent/etc/containerd/config.toml"));
    let start = || {
        host.ok(&["umount", "/usr/bin/containerd"]);
        host.ok(&["mkdir", "-p", &bin]);
        host.ok(&["cp", "/usr/bin/containerd", "/usr/bin/ctr", &bin]);
        host.write(&config, &configured(NAME));
        host.start(&[&format!("{bin}/containerd"), "-c", &config, "-a", "/run/k3s/containerd/containerd.sock"]);
    };
    let skipped = "containerd: is not running; skipped\n";
    let kept = format!(", kept in {}; ok", copy_in(&format!("{data}/agent/images"), NAME));
    let line = served().replace("containerd: ", "k3s: ").replace("; ok", &kept);
    assert_eq!(said_after(&host, &[], start), (0, format!("{skipped}{line}")));
}

/// Checks Docker's own containerd, which starts before Docker and has no CRI.
#[test]
fn a_containerd_without_cri_does_not_end_the_waiting() {
    if !ready(REAL) {
        return;
    }
    let host = Host::new(&["podman"]);
    host.start_containerd("disabled_plugins = [\"cri\"]\n");
    let skipped = "containerd: its CRI plugin is disabled; skipped\n";
    let none = "Docker: is not running; skipped\npause-install: no container engine is running here\n";
    assert_eq!(host.install(&[]), (1, format!("{skipped}{none}")));
    let docker = format!("Docker: {NAME} is installed (before: nothing); ok\n");
    assert_eq!(said_after(&host, &[], || start_docker(&host)), (0, format!("{skipped}{docker}")));
}

/// Checks cri-dockerd, which, if installed, starts after Docker and knows the name.
#[test]
fn it_waits_for_cri_dockerd() {
    let programs = all_built(&["cri-dockerd-0.4", "cri-tools-1.37"]);
    let Some(programs) = programs.filter(|_| ready(REAL)) else { return };
    let host = Host::with_engines(&programs, &["podman"]);
    start_docker(&host);
    let command = "cri-dockerd --container-runtime-endpoint fd:// --pod-infra-container-image=a/b:1";
    let start = || _ = start_cri_dockerd(&host, command);
    let lines = "containerd: is not running; skipped\nDocker: docker.io/a/b:1 is installed (before: nothing); ok\n";
    assert_eq!(said_after(&host, &["--as", "configured"], start), (0, lines.to_owned()));
}
