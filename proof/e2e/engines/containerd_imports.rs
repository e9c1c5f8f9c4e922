//! What containerd does with an imported file that contains the lines of deploy/: the rows `imports` and `conf.d` of
//! the table in its README.

use std::path::PathBuf;

use shared::host::Host;
use shared::{NAME, containerd, ready};

/// Another setting in the TOML table that the imported file sets.
const OTHER: &str = "max_concurrent_downloads = 7";

#[test]
fn containerd_1_replaces_the_table() {
    let Some(engines) = containerd::of_1() else { return };
    if ready(&["containerd", "runc"]) {
        let config = format!("version = 2\n[plugins.\"io.containerd.grpc.v1.cri\"]\n{OTHER}\n");
        let dump = with_import(&engines, &config, "containerd-1");
        assert!(dump.contains(&format!("sandbox_image = \"{NAME}\"")) && !dump.contains(OTHER), "{dump}");
    }
}

#[test]
fn containerd_2_merges_it() {
    let Some(engines) = containerd::of_2() else { return };
    if ready(&["containerd", "runc"]) {
        let config = format!("version = 3\n[plugins.'io.containerd.cri.v1.images']\n{OTHER}\n");
        let dump = with_import(&engines, &config, "containerd-2");
        assert!(dump.contains(&format!("sandbox = '{NAME}'")) && dump.contains(OTHER), "{dump}");
    }
}

/// Returns the configuration that containerd uses, after the installer has found the image's name in it.
fn with_import(engines: &[PathBuf], config: &str, deploy: &str) -> String {
    let host = Host::with_engines(engines, &["docker", "dockerd", "podman"]);
    host.write("/etc/containerd/conf.d/pause.toml", &containerd::config(deploy));
    host.start_containerd(&format!("imports = ['/etc/containerd/conf.d/*.toml']\n{config}"));
    let (status, said) = host.install(&["--as", "configured"]);
    assert!(status == 0 && said.starts_with(&format!("containerd: {NAME} is installed")), "{said}");
    host.ok(&["containerd", "config", "dump"])
}
