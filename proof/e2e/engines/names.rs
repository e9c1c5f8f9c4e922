//! `pause-install.sh --as configured` and then a sandbox through CRI, offline, for each way to write the image's name.

use std::path::PathBuf;

use kit::messages::VERSION;
use shared::containerd::TOO_OLD;
use shared::cri::{Containerd, POD};
use shared::{NAME, containerd, digest, ready};

/// Names as configured, each with its normal form by the rules of github.com/distribution/reference.
const NAMES: [(&str, &str); 21] = [
    // With a host, which has a dot, a port or an upper-case letter, or is localhost.
    ("registry.k8s.io/pause:3.8", "registry.k8s.io/pause:3.8"),
    ("registry.k8s.io/pause", "registry.k8s.io/pause:latest"),
    ("gcr.io/google_containers/pause-amd64:3.1", "gcr.io/google_containers/pause-amd64:3.1"),
    ("registry.example:5000/pause:9", "registry.example:5000/pause:9"),
    ("registry.example:5000/a/untagged", "registry.example:5000/a/untagged:latest"),
    ("registry.example/deep/er/pa_use__x-y:1.0_x", "registry.example/deep/er/pa_use__x-y:1.0_x"),
    ("127.0.0.1:5000/pause:3", "127.0.0.1:5000/pause:3"),
    ("registry:5000/pause:4", "registry:5000/pause:4"),
    ("Registry/pause:1", "Registry/pause:1"),
    ("[::1]:5000/pause:5", "[::1]:5000/pause:5"),
    (NAME, NAME),
    ("localhost/kubernetes/pause", "localhost/kubernetes/pause:latest"), // EKS
    ("localhost:5000/a/b/pause:1", "localhost:5000/a/b/pause:1"),
    // Without a host.
    ("rancher/mirrored-pause:3.6", "docker.io/rancher/mirrored-pause:3.6"), // k3s, RKE2
    ("rancher/untagged", "docker.io/rancher/untagged:latest"),
    ("one:1", "docker.io/library/one:1"),
    ("two", "docker.io/library/two:latest"),
    ("library/three:1", "docker.io/library/three:1"),
    // With Docker Hub as the host.
    ("docker.io/rancher/four:1", "docker.io/rancher/four:1"),
    ("docker.io/five:1", "docker.io/library/five:1"),
    ("index.docker.io/rancher/six:1", "docker.io/rancher/six:1"),
];

#[tokio::test]
async fn containerd_1_starts_a_pod_under_each_name() {
    let Some(engines) = containerd::of_1() else { return };
    if ready(&["containerd", "runc"]) {
        let config = |name: &str| {
            let plugin = "plugins.\"io.containerd.grpc.v1.cri\"";
            format!("version = 2\n[{plugin}]\nsandbox_image = \"{name}\"\nrestrict_oom_score_adj = true\n")
        };
        each_name(&engines, &config, TOO_OLD).await;
    }
}

#[tokio::test]
async fn containerd_2_starts_a_pod_under_each_name() {
    let Some(engines) = containerd::of_2() else { return };
    if ready(&["containerd", "runc"]) {
        let config = |name: &str| {
            let plugin = |name| format!("plugins.'io.containerd.cri.v1.{name}'");
            let (images, runtime) = (plugin("images"), plugin("runtime"));
            format!(
                "version = 3\n[{images}.pinned_images]\nsandbox = '{name}'\n\
                 [{runtime}]\nrestrict_oom_score_adj = true\n"
            )
        };
        each_name(&engines, &config, "pinned").await;
    }
}

async fn each_name(engines: &[PathBuf], config: &dyn Fn(&str) -> String, pin: &str) {
    let mut host = Containerd::start(engines, &config(NAMES[0].0)).await;
    // containerd 1.6 has older rules for names, and does not support pinned images.
    let version_1_6 = host.version.starts_with("1.6");
    for (configured, normalised) in NAMES {
        host.restart(&config(configured)).await;
        let before = host.run("before", POD).await.expect_err("no image, and no network");

        if version_1_6 && ["Registry/pause:1", "[::1]:5000/pause:5"].contains(&configured) {
            assert!(before.contains("invalid reference format"), "{before}");
            let line = format!("containerd: containerd 1.6 refuses this name; configure another: {configured}\n");
            assert_eq!(host.install(&["--as", "configured"]), (1, line));
            continue;
        }
        let line = format!("containerd: {normalised} is installed (before: nothing), {pin}; ok\n");
        assert_eq!(host.install(&["--as", "configured"]), (0, line));

        let id = host.run("after", POD).await.unwrap_or_else(|error| panic!("{configured}: {error}"));
        assert!(host.is_ready(&id).await, "{configured}");
        host.remove(&id).await;
        for name in [configured, normalised] {
            let row = host.image(name);
            assert!(row.contains(&digest("index")), "{name}: {row}");
        }
        if !version_1_6 {
            let images = host.images().await;
            let ours = images.iter().find(|image| image.repo_tags.iter().any(|tag| tag == normalised));
            assert!(ours.is_some_and(|image| image.pinned), "{configured}: {images:?}");
        }

        let line = format!("containerd: configured: {configured}; {normalised} is {}, {pin}; ok\n", VERSION.trim());
        let (status, said) = host.install(&["--as", "configured", "--check"]);
        assert!(status == 0 && said.starts_with(&line), "{said}");
    }
}
