//! Names for the image that already belong to another image.

use shared::host::Host;
use shared::{BUSYBOX, NAME, digest, ok, ready};

use super::{ONLY_THE_HOSTS_OWN, REAL, configured, lines, other_pause, start_docker};

#[test]
fn a_name_that_belongs_to_another_image() {
    if !ready(REAL) {
        return;
    }
    let host = Host::new(&[]);
    host.start_containerd(&configured(NAME));
    start_docker(&host);
    let name = "registry.k8s.io/pause:3.8";
    ok("docker", &["tag", BUSYBOX, name]);
    ok("docker", &["save", "-o", &host.file("/run/image.tar").to_string_lossy(), name]);
    for engine in ["docker", "podman"] {
        host.ok(&[engine, "load", "-i", "/run/image.tar"]);
    }
    host.import_as(BUSYBOX, name);
    let was = host.image(name);

    let refusal = format!("{name} is not a pause image (entrypoint /pause); --force replaces it");
    let (status, said) = host.install(&["--as", name]);
    let refusals = ["containerd", "Docker", "Podman"].map(|engine| format!("{engine}: {refusal}"));
    assert_eq!((status, lines(&said)), (1, refusals.iter().map(String::as_str).collect()));
    assert_eq!(host.image(name), was);
    let (status, said) = host.install(&["--as", name, "--check"]);
    assert_eq!(status, 1);
    for engine in ["containerd", "Docker", "Podman"] {
        let line = format!("{engine}: configured: ");
        let line = lines(&said).into_iter().find(|said| said.starts_with(&line)).expect("a line");
        assert!(line.ends_with("another image, not a pause image; choose another name, or --force"), "{line}");
    }

    let (status, said) = host.install(&["--as", name, "--force"]);
    assert_eq!(status, 0, "{said}");
    assert_eq!(said.matches("(before: another, kept as localhost/pause-before:").count(), 3, "{said}");
    assert!(host.image(name).contains(&digest("index")));
}

/// Checks that another pause image is kept, so that an operator can go back without a network.
#[test]
fn another_pause_image_is_kept() {
    if !ready(REAL) {
        return;
    }
    let host = Host::new(&["podman", "docker", "dockerd"]);
    let name = "registry.k8s.io/pause:3.8";
    host.start_containerd(&configured(name));
    host.import_as(&other_pause("other"), name);
    let digest_of = |row: String| row.split_whitespace().nth(2).expect("a digest").to_owned();
    let other = digest_of(host.image(name));

    let check = host.install(&["--check", "--as", "configured"]);
    let line = format!("containerd: configured: {name}; {name} is another image; run this without --check");
    assert_eq!((check.0, lines(&check.1)), (1, vec![line.as_str(), ONLY_THE_HOSTS_OWN]));
    let (status, said) = host.install(&["--as", "configured"]);
    let kept = said.split_once("(before: another, kept as ").and_then(|(_, kept)| kept.split_once(')'));
    let (kept, _) = kept.unwrap_or_else(|| panic!("{said}"));
    assert!(status == 0 && kept.starts_with("localhost/pause-before:registry.k8s.io_pause_3.8-"), "{said}");
    assert!(host.image(kept).contains(&other) && host.image(kept).contains("pinned=pinned"), "{}", host.image(kept));
    assert!(host.image(name).contains(&digest("index")));
    host.ok(&["ctr", "-n", "k8s.io", "run", "--rm", kept, "kept", "/pause", "-v"]);
}

/// Checks names that differ only in characters that a tag cannot contain.
#[test]
fn each_name_is_kept_apart() {
    if !ready(REAL) {
        return;
    }
    let host = Host::new(&["podman", "docker", "dockerd"]);
    host.start_containerd(&configured(NAME));
    let names = ["registry.example/a/b:1", "registry.example/a_b:1"];
    let rows = |host: &Host| names.map(|name| host.image(name).split_whitespace().nth(2).map(str::to_owned));
    for (name, title) in names.iter().zip(["one", "two"]) {
        host.import_as(&other_pause(title), name);
    }
    let before = rows(&host);
    assert_eq!(host.install(&["--as", names[0], "--as", names[1]]).0, 0);
    rows(&host).iter().zip(&before).for_each(|(now, before)| assert_ne!(now, before));
    assert_eq!(host.install(&["--remove"]).0, 0);
    assert_eq!(rows(&host), before);
}
