//! The installer and Podman, whose failures count only where they matter.

use shared::containerd::is_version_2;
use shared::host::Host;
use shared::{NAME, ready};

use super::{REAL, configured, lines};

#[test]
fn a_policy_that_refuses() {
    if !ready(REAL) {
        return;
    }
    let host = Host::new(&["docker", "dockerd", "containerd", "ctr"]);
    host.ok(&["mount", "-t", "tmpfs", "tmpfs", "/etc/containers"]);
    host.write("/etc/containers/policy.json", r#"{ "default": [{ "type": "reject" }] }"#);
    let (status, said) = host.install(&[]);
    assert_eq!(status, 1);
    assert!(said.starts_with("Podman: cannot load the image: "), "{said}");
    assert!(said.contains("is rejected by policy"), "the whole error is printed: {said}");
}

/// Checks a Podman that was never used: any of its commands would create the storage.
#[test]
fn a_check_leaves_nothing_where_it_was_never_used() {
    if !ready(REAL) {
        return;
    }
    let host = Host::new(&["docker", "dockerd", "containerd", "ctr"]);
    let found = || host.ok(&["find", "/var/lib/containers", "/run/containers", "/run/libpod", "/root", "/tmp"]);
    host.ok(&["mkdir", "-p", "/run/containers", "/run/libpod"]);
    let before = found();
    let (status, said) = host.install(&["--check"]);
    assert!(status == 1 && said.starts_with("Podman: has no image yet; skipped\n"), "{said}");
    assert_eq!(found(), before);
    assert_eq!(host.install(&[]).0, 0);
    assert_ne!(found(), before);
}

#[test]
fn podman_alone_fails_nothing() {
    if !ready(REAL) {
        return;
    }
    let host = Host::new(&["docker", "dockerd"]);
    host.start_containerd(&configured("Upper/pause:1"));
    host.write("/etc/containers/containers.conf.d/pause.conf", "[engine]\ninfra_image = \"Upper/pause:1\"\n");
    // Podman refuses such a name, and so does containerd 1.6.
    let (status, said) = host.install(&["--as", "configured"]);
    let [containerd, podman, ..] = lines(&said)[..] else { panic!("{said}") };
    let refused = "containerd: containerd 1.6 refuses this name; configure another: Upper/pause:1";
    assert!(if is_version_2() { status == 0 } else { status == 1 && containerd == refused }, "{said}");
    assert!(podman.starts_with("Podman: cannot load the image: "), "{said}");
    // With a name that containerd accepts, Podman's failure does not count.
    host.write("/etc/containerd/config.toml", &configured(NAME));
    let (status, said) = host.install(&["--as", "configured"]);
    assert!(status == 0 && said.contains("Podman: cannot load the image: "), "{said}");
}

/// Checks that, if another engine is installed, Podman's failure to install an image does not count, but its failure to
/// remove one does.
#[test]
fn a_refusal_of_podman_counts() {
    if !ready(REAL) {
        return;
    }
    let host = Host::new(&["docker", "dockerd"]);
    host.start_containerd(&configured("registry.k8s.io/pause:3.6"));
    let conf = format!("[engine]\ninfra_image = \"{NAME}\"\ninfra_command = \"/pause\"\n");
    host.write("/etc/containers/containers.conf.d/pause.conf", &conf);
    assert_eq!(host.install(&[]).0, 0);
    let (status, said) = host.install(&["--remove"]);
    let refusal = format!("Podman: {NAME} is the configured sandbox image and nothing replaces it; --force removes it");
    assert_eq!((status, lines(&said)), (1, vec![format!("containerd: removed: {NAME}; ok").as_str(), &refusal]));
    host.ok(&["podman", "image", "exists", NAME]);
}
