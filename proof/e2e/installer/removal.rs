//! `--remove`: each engine gets its previous images back.

use shared::host::Host;
use shared::{NAME, ok, ready};

use super::{PAUSE, REAL, configured, lines, other_pause, start_docker};

/// Checks engines that had another pause image under the same name, or none.
#[test]
fn what_was_there_before_is_back() {
    if !ready(REAL) {
        return;
    }
    let host = Host::new(&[]);
    host.start_containerd(&configured(PAUSE));
    start_docker(&host);
    host.import_as(&other_pause("another"), PAUSE);
    ok("docker", &["save", "-o", &host.file("/run/image.tar").to_string_lossy(), "localhost/another:1"]);
    for engine in ["docker", "podman"] {
        host.ok(&[engine, "load", "-i", "/run/image.tar"]);
        host.ok(&[engine, "tag", "localhost/another:1", PAUSE]);
    }
    let images = || [of_containerd(&host), of_engine(&host, "docker"), of_engine(&host, "podman")];
    let before = images();
    for arguments in [&["--as", PAUSE][..], &["--as", "registry.example:5000/new:1"], &[]] {
        assert_eq!(host.install(arguments).0, 0);
    }
    assert_ne!(images(), before);
    let (status, said) = host.install(&["--remove"]);
    for engine in ["containerd", "Docker", "Podman"] {
        let line = lines(&said).into_iter().find(|line| line.starts_with(engine)).expect("a line");
        assert!([NAME, "registry.example:5000/new:1", PAUSE].iter().all(|name| line.contains(name)), "{line}");
        assert!(line.ends_with(&format!("; put back: {PAUSE}; ok")), "{line}");
    }
    assert_eq!(status, 0);
    assert_eq!(images(), before);
    let (status, said) = host.install(&["--remove"]);
    assert_eq!((status, said.matches(": removed: nothing; ok\n").count()), (0, 3), "{said}");
}

/// Checks that another version of ours does not count as what was there before.
#[test]
fn another_version_of_ours_does_not_come_back() {
    let Some((host, before)) = with_another() else { return };
    host.import_as(&other_pause("pause"), "localhost/older:1");
    assert_eq!(host.install(&["--as", PAUSE]).0, 0);
    host.ok(&["ctr", "-n", "k8s.io", "images", "tag", "--force", "localhost/older:1", PAUSE]);
    let (status, said) = host.install(&["--as", PAUSE]);
    assert!(status == 0 && said.contains("(before: another version)"), "{said}");
    host.ok(&["ctr", "-n", "k8s.io", "images", "rm", "localhost/older:1"]);
    assert_eq!(host.install(&["--remove"]).0, 0);
    assert_eq!(of_containerd(&host), before);
}

/// Checks that nothing stays after an upgrade to this version, a name that was pulled again, and a changed
/// configuration.
#[test]
fn nothing_of_any_version_stays() {
    let Some((host, before)) = with_another() else { return };
    assert_eq!(host.install(&["--as", "configured", "--as", "registry.k8s.io/pause:3.10.2"]).0, 0);
    for name in ["registry.example/pause:0.0.9", "registry.k8s.io/pause:3.10.2"] {
        _ = host.try_to(&["ctr", "-n", "k8s.io", "images", "rm", name]);
        host.import_as(&other_pause("pause"), name);
    }
    host.ok(&["ctr", "-n", "k8s.io", "images", "rm", PAUSE]);
    host.import_as(&other_pause("another"), PAUSE); // pulled again
    host.write("/etc/containerd/config.toml", &configured("registry.k8s.io/pause:3.7"));
    assert_eq!(host.install(&["--remove"]).0, 0);
    assert_eq!(of_containerd(&host), before);
}

/// Makes a host with containerd, where the configured name refers to another pause image; also returns its images.
fn with_another() -> Option<(Host, Vec<String>)> {
    if !ready(REAL) {
        return None;
    }
    let host = Host::new(&["podman", "docker", "dockerd"]);
    host.start_containerd(&configured(PAUSE));
    host.import_as(&other_pause("another"), PAUSE);
    let before = of_containerd(&host);
    Some((host, before))
}

fn of_containerd(host: &Host) -> Vec<String> {
    let images = host.ok(&["ctr", "-n", "k8s.io", "images", "ls"]);
    let images = images.lines().skip(1).filter(|row| !row.starts_with("sha256:")); // CRI's own names
    images.map(|row| row.split_whitespace().take(3).collect()).collect()
}

fn of_engine(host: &Host, engine: &str) -> Vec<String> {
    let images = host.ok(&[engine, "images", "--no-trunc", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}"]);
    let mut images: Vec<String> = images.lines().map(str::to_owned).collect();
    images.sort();
    images
}
