//! The installer and cri-dockerd.

use shared::engines::all_built;
use shared::host::Host;
use shared::runtime::command_of_deploy;
use shared::{NAME, ready};

use super::{REAL, start_cri_dockerd, start_docker};

#[test]
fn gets_the_image_under_the_name_that_it_has_configured() {
    let programs = all_built(&["cri-dockerd-0.4", "cri-tools-1.37"]);
    let Some(programs) = programs.filter(|_| ready(REAL)) else { return };
    let host = Host::with_engines(&programs, &["podman"]);
    start_docker(&host);
    let skipped = "containerd: is not running; skipped\n";
    let by_default = start_cri_dockerd(&host, "cri-dockerd --container-runtime-endpoint fd://");
    let line = "Docker: registry.k8s.io/pause:3.10 is installed (before: nothing); ok\n";
    assert_eq!(host.install(&["--as", "configured"]), (0, format!("{skipped}{line}")));
    by_default.stop();
    start_cri_dockerd(&host, &command_of_deploy()); // the file in deploy/cri-dockerd
    let line = format!("Docker: {NAME} is installed (before: nothing); ok\n");
    assert_eq!(host.install(&["--as", "configured"]), (0, format!("{skipped}{line}")));
}
