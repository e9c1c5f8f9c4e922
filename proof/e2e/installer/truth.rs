//! "ok" means that a pod that is created now starts with this pause: the running engine counts, not its files.
//!
//! Pods are created through CRI, as a kubelet does, in containerd without and with pins.

use std::fs;

use shared::containerd::{self, of_2};
use shared::cri::{Containerd, OOM, POD};
use shared::engines::{all_built, built};
use shared::host::Host;
use shared::{NAME, digest, dist, ready};

use super::{MAY_BE_ANOTHER, REAL, configured, lines};

const OLD: &str = "registry.k8s.io/pause:3.6";

/// Follows the steps in deploy/containerd-1 and deploy/containerd-2, but forgets the restart.
#[tokio::test]
async fn what_was_edited_after_the_start_does_not_count() {
    for engines in [containerd::of_1(), of_2()].into_iter().flatten() {
        if !ready(REAL) {
            return;
        }
        let mut host = Containerd::start(&engines, &config(OLD)).await;
        assert_eq!(host.install(&[]).0, 0);
        host.write("/etc/containerd/config.toml", &config(NAME));
        host.run("old", POD).await.expect_err("its image is not there");
        let cannot_know = format!("; {MAY_BE_ANOTHER}");
        assert!(line(&host, &["--check"]).ends_with(&cannot_know));
        let said = line(&host, &[]);
        let differs =
            "; restart it, or pass --config: /etc/containerd/config.toml does not name the image that it uses";
        assert!(said.ends_with(if engines.is_empty() { &cannot_know } else { differs }), "{said}");
        host.restart(&config(NAME)).await;
        starts_a_pod(&mut host, &["--check"]).await;
        starts_a_pod(&mut host, &["--check", "--as", "configured"]).await;
        assert_eq!(host.install(&["--check"]).0, 0);
        // A file that was only touched is a reason to look, but not an error.
        host.ok(&["touch", "/etc/containerd/config.toml"]);
        assert_eq!(host.install(&["--check"]).0, 0);
    }
}

/// Checks that crictl tells with which configuration containerd 1 runs.
#[tokio::test]
async fn crictl_is_asked() {
    let (Some(engines), Some(crictl)) = (containerd::of_1(), built("cri-tools-1.37")) else { return };
    if !ready(REAL) {
        return;
    }
    let mut host = Containerd::start(&[engines, vec![crictl]].concat(), &config(OLD)).await;
    host.write("/etc/containerd/config.toml", &config(NAME));
    let said = line(&host, &[]);
    assert!(said.ends_with(&format!("; set sandbox_image to {NAME} and restart it")), "{said}");
    let said = line(&host, &["--check"]);
    assert!(said.contains(&format!("configured: {OLD}; ")) && !said.ends_with("ok"), "{said}");
    starts_a_pod(&mut host, &["--as", "configured"]).await; // under the name with which it runs
    host.restart(&config(NAME)).await;
    starts_a_pod(&mut host, &["--check"]).await;
}

/// Checks a configuration elsewhere: containerd 2's own pin shows which image it uses, whatever its file says now, and
/// whichever file that is.
#[test]
fn a_configuration_elsewhere_is_noticed() {
    for engines in [containerd::of_1(), of_2()].into_iter().flatten() {
        if !ready(REAL) {
            return;
        }
        let host = Host::with_engines(&engines, &["podman", "docker", "dockerd"]);
        host.write("/etc/containerd/here/c.toml", &configured(NAME));
        let daemon = host.start(&["sh", "-c", "cd /etc/containerd/here && exec containerd -c c.toml"]);
        daemon.until("it answers", || host.try_to(&["ctr", "version"]).is_ok());
        let with = ["--as", "configured", "--engine", "containerd", "--config", "/etc/containerd/here/c.toml"];
        assert!(line(&host, &with).contains(&format!("containerd: {NAME} is installed")));
        assert_eq!(host.install(&[&with[..], &["--check"]].concat()).0, 0);
        // Without --config, or when the file is gone.
        assert!(!line(&host, &["--as", "configured"]).ends_with("; ok"));
        host.ok(&["mv", "/etc/containerd/here/c.toml", "/etc/containerd/here/moved"]);
        let gone = "containerd: there is no /etc/containerd/here/c.toml\n";
        assert_eq!(host.install(&with), (1, gone.to_owned()));
    }
}

/// Checks containerd 2.0.0 to 2.0.5, whose `config dump` prints a default instead of what a file of version 2 says.
#[tokio::test]
#[ignore = "make engines runs it"]
async fn containerd_2_0_reads_a_file_of_version_2() {
    let engines = all_built(&["containerd-2.0", "runc-1.5", "cni-plugins-1.9"]);
    let Some(engines) = engines.filter(|_| ready(REAL)) else { return };
    let mut host = Containerd::start(&engines, &config(OLD)).await;
    let dump = host.ok(&["containerd", "config", "dump"]);
    assert!(!dump.contains(OLD), "{dump}");
    assert!(line(&host, &["--as", "configured"]).starts_with(&format!("containerd: {OLD} is installed")));
    starts_a_pod(&mut host, &["--check", "--as", "configured"]).await;
}

/// Checks that another plugin's key with the same name does not count.
#[tokio::test]
async fn the_key_is_that_of_cris_plugin() {
    for engines in [containerd::of_1(), of_2()].into_iter().flatten() {
        if !ready(REAL) {
            return;
        }
        let other = ["io.containerd.a.v1.before", "io.containerd.z.v1.after"].map(|plugin| {
            format!("[plugins.\"{plugin}\"]\nsandbox = \"{plugin}:1\"\nsandbox_image = \"{plugin}:2\"\n")
        });
        let mut host = Containerd::start(&engines, &(config(OLD) + &other.concat())).await;
        assert!(line(&host, &["--as", "configured"]).starts_with(&format!("containerd: {OLD} is installed")));
        starts_a_pod(&mut host, &["--check", "--as", "configured"]).await;
    }
}

/// Checks that nothing is ok if ctr works, but no pod can start.
#[test]
fn without_cri_nothing_is_ok() {
    let no_snapshotter = "[plugins.\"io.containerd.grpc.v1.cri\".containerd]\nsnapshotter = \"none\"\n";
    let no_runtime = "disabled_plugins = [\"io.containerd.cri.v1.runtime\"]\n";
    let both = [containerd::of_1().map(|engines| (engines, no_snapshotter)), of_2().map(|e| (e, no_runtime))];
    for (engines, more) in both.into_iter().flatten() {
        if !ready(REAL) {
            return;
        }
        let host = Host::with_engines(&engines, &["podman", "docker", "dockerd"]);
        let config = if more == no_runtime { more.to_owned() + &configured(NAME) } else { configured(NAME) + more };
        host.start_containerd(&config);
        for arguments in [&[][..], &["--check"]] {
            let (status, said) = host.install(arguments);
            let is_told = said.contains("its CRI plugin did not load, so no pod can start; see its log")
                || said.contains("its CRI plugin is disabled; skipped");
            assert!(status == 1 && is_told && !said.contains("; ok"), "{said}");
        }
    }
}

/// Checks that kubeadm's own name, next to the runtime's, needs no configuration.
#[tokio::test]
async fn several_names() {
    let Some(engines) = of_2().filter(|_| ready(REAL)) else { return };
    let mut host = Containerd::start(&engines, &config(OLD)).await;
    let names = ["--as", "configured", "--as", "registry.k8s.io/pause:3.10.2"];
    let (status, said) = host.install(&names);
    let installed = |name| format!("containerd: {name} is installed (before: nothing), pinned; ok");
    let expected = [installed(OLD), installed("registry.k8s.io/pause:3.10.2")];
    assert_eq!((status, lines(&said)), (0, expected.iter().map(String::as_str).collect()));
    starts_a_pod(&mut host, &[&names[..], &["--check"]].concat()).await;
    host.ok(&["ctr", "-n", "k8s.io", "images", "rm", "registry.k8s.io/pause:3.10.2"]);
    assert_eq!(host.install(&[&names[..], &["--check"]].concat()).0, 1);
    // Another name alone is also right, as long as the configured one has our image.
    assert!(line(&host, &["--as", "registry.k8s.io/pause:3.10.2"]).ends_with("; ok"));
    let images = host.images().await;
    assert!(images.iter().all(|image| image.pinned), "{images:?}");
    let (status, said) = host.install(&["--remove", "--force"]);
    assert!(status == 0 && said.contains(OLD) && said.contains(":3.10.2"), "{said}");
    assert_eq!(host.images().await.len(), 0);
}

/// Checks that a name may contain our image's digest, but no other.
#[tokio::test]
async fn our_own_digest() {
    let Some(engines) = of_2().filter(|_| ready(REAL)) else { return };
    let name = format!("registry.k8s.io/pause@{}", digest("index"));
    let mut host = Containerd::start(&engines, &config(&name)).await;
    assert_eq!(host.install(&["--as", "configured"]).0, 0);
    starts_a_pod(&mut host, &["--as", "configured", "--check"]).await;
    let (status, said) = host.install(&["--as", "registry.k8s.io/pause@sha256:0"]);
    let line = "containerd: no other image can have the digest in this name; configure only a tag: \
                registry.k8s.io/pause@sha256:0\n";
    assert_eq!((status, said.as_str()), (1, line));
}

/// Checks that the installer says "ok", and that a pod starts with our pause.
async fn starts_a_pod(host: &mut Containerd, arguments: &[&str]) {
    let (status, said) = host.install(arguments);
    let all_ok = said.lines().filter(|line| line.starts_with("containerd: ")).all(|line| line.ends_with("; ok"));
    assert!(status == 0 && all_ok, "{arguments:?}: {said}");
    let id = host.run("pod", POD).await.unwrap_or_else(|error| panic!("{said}{error}"));
    let (pause, _) = host.status(&id).await;
    let program = fs::read(host.file(&format!("/proc/{}/exe", pause.pid))).expect("a file");
    assert_eq!(program, fs::read(dist("pause-amd64")).expect("a file"));
    host.remove(&id).await;
}

fn config(name: &str) -> String {
    configured(name) + OOM
}

/// Returns what the installer says about containerd.
fn line(host: &Host, arguments: &[&str]) -> String {
    let (_, said) = host.install(arguments);
    said.lines().find(|line| line.starts_with("containerd")).unwrap_or_else(|| panic!("{said}")).to_owned()
}
