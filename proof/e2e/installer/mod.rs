//! Does pause-install.sh put the image into each engine of a node, keep it there and remove it again, and does it
//! refuse what it should?
//!
//! containerd, CRI-O, crictl, Docker, cri-dockerd, Podman, systemd, cloud-init, ssh and Ansible are real. k3s, RKE2,
//! k0s and MicroK8s are simulated: around a real containerd or a real Docker, the tests create what the installer looks
//! at (programs, sockets, files, links). mutations.sh breaks the installer, to check that these tests notice.

mod boot_unit;
mod cloud_init;
mod containerd;
mod cri_dockerd;
mod crio;
mod damage;
mod endings;
mod many_nodes;
mod podman;
mod refusals;
mod removal;
mod taken_names;
mod trust;
mod truth;
mod vendors;
mod waiting;
mod which_engines;

use shared::daemon::Daemon;
use shared::host::Host;
use shared::ok;
use shared::runtime::{CRI_DOCKERD, cri_dockerd};

/// What `--check` says about running pauses: only the one that holds the host is running.
const ONLY_THE_HOSTS_OWN: &str = "running pauses: 1 of this release, 0 of earlier ones, 0 others";

/// What it says if only the engine can know.
const MAY_BE_ANOTHER: &str = "restart it, or pass --config: it may have started with another configuration";

/// A name of upstream's image, as k3s and RKE2 configure it, and as engines look it up.
const CONFIGURED: &str = "rancher/mirrored-pause:3.6";
const PAUSE: &str = "docker.io/rancher/mirrored-pause:3.6";

/// What most of these tests need.
const REAL: &[&str] = &["containerd", "dockerd", "podman", "runc", "skopeo"];

/// Builds an image in Docker with our entrypoint but another digest; `title` becomes its label and name. Returns the
/// name.
fn other_pause(title: &str) -> String {
    let (name, label) = (format!("localhost/{title}:1"), format!("--label=org.opencontainers.image.title={title}"));
    ok("docker", &["build", "--quiet", "--build-arg=TARGETARCH=amd64", &label, "--tag", &name, "."]);
    name
}

/// Returns a configuration of containerd 1 with the sandbox image `name`.
fn configured(name: &str) -> String {
    format!("version = 2\n[plugins.\"io.containerd.grpc.v1.cri\"]\nsandbox_image = \"{name}\"\n")
}

fn start_docker(host: &Host) {
    let daemon = host.start(&["dockerd", "--storage-driver=vfs", "--iptables=false", "--bridge=none"]);
    daemon.until("dockerd answers", || host.try_to(&["docker", "version"]).is_ok());
}

/// Returns the path of the copy of the image `name` in a directory from which k3s, RKE2 or k0s imports archives.
fn copy_in(folder: &str, name: &str) -> String {
    format!("{folder}/zz-pause-{}.tar", &xtask::sha256(name.as_bytes())[..16])
}

/// Starts cri-dockerd with `command`, and waits until it answers.
fn start_cri_dockerd(host: &Host, command: &str) -> Daemon {
    let words = cri_dockerd(command);
    let daemon = host.start(&words.iter().map(String::as_str).collect::<Vec<_>>());
    daemon.until("cri-dockerd answers", || host.try_to(&["crictl", "-r", CRI_DOCKERD, "version"]).is_ok());
    daemon
}

fn lines(said: &str) -> Vec<&str> {
    said.lines().collect()
}
