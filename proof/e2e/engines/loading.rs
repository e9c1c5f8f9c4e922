//! Tests that engines load and run the image.

use std::fs;

use build::arch::ALL;
use serde_json::Value;
use shared::compatibility::Row;
use shared::{NAME, digest, dist, ok, ready, until};

#[test]
fn containerd_imports_all_platforms_and_runs_it() {
    if !ready(&["containerd", "runc"]) {
        return;
    }
    let archive = dist("pause.tar");
    let _row = Row::new("containerd", &ok("containerd", &["--version"]), "all platforms imported, run by ctr");
    ok("ctr", &["-n", "image", "images", "import", "--all-platforms", &archive.to_string_lossy()]);
    let list = ok("ctr", &["-n", "image", "images", "ls", &format!("name=={NAME}")]);
    assert!(list.contains(&digest("index")), "{list}");
    for arch in &ALL {
        assert!(list.contains(&arch.platform()), "{} in {list}", arch.platform());
    }
    ok("ctr", &["-n", "image", "run", "-d", NAME, "held"]);
    ok("ctr", &["-n", "image", "task", "kill", "--signal=SIGTERM", "held"]);
    until("it has stopped", || ok("ctr", &["-n", "image", "task", "ls"]).contains("STOPPED"));
    ok("ctr", &["-n", "image", "task", "rm", "held"]);
    ok("ctr", &["-n", "image", "container", "rm", "held"]);
}

#[test]
fn the_dockerfile_makes_the_same_image_in_docker() {
    if !ready(&["dockerd", "skopeo"]) {
        return;
    }
    ok("docker", &["build", "--build-arg=TARGETARCH=amd64", "--tag=localhost/built:1", "."]);
    ok("docker", &["save", "-o", "/run/built.tar", "localhost/built:1"]);
    assert_eq!(config("docker-archive:/run/built.tar"), config_of_ours("amd64", "", "docker"));
    let container = ok("docker", &["create", "localhost/built:1"]);
    ok("docker", &["cp", &format!("{}:/pause", container.trim()), "/run/of-docker"]);
    ok("cmp", &["/run/of-docker", "dist/pause-amd64"]);
    ok("docker", &["rm", container.trim()]);
}

#[test]
fn the_dockerfile_makes_the_same_images_in_buildah() {
    if !ready(&["buildah", "skopeo", "umoci"]) {
        return;
    }
    let platforms: Vec<String> = ALL.iter().map(|arch| arch.platform()).collect();
    let platforms = format!("--platform={}", platforms.join(","));
    let build = ["build", "--isolation=chroot", "--timestamp=0", &platforms, "--manifest=localhost/built:2", "."];
    ok("buildah", &build);
    ok("buildah", &["manifest", "push", "--all", "localhost/built:2", "oci:/run/built:2"]);
    let index: Value = serde_json::from_str(&ok("skopeo", &["inspect", "--raw", "oci:/run/built:2"])).expect("JSON");
    assert_eq!(index["manifests"].as_array().map(Vec::len), Some(ALL.len()));
    for arch in &ALL {
        let variant = arch.variant.unwrap_or_default();
        let flags = [format!("--override-arch={}", arch.name), format!("--override-variant={variant}")];
        let copy = format!("oci:/run/of-buildah-{}:pause", arch.name);
        ok("skopeo", &[&flags[0], &flags[1], "copy", "oci:/run/built:2", &copy]);
        assert_eq!(config(&copy), config_of_ours(arch.name, variant, "buildah"), "{}", arch.name);
        let folder = format!("/run/of-buildah-{}-unpacked", arch.name);
        ok("umoci", &["unpack", "--image", copy.strip_prefix("oci:").expect("as above"), &folder]);
        let built = dist(&format!("pause-{}", arch.name));
        let unpacked = fs::read(format!("{folder}/rootfs/pause")).expect("a file");
        assert_eq!(unpacked, fs::read(built).expect("a file"), "{}", arch.name);
    }
}

/// Returns what engines read in an image's config.
fn config(image: &str) -> Value {
    let all: Value = serde_json::from_str(&ok("skopeo", &["inspect", "--config", image])).expect("JSON");
    let mut config = all["config"].clone();
    if let Some(labels) = config["Labels"].as_object_mut() {
        labels.remove("io.buildah.version"); // buildah's own
    }
    let known = ["Entrypoint", "Env", "Labels", "User", "WorkingDir"];
    serde_json::json!([known.map(|key| config[key].clone()), all["architecture"]])
}

/// Returns what engines read in our image's config, to be compared with that of `other`.
fn config_of_ours(arch: &str, variant: &str, other: &str) -> Value {
    let copy = format!("oci:/run/compared-with-{other}-{arch}:pause");
    let flags = [format!("--override-arch={arch}"), format!("--override-variant={variant}")];
    ok("skopeo", &[&flags[0], &flags[1], "copy", "oci-archive:dist/pause.tar", &copy]);
    config(&copy)
}
