//! The engines of this machine, which all tests share, with the images of applications.

use std::fs;
use std::sync::Once;

use kit::skip::{has, is_installed};

use crate::daemon::start;
use crate::tools::{ok, run};

/// An image of Debian's BusyBox, under the name of the image that users pull.
pub const BUSYBOX: &str = "docker.io/library/busybox:latest";
/// An image of BusyBox with ipcmk and nginx, which it runs.
pub const NGINX: &str = "docker.io/library/nginx:latest";
/// Makes `podman import` and `docker import` set that image's command.
pub const RUNS_NGINX: &str = "--change=CMD [\"nginx\", \"-g\", \"daemon off;\"]";

/// The programs in these images.
const APPLICATIONS: &[&str] = &["busybox", "ipcmk", "nginx"];

/// Returns whether these programs are installed; reports a skip if not. If they are, all installed engines run until
/// the tests end and have the images of applications, and dist/ contains our image.
pub fn ready(programs: &[&str]) -> bool {
    static READY: Once = Once::new();
    let all = programs.iter().chain(APPLICATIONS).all(|program| has(program));
    if all {
        READY.call_once(start_engines);
    }
    all
}

fn start_engines() {
    if is_installed("cargo") {
        ok("make", &["--silent", "image"]);
    }
    ok("proof/e2e/shared/applications.sh", &[]);
    if is_installed("containerd") {
        let config =
            "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\"]\nsandbox_image = \"registry.k8s.io/pause:3.6\"\n";
        fs::write("/etc/containerd/config.toml", config).expect("a file");
        start("containerd", &[]).until("containerd answers", || run("ctr", &["version"]).is_ok());
    }
    if is_installed("dockerd") {
        let flags = ["--containerd=/run/containerd/containerd.sock", "--add-runtime=crun=/usr/bin/crun"];
        start("dockerd", &flags).until("dockerd answers", || run("docker", &["version"]).is_ok());
        ok("docker", &["load", "-i", "dist/pause.tar.gz"]);
        ok("docker", &["import", "/run/busybox.tar", BUSYBOX]);
        ok("docker", &["import", RUNS_NGINX, "/run/nginx.tar", NGINX]);
    }
}
