//! deploy/podman/pod.yaml, which docs/pod-by-hand.md describes, under a kubelet.

use std::collections::BTreeSet;
use std::fs;

use build::root;
use shared::documents::{normalized, processes_of_a_pod};
use shared::runtime::Kind::Containerd;
use shared::runtime::Oci::Runc;
use shared::runtime::Runtime;
use shared::{BUSYBOX, NGINX};

use super::kubelet::Node;

#[test]
fn is_as_it_says() {
    let Some(runtime) = Runtime::start(Containerd("2.4"), Runc) else { return };
    for image in [BUSYBOX, NGINX] {
        runtime.import_as(image, image);
    }
    let Some(node) = Node::start(runtime) else { return };
    let _row = node.row("deploy/podman/pod.yaml");
    node.add("pod", &fs::read_to_string(root().join("deploy/podman/pod.yaml")).expect("a file"));
    let process = |words: &[&str]| node.processes().find(|process| process.cmdline().is_ok_and(|line| line == words));
    // Runs what `kubectl exec pod -c sidecar` would run.
    let sidecar = |words: &[&str]| {
        let pid = process(&["sleep", "3600"]).ok_or("there is no sidecar")?.pid.to_string();
        let nsenter = ["timeout", "60", "nsenter", "--target", &pid, "--mount", "--net", "--ipc", "--pid"];
        node.runtime.host.try_to(&[&nsenter, words].concat())
    };
    let is_up = || {
        // The kubelet starts the containers in the order of the file, but a restarted one comes last.
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
        let processes = sidecar(&["ps", "-o", "pid,args"]).unwrap_or_default();
        lines(&normalized(&processes)) == lines(&processes_of_a_pod())
    };
    let kubelet = node.kubelet();
    kubelet.until("it has the processes that the document shows", is_up);
    let nginx = || kubelet.found("nginx runs", || process(&["nginx: master process nginx -g daemon off;"])).pid;
    let pause = || kubelet.found("pause runs", || process(&["/pause"]));
    let (first, held_by) = (nginx(), pause());
    assert_eq!(held_by.status().expect("it runs").ruid, 65535);

    let serves = || sidecar(&["wget", "-qO-", "http://localhost"]).as_deref() == Ok("served by nginx\n");
    kubelet.until("localhost answers", serves);
    let log = sidecar(&["cat", "/var/log/nginx/access.log"]).expect("the log that nginx writes");
    assert!(log.contains("\"GET / HTTP/1.1\" 200"), "{log}");

    node.runtime.host.ok(&["nsenter", "--target", &first.to_string(), "--all", "nginx", "-s", "quit"]);
    kubelet.until("nginx is back", || {
        process(&["nginx: master process nginx -g daemon off;"]).is_some_and(|new| new.pid != first)
    });
    kubelet.until("localhost answers again", serves);
    assert_eq!(pause().pid, held_by.pid);
    kubelet.until("it has the same processes again", is_up);

    node.remove("pod");
    kubelet.until("the pod is gone", || process(&["/pause"]).is_none() && process(&["sleep", "3600"]).is_none());
}
