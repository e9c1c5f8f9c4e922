//! A pod with `hostUsers: false`: pause, and the containers that it holds, are in the pod's own user namespace.

use std::fs;

use serde_json::json;
use shared::BUSYBOX;
use shared::runtime::{Kind, Oci, Runtime};

use super::kubelet::Node;
use super::pod::{Pod, manifest};

pub fn is_held(kind: Kind, oci: Oci) {
    let Some(runtime) = Runtime::start(kind, oci) else { return };
    runtime.import_as(BUSYBOX, BUSYBOX);
    let Some(node) = Node::start(runtime) else { return };
    let mut pod = manifest("shared", true);
    pod["spec"]["hostUsers"] = json!(false);
    node.add("shared", &pod.to_string());
    if let Some(refusal) = refusal(kind) {
        let _row = node.row(&format!("no user namespace for a pod (hostUsers: false): {refusal}"));
        return node.kubelet().until("the kubelet says why", || node.kubelet().said().contains(refusal));
    }
    let _row = node.row("the pod's own user namespace (hostUsers: false)");
    let pod = node.kubelet().found("the pod is up", || Pod::look(&node, "shared"));
    pod.is_held_by_ours(&node);
    let users = |pid: i32, file: &str| fs::read_to_string(node.runtime.host.file(&format!("/proc/{pid}/{file}")));
    let map = users(pod.pause.pid, "uid_map").expect("it runs");
    let first: u32 = map.split_whitespace().nth(1).and_then(|id| id.parse().ok()).expect("a user");
    assert!(first >= 65536, "not the users of the node: {map}");
    let image_user = if matches!(kind, Kind::CriO(_)) { 0 } else { 65535 }; // CRI-O runs each pause as root
    assert_eq!(pod.pause.status().expect("it runs").ruid, first + image_user);
    assert_eq!(users(pod.one.pid, "uid_map").expect("it runs"), map);
    node.reaps_orphans_of("shared");
}

/// Checks what the kubelet says about a runtime that does not support user namespaces for pods.
fn refusal(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Containerd("1.6" | "1.7") | Kind::Docker(..) => Some("runtime does not support user namespaces"),
        _ => None,
    }
}
