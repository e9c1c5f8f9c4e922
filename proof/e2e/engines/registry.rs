//! Tests of `make push` to a real registry, and of pulls from it.

use std::fs;
use std::net::{TcpListener, TcpStream};

use build::arch::ALL;
use kit::messages::VERSION;
use kit::skip::is_installed;
use shared::daemon::start;
use shared::{digest, has_cargo, ok, ready, run};

#[test]
fn what_is_pushed_is_what_is_pulled() {
    if !ready(&["containerd", "docker-registry", "dockerd", "podman", "skopeo"]) {
        return;
    }
    let name = format!("{}/pause", serve());
    let (by_tag, by_digest) = (format!("{name}:{}", env!("CARGO_PKG_VERSION")), format!("{name}@{}", digest("index")));
    if is_installed("cargo") {
        // `make push` leaves dist/ alone, which may contain another IMAGE: here, it cannot change dist/.
        let push = "mount --bind dist dist && mount -o remount,bind,ro dist && exec make --silent push \"$@\"";
        let image = format!("IMAGE={name}");
        ok("unshare", &["--mount", "sh", "-c", push, "sh", &image, "SKOPEO_FLAGS=--dest-tls-verify=false"]);
    } else {
        // What `make push` does once the image is built.
        let to = format!("docker://{by_tag}");
        ok("skopeo", &["copy", "--all", "--dest-tls-verify=false", "oci-archive:dist/pause.tar", &to]);
    }
    for reference in [&by_tag, &by_digest] {
        let remote = format!("docker://{reference}");
        let raw = ok("skopeo", &["inspect", "--tls-verify=false", "--raw", &remote]);
        assert_eq!(format!("sha256:{}", xtask::sha256(raw.as_bytes())), digest("index"));
        for arch in &ALL {
            let flags = [format!("--override-arch={}", arch.name)];
            let variant = format!("--override-variant={}", arch.variant.unwrap_or_default());
            let inspect = ["inspect", "--tls-verify=false", "--format={{.Architecture}}", &remote];
            let found = ok("skopeo", &[&[flags[0].as_str(), &variant], &inspect[..]].concat());
            assert_eq!(found.trim(), arch.name);
        }
        ok("skopeo", &["copy", "--all", "--src-tls-verify=false", &remote, "oci:/run/pulled:pause"]);
        ok("docker", &["pull", reference]);
        ok("podman", &["pull", "--tls-verify=false", reference]);
        ok("ctr", &["-n", "registry", "images", "pull", "--plain-http", "--all-platforms", reference]);
    }
    let pulled = ok("ctr", &["-n", "registry", "images", "ls"]);
    assert!(pulled.contains(&digest("index")), "{pulled}");
    assert_eq!(ok("docker", &["run", "--rm", "--network=none", &by_digest, "-v"]), VERSION);
}

#[test]
fn no_registry_is_one_line() {
    if !has_cargo() {
        return;
    }
    let said = run("make", &["--silent", "push"]).expect_err("no IMAGE");
    assert!(said.contains("name a registry: make push IMAGE=registry.example/pause\n"), "{said}");
}

/// Starts a registry, and returns its address.
pub fn serve() -> String {
    let address = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let folder = format!("/run/registry-{}", address.port());
    let config = format!(
        "version: 0.1\nstorage: {{ filesystem: {{ rootdirectory: {folder} }} }}\nhttp: {{ addr: {address} }}\n"
    );
    fs::write(format!("{folder}.yml"), config).expect("a file");
    let registry = start("docker-registry", &["serve", &format!("{folder}.yml")]);
    registry.until("the registry listens", || TcpStream::connect(address).is_ok());
    address.to_string()
}
