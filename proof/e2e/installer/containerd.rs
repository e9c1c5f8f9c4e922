//! The installer and a containerd without a configuration file.

use shared::containerd::{PIN, is_version_2};
use shared::host::Host;
use shared::ready;

use super::REAL;

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
