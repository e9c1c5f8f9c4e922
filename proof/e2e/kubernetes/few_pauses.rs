//! CRI-O by default: with `drop_infra_ctr`, only a pod that shares its processes has a pause.

use shared::BUSYBOX;
use shared::crio::config;
use shared::runtime::Kind::CriO;
use shared::runtime::Oci::Runc;
use shared::runtime::Runtime;

use super::kubelet::Node;
use super::pod::{containers, is_pause, manifest};

#[test]
fn cri_o_1_36_has_by_default() {
    let Some(mut runtime) = Runtime::start(CriO("1.36"), Runc) else { return };
    runtime.host.write("/etc/crio/crio.conf", &config("runc").replace("drop_infra_ctr = false\n", ""));
    runtime.restart();
    runtime.import_as(BUSYBOX, BUSYBOX);
    let Some(node) = Node::start(runtime) else { return };
    let _row = node.row("drop_infra_ctr, the default: a pod that shares its processes has a pause, another has none");
    node.holds("shared");
    node.add("separate", &manifest("separate", false).to_string());
    node.kubelet().until("both pods are up", || containers(&node).len() == 4);
    assert_eq!(node.processes().filter(is_pause).count(), 1);
}
