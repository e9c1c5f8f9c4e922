//! critest, with which Kubernetes validates runtimes: its tests of pod sandboxes, which our pause holds.

use shared::BUSYBOX;
use shared::runtime::{Kind, Oci, Runtime};

/// The image of the containers in these tests, which critest pulls if it is missing.
const ITS_BUSYBOX: &str = "registry.k8s.io/e2e-test-images/busybox:1.29-2";

/// Runs all tests except those of metrics, which containerd 2.1 lacks and CRI-O collects only if configured to. Fewer
/// tests would prove less.
pub fn passes(kind: Kind, oci: Oci) {
    let Some(runtime) = Runtime::start(kind, oci) else { return };
    runtime.import_as(BUSYBOX, ITS_BUSYBOX);
    let version = runtime.host.ok(&["critest", "--version"]);
    let row = |how: &str| runtime.row("critest", &version, how);
    let endpoint = format!("--runtime-endpoint={}", runtime.socket);
    let options = ["--ginkgo.no-color", "--ginkgo.focus=PodSandbox", "--ginkgo.skip=metrics"];
    let run = || runtime.host.try_to(&[&["critest", &endpoint], &options[..]].concat());
    if kind == Kind::Containerd("1.6") {
        let fails = "StopPodSandbox [It] should not return an error if not found";
        let _row = row(&format!("its tests of pod sandboxes, except: {fails}"));
        let said = run().expect_err("one fails, whatever pause it is");
        return assert!(said.contains("8 Passed | 1 Failed") && said.contains(fails), "{said}");
    }
    let _row = row("its tests of pod sandboxes");
    let said = run().unwrap_or_else(|error| panic!("{error}"));
    assert!(said.contains("SUCCESS! -- 9 Passed | 0 Failed"), "{said}");
}
