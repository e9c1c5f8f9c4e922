//! The installer and containerd: which of several, with which configuration, and how it checks and pins the image.

use shared::containerd::{PIN, is_version_2};
use shared::host::Host;
use shared::{NAME, ready};

use super::{REAL, configured};

/// A user's containerd or one in a container is not an engine of this node.
#[test]
fn the_engines_of_others_are_left_alone() {
    if !ready(REAL) {
        return;
    }
    let host = Host::new(&["podman", "docker", "dockerd"]);
    host.start_containerd(&configured(NAME));
    let config = |folder: &str| {
        format!(
            "version = 2\nroot = \"{folder}/root\"\nstate = \"{folder}/state\"\ndisabled_plugins = \
             [\"io.containerd.grpc.v1.cri\"]\n[grpc]\naddress = \"{folder}/sock\"\nuid = 0\ngid = 0\n"
        )
    };
    for folder in ["/run/user", "/run/inner"] {
        host.write(&format!("{folder}/config.toml"), &config(folder));
        host.ok(&["chmod", "0777", folder]);
    }
    let user = host.start(&[
        "setpriv",
        "--reuid=1000",
        "--regid=1000",
        "--clear-groups",
        "unshare",
        "--user",
        "--map-root-user",
        "--mount",
        "containerd",
        "-c",
        "/run/user/config.toml",
    ]);
    let inner = host.start(&[
        "unshare",
        "--pid",
        "--mount",
        "--fork",
        "--kill-child",
        "containerd",
        "-c",
        "/run/inner/config.toml",
    ]);
    for (daemon, folder) in [(user, "/run/user"), (inner, "/run/inner")] {
        daemon.until("it answers", || host.try_to(&["ctr", "-a", &format!("{folder}/sock"), "version"]).is_ok());
    }
    let line = format!("containerd: {NAME} is installed (before: nothing), {PIN}; ok\n");
    assert_eq!(host.install(&[]), (0, line));
    for folder in ["/run/user", "/run/inner"] {
        let images = host.ok(&["ctr", "-a", &format!("{folder}/sock"), "-n", "k8s.io", "images", "ls", "-q"]);
        assert_eq!(images, "");
    }
}

/// Docker's packages install a containerd whose CRI plugin is disabled, and a node can have two containerds.
#[test]
fn two_containerds_and_one_without_cri() {
    if !ready(REAL) {
        return;
    }
    let host = Host::new(&["podman", "docker", "dockerd"]);
    host.start_containerd("disabled_plugins = [\"cri\"]\n");
    let skipped = "containerd: its CRI plugin is disabled; skipped\n";
    let none = "pause-install: no container engine is running here\n";
    assert_eq!(host.install(&[]), (1, format!("{skipped}{none}")));

    host.write(
        "/run/other/config.toml",
        &format!("root = \"/run/other/root\"\nstate = \"/run/other/state\"\n{}", configured("a/b:1")),
    );
    let other = host.start(&["containerd", "--config=/run/other/config.toml", "--address", "/run/other/sock"]);
    other.until("it answers", || host.try_to(&["ctr", "-a", "/run/other/sock", "version"]).is_ok());
    let line = format!("containerd at /run/other/sock: docker.io/a/b:1 is installed (before: nothing), {PIN}; ok\n");
    let elsewhere = ["--engine", "containerd", "--socket", "/run/other/sock", "--config", "/run/other/config.toml"];
    assert_eq!(host.install(&[&elsewhere[..], &["--as", "configured"]].concat()), (0, line));
    assert!(host.ok(&["ctr", "-a", "/run/other/sock", "-n", "k8s.io", "images", "ls"]).contains("docker.io/a/b:1 "));
    assert_eq!(host.ok(&["ctr", "-n", "k8s.io", "images", "ls", "-q"]), "");
}

/// Some packages install no configuration file. containerd 1.6 then prints only its defaults.
#[test]
fn no_configuration_file() {
    if ready(REAL) {
        let host = Host::new(&["podman", "docker", "dockerd"]);
        let daemon = host.start(&["containerd"]);
        daemon.until("containerd answers", || host.try_to(&["ctr", "version"]).is_ok());
        let default = if is_version_2() { "3.10" } else { "3.6" };
        let line = format!("containerd: registry.k8s.io/pause:{default} is installed (before: nothing), {PIN}; ok\n");
        assert_eq!(host.install(&["--as", "configured"]), (0, line));
    }
}
