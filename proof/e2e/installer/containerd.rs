//! The installer and containerd: which of several, with which configuration, and how it checks and pins the image.

use std::fs;

use kit::messages::VERSION;
use shared::containerd::{PIN, TOO_OLD, is_version_2};
use shared::cri::Containerd;
use shared::engines::built;
use shared::host::Host;
use shared::{NAME, containerd, ready};

use super::{CONFIGURED, ONLY_THE_HOSTS_OWN, PAUSE, REAL, configured, lines};

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
    let inner =
        host.start(&["unshare", "--pid", "--fork", "--kill-child", "containerd", "-c", "/run/inner/config.toml"]);
    for (daemon, folder) in [(user, "/run/user"), (inner, "/run/inner")] {
        daemon.until("it answers", || host.try_to(&["ctr", "-a", &format!("{folder}/sock"), "version"]).is_ok());
    }
    let line = format!("containerd: {NAME} is installed (before: nothing), {PIN}, checked by ctr; ok\n");
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
    let none = "pause-install: no engine was served\n";
    assert_eq!(host.install(&[]), (1, format!("{skipped}{none}")));

    // Only its configuration file names its socket and folders.
    host.write(
        "/run/third/config.toml",
        &format!(
            "root = \"/run/third/root\"\nstate = \"/run/third/state\"\n\
             required_plugins = [\"io.containerd.grpc.v1.cri\"]\n{}[grpc]\naddress = \"/run/third/sock\"\n",
            configured("c/d:1")
        ),
    );
    let third = host.start(&["containerd", "-c", "/run/third/config.toml"]);
    third.until("it answers", || host.try_to(&["ctr", "-a", "/run/third/sock", "version"]).is_ok());
    let line = format!(
        "containerd at /run/third/sock: docker.io/c/d:1 is installed (before: nothing), {PIN}, checked by ctr; ok\n"
    );
    assert_eq!(host.install(&["--as", "configured"]), (0, format!("{skipped}{line}")));
    third.stop();

    host.write(
        "/run/other/config.toml",
        &format!("root = \"/run/other/root\"\nstate = \"/run/other/state\"\n{}", configured("a/b:1")),
    );
    let other = host.start(&["containerd", "--config=/run/other/config.toml", "--address", "/run/other/sock"]);
    other.until("it answers", || host.try_to(&["ctr", "-a", "/run/other/sock", "version"]).is_ok());
    let line = format!(
        "containerd at /run/other/sock: docker.io/a/b:1 is installed (before: nothing), {PIN}, checked by ctr; ok\n"
    );
    assert_eq!(host.install(&["--as", "configured"]), (0, format!("{skipped}{line}")));
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
        let line = format!(
            "containerd: registry.k8s.io/pause:{default} is installed (before: nothing), {PIN}, checked by ctr; ok\n"
        );
        assert_eq!(host.install(&["--as", "configured"]), (0, line));
    }
}

/// If crictl is in PATH, the installer asks the engine itself.
#[tokio::test]
async fn crictl_asks_the_engine() {
    let Some(crictl) = built("cri-tools-1.37").filter(|_| ready(REAL)) else { return };
    let first = containerd::of_1().map(|engines| (engines, TOO_OLD));
    let second = containerd::of_2().map(|engines| (engines, "pinned"));
    for (engines, pin) in [first, second].into_iter().flatten() {
        let config = |name: &str| configured(name) + "restrict_oom_score_adj = true\n";
        let mut host = Containerd::start(&engines, &config(CONFIGURED)).await;
        fs::copy(crictl.join("crictl"), host.file("/usr/local/bin/crictl")).expect("a program");
        let line = format!("containerd: {PAUSE} is installed (before: nothing), {pin}, checked by crictl; ok\n");
        assert_eq!(host.install(&["--as", "configured"]), (0, line));
        let line = format!(
            "containerd: configured: {CONFIGURED}; {PAUSE} is {}, {pin}, checked by crictl; ok",
            VERSION.trim()
        );
        let (status, said) = host.install(&["--as", "configured", "--check"]);
        assert_eq!((status, lines(&said)), (0, vec![line.as_str(), ONLY_THE_HOSTS_OWN]));

        // The engine's answer counts, not containerd's records: it may not know an image yet, or may hide it.
        host.write_program("/usr/local/bin/crictl", "#!/bin/sh\necho 'FATA[0000] no such image' >&2\nexit 1\n");
        let line = format!("containerd: {PAUSE} was imported, but crictl does not find it\n");
        assert_eq!(host.install(&["--as", "configured"]), (1, line));
        // A crictl that cannot talk to this engine is not used.
        host.write_program(
            "/usr/local/bin/crictl",
            "#!/bin/sh\necho 'unknown service runtime.v1.ImageService' >&2\nexit 1\n",
        );
        let (status, said) = host.install(&["--as", "configured"]);
        assert!(status == 0 && said.contains("checked by ctr"), "{said}");
        host.restart(&config(NAME)).await;
    }
}

/// containerd from 1.6.22 on pins, but sees a new pin only when it starts. Simulated, as Debian 12 has an older one: it
/// has the name of the label in it, which is what the installer looks for.
#[test]
fn a_pin_that_is_seen_after_a_restart() {
    let Some(crictl) = built("cri-tools-1.37").filter(|_| ready(REAL) && containerd::of_1().is_some()) else { return };
    let host = Host::new(&["podman", "docker", "dockerd"]);
    host.write("/etc/containerd/config.toml", &configured(NAME));
    host.ok(&["cp", "/usr/bin/containerd", "/usr/local/bin/containerd"]);
    host.ok(&["sh", "-c", "echo io.cri-containerd.pinned >>/usr/local/bin/containerd"]);
    let daemon = host.start(&["/usr/local/bin/containerd"]);
    daemon.until("containerd answers", || host.try_to(&["ctr", "version"]).is_ok());
    let line = "pinned, checked by ctr; restart it, so that it sees the pin\n";
    let (status, said) = host.install(&[]);
    assert!(status == 0 && said.ends_with(line), "{said}");
    // crictl knows better than the label.
    fs::copy(crictl.join("crictl"), host.file("/usr/local/bin/crictl")).expect("a program");
    let (status, said) = host.install(&["--check"]);
    assert!(status == 1 && said.contains(&line.replace("ctr", "crictl")), "{said}");
}
