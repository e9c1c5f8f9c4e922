//! Which engines of a node the installer serves: several, one, none, and those next to a broken one.

use kit::messages::VERSION;
use shared::containerd::{PIN, sandbox_key};
use shared::host::Host;
use shared::{NAME, crio, ready};

use super::{ONLY_THE_HOSTS_OWN, REAL, configured, lines, start_docker};

#[test]
fn several_engines_are_each_served_once() {
    let Some(host) = of_three_engines() else { return };
    host.write("/etc/containers/containers.conf.d/10-pause.conf", "[engine]\ninfra_image = \"early:1\"\n");
    host.write("/etc/containers/containers.conf.d/20-pause.conf", "[engine]\ninfra_image = \"rancher/late\"\n");

    let (status, said) = host.install(&["--check", "--as", "configured"]);
    assert_eq!(
        lines(&said),
        [
            "Podman: has no image yet; skipped",
            "containerd: configured: registry.k8s.io/pause:3.6; registry.k8s.io/pause:3.6 is not there; \
             run this without --check",
            "Docker: no sandbox image is configured; skipped",
            ONLY_THE_HOSTS_OWN,
        ]
    );
    assert_eq!(status, 1);

    for (shell, before) in [(&["dash"][..], "nothing"), (&["busybox", "sh"], "the same")] {
        let (status, said) = host.install_by(shell, &["--as", "configured"]);
        assert_eq!(
            lines(&said),
            [
                format!("containerd: registry.k8s.io/pause:3.6 is installed (before: {before}), {PIN}; ok"),
                "Docker: no sandbox image is configured; skipped".to_owned(),
                format!("Podman: docker.io/rancher/late:latest is installed (before: {before}); ok"),
            ]
        );
        assert_eq!(status, 0);
    }
    assert_eq!(host.install(&["--check", "--as", "configured"]).0, 0);
    host.ok(&["podman", "run", "--rm", "--network=none", "--cgroups=disabled", "docker.io/rancher/late", "-v"]);
    // Of several files, the last one counts.
    host.write("/etc/containers/containers.conf.d/30-pause.conf", "[engine]\ninfra_image = \"rancher/later\"\n");
    let (status, said) = host.install(&["--as", "configured", "--engine", "podman"]);
    assert_eq!((status, &*said), (0, "Podman: docker.io/rancher/later:latest is installed (before: nothing); ok\n"));
}

#[test]
fn all_engines_get_the_same_name() {
    let Some(host) = of_three_engines() else { return };
    let name = "registry.example:5000/a/pause:9";
    let (status, said) = host.install(&["--as", name]);
    assert_eq!(
        lines(&said),
        [
            format!(
                "containerd: {name} is installed (before: nothing), {PIN}; \
                 set {} to {name} and restart it",
                sandbox_key()
            ),
            format!("Docker: {name} is installed (before: nothing); ok"),
            format!(
                "Podman: {name} is installed (before: nothing); \
                 set infra_image = \"{name}\" and infra_command = \"/pause\" in containers.conf"
            ),
        ]
    );
    assert_eq!(status, 0);
    assert_eq!(host.ok(&["docker", "run", "--rm", "--network=none", name, "-v"]), VERSION);
}

#[test]
fn only_one_engine_is_served() {
    let Some(host) = of_three_engines() else { return };
    let (status, said) = host.install(&["--engine", "docker"]);
    assert_eq!(
        (status, lines(&said)),
        (0, vec![format!("Docker: {NAME} is installed (before: nothing); ok").as_str()])
    );
    let (status, said) = host.install(&["--engine", "docker", "--as", "configured"]);
    assert_eq!((status, said.as_str()), (1, "Docker: no sandbox image is configured\n"));
    let (status, said) = host.install(&["--engine", "crio"]);
    assert_eq!((status, said.as_str()), (1, "pause-install: crio is not running here\n"));
}

/// Checks that the other engines are still served.
#[test]
fn one_broken() {
    if !ready(REAL) {
        return;
    }
    let host = Host::new(&["podman"]);
    host.start_containerd(&configured(NAME));
    start_docker(&host);
    let docker = |before| format!("Docker: {NAME} is installed (before: {before}); ok\n");
    // Something else takes its place, and closes each connection.
    let socket = "/run/containerd/containerd.sock";
    host.ok(&["mv", socket, "/run/away"]);
    let other = host.start(&["systemd-socket-activate", "--accept", "-l", socket, "true"]);
    other.until("it listens", || host.file(socket).exists());
    let (status, said) = host.install(&[]);
    assert_eq!(status, 1);
    assert!(said.starts_with(&format!("containerd: cannot reach it at {socket}: ctr: ")), "{said}");
    assert!(said.ends_with(&docker("nothing")), "{said}");
    host.ok(&["mv", "/run/away", socket]);

    host.write("/etc/containerd/config.toml", "no TOML");
    let (status, said) = host.install(&[]);
    assert_eq!(status, 1);
    assert!(said.starts_with("containerd: cannot print its configuration: ") && said.contains("TOML"), "{said}");
    assert!(said.ends_with(&docker("the same")), "{said}");
}

/// Checks a second containerd: options must say where it is, and these apply to no other engine.
#[test]
fn a_second_containerd() {
    if !ready(REAL) {
        return;
    }
    let host = Host::new(&["podman", "docker", "dockerd"]);
    host.start_containerd(&configured(NAME));
    // Only its configuration file names its socket and directories.
    let (socket, config) = ("/run/second/sock", "/run/second/config.toml");
    let text = format!(
        "root = \"/run/second/root\"\nstate = \"/run/second/state\"\n{}[grpc]\naddress = \"{socket}\"\n",
        configured("a/b:1")
    );
    host.write(config, &text);
    let second = host.start(&["containerd", "-c", config]);
    second.until("it answers", || host.try_to(&["ctr", "-a", socket, "version"]).is_ok());
    let images = |socket: &str| host.ok(&["ctr", "-a", socket, "-n", "k8s.io", "images", "ls", "-q"]);
    let name = "docker.io/a/b:1";
    let line = format!("containerd at {socket}: {name} is installed (before: nothing), {PIN}; ok\n");
    let said = ["--engine", "containerd", "--socket", socket, "--config", config];
    assert_eq!(host.install(&[&said[..], &["--as", "configured"]].concat()), (0, line));
    assert!(images(socket).contains(name));
    assert_eq!(images("/run/containerd/containerd.sock"), "");
    assert_eq!(host.install(&["--engine", "containerd"]).0, 0);
    assert!(!images(socket).contains(NAME));
    let removed = format!("containerd at {socket}: removed: a/b:1 {name}; ok\n");
    assert_eq!(host.install(&[&said[..], &["--remove", "--force"]].concat()), (0, removed));
    assert!(images("/run/containerd/containerd.sock").contains(NAME));
    // A configuration that is not its own proves nothing.
    let (status, said) = host.install(&[&said[..4], &["--as", "configured"]].concat());
    assert!(status == 0 && said.contains("; restart it"), "{said}");
}

/// Checks CRI-O next to containerd. Podman uses CRI-O's storage, and is served only if it is named.
#[test]
fn containerd_and_cri_o() {
    let Some(host) = crio::host(&["docker", "dockerd"]).filter(|_| ready(REAL)) else { return };
    let folders = "[crio]\nroot = \"/run/crio/s\"\nrunroot = \"/run/crio/r\"\nstorage_driver = \"vfs\"\n";
    let image = "[crio.image]\npause_image = \"registry.example/c:1\"\n";
    host.write("/etc/crio/crio.conf", &format!("{folders}{image}{}", crio::config("runc")));
    crio::start(&host, &[]);
    host.start_containerd(&configured("registry.example/d:1"));
    let containerd = format!("containerd: registry.example/d:1 is installed (before: nothing), {PIN}; ok\n");
    let crio = "CRI-O: registry.example/c:1 is installed (before: nothing), pinned; ok\n";
    assert_eq!(host.install(&["--as", "configured"]), (0, format!("{containerd}{crio}")));
    let podman = host.install(&["--engine", "podman"]);
    assert!(podman.0 == 0 && podman.1.starts_with("Podman: "), "{podman:?}");
}

/// Makes a host with Docker, containerd and Podman.
fn of_three_engines() -> Option<Host> {
    if !ready(REAL) {
        return None;
    }
    let host = Host::new(&[]);
    start_docker(&host); // first, so that it starts a containerd of its own
    host.start_containerd(&configured("registry.k8s.io/pause:3.6"));
    Some(host)
}
