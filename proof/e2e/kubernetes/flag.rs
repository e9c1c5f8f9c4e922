//! The kubelet's `--pod-infra-container-image`: up to 1.23 it chooses the image that Docker runs, up to 1.34 it is
//! accepted, and 1.35 does not start with it, as deploy/kubelet/README.md says. Up to 1.28 it also keeps the image when
//! the disk is full.

use std::fs;

use build::root;
use shared::compatibility::{Origin, Row};
use shared::documents::has_quoted;
use shared::engines::built;
use shared::host::Host;
use shared::runtime::Kind::{Containerd, Dockershim};
use shared::runtime::Oci::Runc;
use shared::runtime::Runtime;
use shared::{BUSYBOX, ready};

use super::kubelet::Node;
use super::{garbage_collection, static_pods};

/// Returns what the file in deploy/kubelet passes to the kubelet.
fn flag() -> String {
    let file = fs::read_to_string(root().join("deploy/kubelet/kubelet")).expect("a file");
    file.trim().strip_prefix("KUBELET_EXTRA_ARGS=").expect("arguments").to_owned()
}

#[test]
#[ignore = "make engines runs it"]
fn kubelet_1_20_runs_what_it_names() {
    let Some(runtime) = Runtime::start(Dockershim, Runc) else { return };
    let flags = ["--container-runtime=docker", "--network-plugin=cni", "--cni-bin-dir=/opt/cni/bin", &flag()];
    if let Some(node) = Node::with(runtime, "kubelet-1.20", &flags, &[]) {
        static_pods::hold(node);
    }
}

/// Checks that the flag keeps the image where the runtime cannot pin it.
#[test]
#[ignore = "make engines runs it"]
fn kubelet_1_20_spares_what_it_names() {
    let socket = "--container-runtime-endpoint=unix:///run/containerd/containerd.sock";
    let flags = ["--container-runtime=remote", socket, &flag()];
    let node = garbage_collection::of_a_full_disk(Containerd("1.6"), Runc, "kubelet-1.20", &flags);
    if let Some(node) = node {
        let _row = node.row("its garbage collection removes all images except that of --pod-infra-container-image");
        garbage_collection::spares_ours(node);
    }
}

#[test]
#[ignore = "make engines runs it"]
fn kubelet_1_34_does_not_spare_what_it_names() {
    let node = garbage_collection::of_a_full_disk(Containerd("1.6"), Runc, "kubelet-1.34", &[&flag()]);
    if let Some(node) = node {
        let _row = node.row("its garbage collection also removes the image of --pod-infra-container-image");
        node.kubelet().until("the kubelet has removed all images", || node.runtime.images().is_empty());
    }
}

#[test]
#[ignore = "make engines runs it"]
fn kubelet_1_34_accepts_it() {
    let Some(runtime) = Runtime::start(Containerd("2.4"), Runc) else { return };
    runtime.import_as(BUSYBOX, BUSYBOX);
    let Some(node) = Node::with(runtime, "kubelet-1.34", &[&flag()], &[]) else { return };
    let _row = node.row("started with --pod-infra-container-image");
    node.holds("separate");
}

#[test]
#[ignore = "make engines runs it"]
fn kubelet_1_35_refuses_it() {
    let Some(kubelet) = built("kubelet-1.35").filter(|_| ready(&[])) else { return };
    let host = Host::with_engines(&[kubelet], &[]);
    let _row = Row::of(
        Origin::Module,
        "kubelet",
        &Row::version(&host.ok(&["kubelet", "--version"])),
        "does not start with --pod-infra-container-image: unknown flag",
    );
    let said = host.try_to(&["kubelet", &flag()]).expect_err("it does not start");
    assert!(has_quoted("deploy/kubelet/README.md", &said), "{said}");
}
