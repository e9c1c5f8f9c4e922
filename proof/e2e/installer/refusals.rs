//! Tests that the installer prints one line that says why, when it refuses something or cannot do it.

use shared::host::Host;
use shared::{NAME, ready};

use super::{REAL, configured};

#[test]
fn a_full_disk_and_a_read_only_folder() {
    if !ready(REAL) {
        return;
    }
    let host = Host::new(&["docker", "dockerd", "podman"]);
    host.ok(&["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", "/var/lib/containerd"]);
    host.start_containerd(&configured(NAME));
    host.ok(&["sh", "-c", "cat /dev/zero >/var/lib/containerd/full 2>/dev/null || :"]);
    let (status, said) = host.install(&[]);
    assert_eq!(status, 1);
    assert!(said.starts_with("containerd: cannot import the image: ctr: "), "{said}");
    assert!(said.contains("no space left on device"), "{said}");
    assert_eq!(host.image(NAME), "");
    host.ok(&["rm", "/var/lib/containerd/full"]);

    host.ok(&["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", "/mnt"]);
    let (status, said) = host.install_by(&["env", "TMPDIR=/mnt", "dash"], &[]);
    let line = "pause-install: cannot unpack; set TMPDIR to a directory with more space: tar: ";
    assert!(status == 1 && said.starts_with(line) && said.lines().count() == 1, "{said}");
    assert_eq!(host.ok(&["ls", "/mnt"]), "");
    host.ok(&["mount", "-o", "remount,ro", "/mnt"]);
    let (status, said) = host.install_by(&["env", "TMPDIR=/mnt", "dash"], &[]);
    let line = "pause-install: set TMPDIR to a writable directory: mktemp: ";
    assert!(status == 1 && said.starts_with(line) && said.lines().count() == 1, "{said}");
    assert_eq!(host.install(&[]).0, 0);
}
