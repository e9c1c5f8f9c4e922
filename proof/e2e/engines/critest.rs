//! critest, by which Kubernetes judges runtimes: its tests of pod sandboxes, which ours holds.

use shared::compatibility::Row;
use shared::cri::{Containerd, config_of_2};
use shared::engines::built;
use shared::host::Host;
use shared::{BUSYBOX, containerd, ready};

use super::crio;

/// The image of the containers in these tests, which critest pulls if it is missing.
const ITS_BUSYBOX: &str = "registry.k8s.io/e2e-test-images/busybox:1.29-2";

#[tokio::test]
async fn its_tests_of_pod_sandboxes_pass_on_containerd() {
    let (Some(engines), Some(cri_tools)) = (containerd::of_2(), built("cri-tools-1.37")) else { return };
    if !ready(&["containerd", "dockerd", "runc"]) {
        return;
    }
    let host = Containerd::start(&engines, &config_of_2()).await;
    host.install_programs(&cri_tools);
    let version = host.version.clone();
    let _row = Row::new("containerd through CRI, deploy/containerd-2", &version, "critest's tests of pod sandboxes");
    assert_eq!(host.install(&[]).0, 0);
    host.import_as(BUSYBOX, ITS_BUSYBOX);
    passes(&host, "containerd/containerd.sock");
}

#[test]
fn its_tests_of_pod_sandboxes_pass_on_crio() {
    let Some(host) = crio::with_our_image() else { return };
    let version = host.ok(&["crio", "--version"]);
    let _row = Row::new("CRI-O, deploy/crio", &version, "critest's tests of pod sandboxes");
    crio::import_busybox_as(&host, ITS_BUSYBOX);
    passes(&host, "crio/crio.sock");
}

/// Runs these tests on the engine that listens on a socket in /run, except those of metrics: containerd 2.1
/// lacks them, and CRI-O collects them only if it is told to. With fewer tests it would prove less.
fn passes(host: &Host, socket: &str) {
    let socket = format!("--runtime-endpoint=unix:///run/{socket}");
    let options = ["--ginkgo.no-color", "--ginkgo.focus=PodSandbox", "--ginkgo.skip=metrics"];
    let said = host.ok(&[&["critest", &socket], &options[..]].concat());
    assert!(said.contains("SUCCESS! -- 9 Passed | 0 Failed"), "{said}");
}
