//! critest, by which Kubernetes judges runtimes: its tests of pod sandboxes, which ours holds.

use shared::compatibility::Row;
use shared::cri::{Containerd, OOM};
use shared::engines::built;
use shared::{BUSYBOX, containerd, ready};

/// The image of the containers in these tests, which critest pulls if it is missing.
const ITS_BUSYBOX: &str = "registry.k8s.io/e2e-test-images/busybox:1.29-2";

#[tokio::test]
async fn its_tests_of_pod_sandboxes_pass() {
    let (Some(engines), Some(cri_tools)) = (containerd::of_2(), built("cri-tools-1.37")) else { return };
    if !ready(&["containerd", "dockerd", "runc"]) {
        return;
    }
    let added = format!("[plugins.'io.containerd.cri.v1.runtime']\n{OOM}");
    let host = Containerd::start(&engines, &(containerd::config("containerd-2") + &added)).await;
    host.install_programs(&cri_tools);
    let version = host.version.clone();
    let _row = Row::new("containerd through CRI, deploy/containerd-2", &version, "critest's tests of pod sandboxes");
    assert_eq!(host.install(&[]).0, 0);
    host.import_as(BUSYBOX, ITS_BUSYBOX);
    let socket = "--runtime-endpoint=unix:///run/containerd/containerd.sock";
    let said = host.ok(&["critest", socket, "--ginkgo.no-color", "--ginkgo.focus=PodSandbox"]);
    // With fewer tests it would prove less.
    assert!(said.contains("Ran 11 of ") && said.contains("SUCCESS! -- 11 Passed | 0 Failed"), "{said}");
}
