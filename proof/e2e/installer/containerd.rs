//! The installer and containerd: somebody else's, and one without a configuration file.

use shared::containerd::{PIN, is_version_2};
use shared::host::Host;
use shared::{NAME, ready};

use super::{REAL, configured};

/// Checks that a user's containerd, or one in a container, is not taken for an engine of this node, although it
/// answers.
#[test]
fn the_engines_of_others_are_left_alone() {
    if !ready(REAL) {
        return;
    }
    let host = Host::new(&["podman", "docker", "dockerd"]);
    host.start_containerd(&configured(NAME));
    let ask = |folder: &str, words: &[&str]| {
        host.try_to(&[&["ctr", "-a", &format!("{folder}/sock"), "-n", "k8s.io"], words].concat())
    };
    let hers = "setpriv --reuid=1000 --regid=1000 --clear-groups unshare --user --map-root-user --mount";
    let others = [("/run/user", hers), ("/run/inner", "unshare --pid --mount --fork --kill-child")];
    for (folder, start) in others {
        let file = format!("{folder}/config.toml");
        let config = format!(
            "version = 2\nroot = \"{folder}/root\"\nstate = \"{folder}/state\"\ndisabled_plugins = \
             [\"io.containerd.grpc.v1.cri\"]\n[grpc]\naddress = \"{folder}/sock\"\nuid = 0\ngid = 0\n"
        );
        host.write(&file, &config);
        host.ok(&["chmod", "0777", folder]);
        let words: Vec<&str> = start.split(' ').chain(["containerd", "-c", &file]).collect();
        host.start(&words).until("it answers", || ask(folder, &["version"]).is_ok());
    }
    let line = format!("containerd: {NAME} is installed (before: nothing), {PIN}; ok\n");
    assert_eq!(host.install(&[]), (0, line));
    for (folder, _) in others {
        assert_eq!(ask(folder, &["images", "ls", "-q"]).as_deref(), Ok(""), "{folder}");
    }
}

/// Checks containerd without a configuration file, which some packages do not install; 1.6 then prints only defaults.
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
