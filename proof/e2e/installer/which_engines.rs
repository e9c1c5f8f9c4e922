//! Which engines of a node the installer serves: several, one, none, and those beside a broken one.

use kit::messages::VERSION;
use shared::containerd::{PIN, sandbox_key};
use shared::host::Host;
use shared::{NAME, ready};

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
            "Docker: no sandbox image is configured; skipped",
            "containerd: configured: registry.k8s.io/pause:3.6; registry.k8s.io/pause:3.6 is not there; \
             run this without --check",
            "Podman: configured: rancher/late; docker.io/rancher/late:latest is not there; run this without --check",
            ONLY_THE_HOSTS_OWN,
        ]
    );
    assert_eq!(status, 1);

    for (shell, before) in [(&["dash"][..], "nothing"), (&["busybox", "sh"], "the same")] {
        let (status, said) = host.install_by(shell, &["--as", "configured"]);
        assert_eq!(
            lines(&said),
            [
                "Docker: no sandbox image is configured; skipped".to_owned(),
                format!(
                    "containerd: registry.k8s.io/pause:3.6 is installed (before: {before}), {PIN}, checked by ctr; ok"
                ),
                format!("Podman: docker.io/rancher/late:latest is installed (before: {before}), checked by podman; ok"),
            ]
        );
        assert_eq!(status, 0);
    }
    assert_eq!(host.install(&["--check", "--as", "configured"]).0, 0);
    host.ok(&["podman", "run", "--rm", "--network=none", "--cgroups=disabled", "docker.io/rancher/late", "-v"]);
}

#[test]
fn all_engines_get_the_same_name() {
    let Some(host) = of_three_engines() else { return };
    let name = "registry.example:5000/a/pause:9";
    let (status, said) = host.install(&["--as", name]);
    assert_eq!(
        lines(&said),
        [
            format!("Docker: {name} is installed (before: nothing), checked by docker; ok"),
            format!(
                "containerd: {name} is installed (before: nothing), {PIN}, checked by ctr; \
                 set {} to {name} and restart it",
                sandbox_key()
            ),
            format!(
                "Podman: {name} is installed (before: nothing), checked by podman; \
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
        (0, vec![format!("Docker: {NAME} is installed (before: nothing), checked by docker; ok").as_str()])
    );
    let (status, said) = host.install(&["--engine", "docker", "--as", "configured"]);
    assert_eq!((status, said.as_str()), (1, "Docker: no sandbox image is configured\n"));
    let (status, said) = host.install(&["--engine", "crio"]);
    assert_eq!((status, said.as_str()), (1, "pause-install: crio is not running here\n"));
}

#[test]
fn none() {
    if ready(REAL) {
        let host = Host::new(&["containerd", "ctr", "docker", "dockerd", "podman"]);
        let none = "pause-install: no container engine is running here\n".to_owned();
        for arguments in [&[][..], &["--as", "configured"]] {
            assert_eq!(host.install(arguments), (1, none.clone()));
        }
        assert_eq!(host.install(&["--check"]), (1, format!("{ONLY_THE_HOSTS_OWN}\n{none}")));
    }
}

#[test]
fn one_stopped() {
    if ready(REAL) {
        let host = Host::new(&["podman"]);
        let stopped = "containerd: is not running; skipped\nDocker: is not running; skipped\n";
        let none = format!("{stopped}pause-install: no container engine is running here\n");
        assert_eq!(host.install(&[]), (1, none));
        host.start_containerd(&configured(NAME));
        let served = format!("containerd: {NAME} is installed (before: nothing), {PIN}, checked by ctr; ok\n");
        assert_eq!(host.install(&[]), (0, format!("Docker: is not running; skipped\n{served}")));
    }
}

/// The other engines are still served.
#[test]
fn one_broken() {
    if !ready(REAL) {
        return;
    }
    let host = Host::new(&["podman"]);
    host.start_containerd(&configured(NAME));
    start_docker(&host);
    let docker = |before| format!("Docker: {NAME} is installed (before: {before}), checked by docker; ok");
    host.ok(&["mv", "/run/containerd/containerd.sock", "/run/away"]);
    let (status, said) = host.install(&[]);
    assert_eq!(status, 1);
    assert!(said.contains("containerd: does not answer at /run/containerd/containerd.sock: ctr: "), "{said}");
    assert!(said.contains(&docker("nothing")), "{said}");
    host.ok(&["mv", "/run/away", "/run/containerd/containerd.sock"]);

    host.write("/etc/containerd/config.toml", "no TOML");
    let (status, said) = host.install(&[]);
    assert_eq!(status, 1);
    assert!(said.contains("containerd: cannot print its configuration: ") && said.contains("TOML"), "{said}");
    assert!(said.contains(&docker("the same")), "{said}");
}

/// A host with Docker, containerd and Podman.
fn of_three_engines() -> Option<Host> {
    if !ready(REAL) {
        return None;
    }
    let host = Host::new(&[]);
    start_docker(&host); // first, so that it starts a containerd of its own
    host.start_containerd(&configured("registry.k8s.io/pause:3.6"));
    Some(host)
}
