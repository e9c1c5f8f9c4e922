//! The installer and cri-dockerd, which is simulated. Docker is real.

use kit::messages::VERSION;
use shared::host::Host;
use shared::ready;

use super::{REAL, stand_in, start_as, start_docker};

/// Simulated: cri-dockerd, by a process with its flag. Docker is real.
#[test]
fn cri_dockerd() {
    if !ready(REAL) {
        return;
    }
    let host = Host::new(&["podman"]);
    start_docker(&host);
    let help = r#"      --pod-infra-container-image string   The image. (default "registry.k8s.io/pause:3.9")"#;
    host.write("/run/answers/cri-dockerd --help", &format!("{help}\n"));
    stand_in(&host, "/usr/local/bin/cri-dockerd");
    let skipped = "containerd: is not running; skipped\n";
    let by_default =
        start_as(&host, "cri-dockerd", &["/usr/local/bin/cri-dockerd", "--container-runtime-endpoint", "fd://"]);
    let line = "Docker: registry.k8s.io/pause:3.9 is installed (before: nothing), checked by docker; ok\n";
    assert_eq!(host.install(&["--as", "configured"]), (0, format!("{skipped}{line}")));
    by_default.stop();
    start_as(
        &host,
        "cri-dockerd",
        &["/usr/local/bin/cri-dockerd", "--pod-infra-container-image=rancher/mirrored-pause:3.6"],
    );
    let name = "docker.io/rancher/mirrored-pause:3.6";
    let line = format!("Docker: {name} is installed (before: nothing), checked by docker; ok\n");
    assert_eq!(host.install(&["--as", "configured"]), (0, format!("{skipped}{line}")));
    assert_eq!(host.ok(&["docker", "run", "--rm", "--network=none", "rancher/mirrored-pause:3.6", "-v"]), VERSION);
}
