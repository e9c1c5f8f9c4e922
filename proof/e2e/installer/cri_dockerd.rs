//! The installer and cri-dockerd, which is simulated. Docker is real.

use std::fs;

use build::root;
use kit::messages::VERSION;
use shared::host::Host;
use shared::{NAME, ready};

use super::{CONFIGURED, PAUSE, REAL, stand_in, start_as, start_docker};

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
    let by_flag = start_as(
        &host,
        "cri-dockerd",
        &["/usr/local/bin/cri-dockerd", &format!("--pod-infra-container-image={CONFIGURED}")],
    );
    let line = format!("Docker: {PAUSE} is installed (before: nothing), checked by docker; ok\n");
    assert_eq!(host.install(&["--as", "configured"]), (0, format!("{skipped}{line}")));
    assert_eq!(host.ok(&["docker", "run", "--rm", "--network=none", CONFIGURED, "-v"]), VERSION);
    by_flag.stop();
    let unit = fs::read_to_string(root().join("deploy/cri-dockerd/10-pause.conf")).expect("a file");
    let command = unit.lines().find_map(|line| line.strip_prefix("ExecStart=/usr/bin/")).expect("a command");
    let command = format!("/usr/local/bin/{command}");
    start_as(&host, "cri-dockerd", &command.split(' ').collect::<Vec<_>>());
    let line = format!("Docker: {NAME} is installed (before: nothing), checked by docker; ok\n");
    assert_eq!(host.install(&["--as", "configured"]), (0, format!("{skipped}{line}")));
}
