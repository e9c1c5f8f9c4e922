//! A damaged image: after a power loss, content and unpacked files can be empty or truncated. The installer finds and
//! repairs the damage, even while a pod is running.

use std::fs;
use std::path::{Path, PathBuf};

use shared::containerd::{self, of_2};
use shared::cri::{Containerd, OOM, POD};
use shared::host::Host;
use shared::{NAME, crio, dist, ready};

use super::{REAL, configured};

const CONTENT: &str = "/var/lib/containerd/io.containerd.content.v1.content/blobs/sha256";
const REPAIRED: &str = " is installed (before: damaged, repaired)";

/// Damages the index, the manifest, the configuration, the layer and the unpacked file.
#[tokio::test]
async fn each_blob_and_the_unpacked_file_in_containerd() {
    for engines in [containerd::of_1(), of_2()].into_iter().flatten() {
        if !ready(REAL) {
            return;
        }
        let mut host = Containerd::start(&engines, &(configured(NAME) + OOM)).await;
        assert_eq!(host.install(&[]).0, 0);
        let running = host.run("running", POD).await.expect("a sandbox");
        let ours = fs::read_dir(host.file(CONTENT)).expect("a folder").map(|blob| blob.expect("a blob").path());
        let mut repaired = 0;
        for blob in ours.collect::<Vec<PathBuf>>() {
            let whole = fs::read(&blob).expect("a blob");
            cut(&blob);
            if host.install(&["--check"]).0 == 0 {
                continue; // another platform's, of which containerd 2 keeps the manifests
            }
            repaired += 1;
            is_repaired(&host, &format!("sha256:{}", name(&blob)));
            assert_eq!(fs::read(&blob).expect("a blob"), whole);
        }
        assert_eq!(repaired, 4);
        // Leaves only another platform's content, as after an import of only that platform.
        for blob in fs::read_dir(host.file(CONTENT)).expect("a folder").map(|blob| blob.expect("a blob").path()) {
            let text = fs::read(&blob).expect("a blob");
            if String::from_utf8_lossy(&text).contains("\"amd64\"") && !String::from_utf8_lossy(&text).contains("arm64")
            {
                host.ok(&["ctr", "-n", "k8s.io", "content", "rm", &format!("sha256:{}", name(&blob))]);
            }
        }
        is_repaired(&host, "sha256:");
        let unpacked = "/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/1/fs/pause";
        cut(&host.file(unpacked));
        is_repaired(&host, unpacked);
        assert_eq!(fs::read(host.file(unpacked)).expect("a file"), fs::read(dist("pause-amd64")).expect("a file"));
        let snapshots = host.ok(&["ctr", "-n", "k8s.io", "snapshots", "ls"]);
        assert!(!snapshots.contains("pause-install"), "{snapshots}");
        assert!(host.is_ready(&running).await, "it lives on");
        let another = host.run("another", POD).await.expect("a sandbox");
        assert!(host.is_ready(&another).await);
        for id in [running, another] {
            host.remove(&id).await;
        }
        // With the name of the image, containerd also removes what it has unpacked of it. No pod uses the first copy any
        // more: with --sync, containerd removes it now, not after `run` has found it.
        host.ok(&["ctr", "-n", "k8s.io", "images", "tag", NAME, "localhost/unused:1"]);
        host.ok(&["ctr", "-n", "k8s.io", "images", "rm", "--sync", "localhost/unused:1"]);
        host.ok(&["ctr", "-n", "k8s.io", "run", "--rm", NAME, "unpacked", "/pause", "-v"]);
        let found = host.ok(&["find", "/var/lib/containerd", "-path", "*/fs/pause"]);
        let blobs = fs::read_dir(host.file(CONTENT)).expect("a folder").map(|blob| blob.expect("a blob").path());
        let is_config = |blob: &PathBuf| fs::read_to_string(blob).is_ok_and(|text| text.contains("\"rootfs\""));
        blobs.filter(is_config).for_each(|config| cut(&config));
        found.lines().for_each(|unpacked| cut(&host.file(unpacked)));
        let (status, said) = host.install(&[]);
        assert!(status == 0 && said.contains("damaged, repaired"), "{said}");
        assert_eq!(host.install(&["--check"]).0, 0);
    }
}

#[test]
fn the_unpacked_file_in_cri_o() {
    let Some(host) = crio::host(&["containerd", "ctr", "docker", "dockerd"]).filter(|_| ready(REAL)) else { return };
    let config = format!("[crio.image]\npause_image = \"{NAME}\"\n{}", crio::config("runc"));
    host.write("/etc/crio/crio.conf", &config);
    crio::start(&host, &[]);
    assert_eq!(host.install(&[]).0, 0);
    of_storage(&host, "/var/lib/containers/storage");
}

#[test]
fn the_unpacked_file_in_podman() {
    if !ready(REAL) {
        return;
    }
    let host = Host::new(&["containerd", "ctr", "docker", "dockerd"]);
    let conf = format!("[engine]\ninfra_image\t=\t\"{NAME}\"\n");
    host.write("/etc/containers/containers.conf.d/pause.conf", &conf);
    assert_eq!(host.install(&[]).0, 0);
    of_storage(&host, "/var/lib/containers/storage");
}

#[test]
fn the_unpacked_file_in_docker() {
    if !ready(REAL) {
        return;
    }
    let host = Host::new(&["podman"]);
    host.write("/etc/docker/daemon.json", r#"{ "storage-driver": "overlay2", "iptables": false, "bridge": "none" }"#);
    let daemon = host.start(&["dockerd"]);
    daemon.until("dockerd answers", || host.try_to(&["docker", "version"]).is_ok());
    assert_eq!(host.install(&[]).0, 0);
    of_storage(&host, "/var/lib/docker/overlay2");
}

/// Damages the unpacked file in an engine's storage, and checks that it is repaired.
fn of_storage(host: &Host, folder: &str) {
    let found = host.ok(&["find", folder, "-name", "pause", "-type", "f"]);
    let [unpacked] = found.lines().collect::<Vec<_>>()[..] else { panic!("{found}") };
    cut(&host.file(unpacked));
    is_repaired(host, unpacked);
}

/// Removes the second half of a file, as a power loss may.
fn cut(file: &Path) {
    let whole = fs::read(file).expect("a file");
    _ = fs::remove_file(file); // it may be read-only, and a hard link to another file
    fs::write(file, &whole[..whole.len() / 2]).expect("a file");
}

/// Checks that `--check` names the damage and changes nothing, and that the installer repairs it.
fn is_repaired(host: &Host, damage: &str) {
    for _ in 0..2 {
        let (status, said) = host.install(&["--check"]);
        let damaged = format!("{NAME} is damaged: {damage}");
        assert!(status == 1 && said.contains(&damaged) && said.contains("; run this without --check"), "{said}");
    }
    let (status, said) = host.install(&[]);
    assert!(status == 0 && said.contains(REPAIRED) && said.ends_with("; ok\n"), "{said}");
    let (status, said) = host.install(&["--check"]);
    assert_eq!(status, 0, "{said}");
}

fn name(blob: &Path) -> String {
    blob.file_name().expect("a name").to_string_lossy().into_owned()
}
