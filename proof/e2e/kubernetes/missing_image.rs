//! What a kubelet says on a node without the image, as deploy/cri-dockerd/README.md quotes it.

use shared::documents::has_quoted;
use shared::runtime::Kind::Docker;
use shared::runtime::Oci::Runc;
use shared::runtime::Runtime;
use shared::runtime::Store::OfContainerd;
use shared::{BUSYBOX, NAME};

use super::kubelet::Node;
use super::pod::manifest;

#[test]
#[ignore = "make engines runs it"]
fn docker_29_has_none() {
    let Some(runtime) = Runtime::start(Docker("29", OfContainerd), Runc) else { return };
    runtime.import_as(BUSYBOX, BUSYBOX);
    runtime.host.ok(&["docker", "image", "rm", NAME]);
    let Some(node) = Node::start(runtime) else { return };
    let _row = node.row("a missing image, as deploy/cri-dockerd quotes what the kubelet says");
    node.add("separate", &manifest("separate", false).to_string());
    let is_quoted = || has_quoted("deploy/cri-dockerd/README.md", &node.kubelet().said());
    node.kubelet().until("the kubelet says it", is_quoted);
}
