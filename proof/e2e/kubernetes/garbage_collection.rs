//! A kubelet that is told that the disk is full removes every image that no pod uses, except pinned ones. In its view,
//! no pod uses the image of its sandbox.

use serde_json::json;
use shared::runtime::{Kind, Oci, Runtime};
use shared::{BUSYBOX, NAME};

use super::kubelet::{NEWEST, Node};

pub fn spares_it(kind: Kind, oci: Oci) {
    let Some(node) = of_a_full_disk(kind, oci, NEWEST, &[]) else { return };
    if kind == Kind::Containerd("1.6") {
        let _row = node.row("its garbage collection removes all images, because this containerd cannot pin one");
        return node.kubelet().until("the kubelet has removed all images", || node.runtime.images().is_empty());
    }
    let _row = node.row("its garbage collection removes all images except the pinned one");
    spares_ours(node);
}

pub fn of_a_full_disk(kind: Kind, oci: Oci, kubelet: &str, flags: &[&str]) -> Option<Node> {
    let runtime = Runtime::start(kind, oci)?;
    runtime.import_as(BUSYBOX, "localhost/unused:1");
    let full = [("evictionHard", json!({ "imagefs.available": "1Pi" })), ("imageMinimumGCAge", json!("1ms"))];
    Node::with(runtime, kubelet, flags, &full)
}

pub fn spares_ours(mut node: Node) {
    node.kubelet().until("the kubelet has removed what nothing uses", || node.runtime.images() == [NAME]);
    node.configure(&[]);
    node.restart_kubelet();
    node.runtime.import_as(BUSYBOX, BUSYBOX);
    node.holds("separate");
}
