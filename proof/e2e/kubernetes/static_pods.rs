//! Static pods of a kubelet, with and without a shared PID namespace, from their manifests to their removal, whatever
//! ends or starts again meanwhile.

use kit::messages::TERMINATED;
use shared::BUSYBOX;
use shared::daemon::Daemon;
use shared::runtime::{Kind, Oci, POD_LOGS, Runtime};

use super::kubelet::Node;
use super::pod::Pod;

/// A pod whose containers share a PID namespace, and one whose containers do not.
const PODS: [&str; 2] = ["shared", "separate"];

pub fn are_held(kind: Kind, oci: Oci) {
    let Some(runtime) = Runtime::start(kind, oci) else { return };
    if let Some(node) = Node::start(runtime) {
        hold(node);
    }
}

pub fn hold(mut node: Node) {
    node.runtime.import_as(BUSYBOX, BUSYBOX);
    {
        let _row = node.row("static pods, with and without a shared PID namespace, with orphans");
        start(&node);
    }
    {
        let _row = node.row("all containers are killed: the next ones have their namespaces and their IP");
        containers_that_die_come_back_where_they_were(&node);
    }
    {
        let _row = node.row("the runtime and the kubelet are restarted while pods run");
        pods_outlive_restarts(&mut node);
    }
    {
        let _row = node.row("a sandbox ends by SIGTERM, and is replaced");
        a_sandbox_that_ends_is_replaced(&node);
    }
    let _row = node.row("pods are removed, with their processes and interfaces");
    remove(&node);
}

fn start(node: &Node) {
    for name in PODS {
        node.holds(name);
    }
    assert_eq!(node.links(), PODS.len());
    node.reaps_orphans_of("shared");
}

fn look(node: &Node) -> [Pod; 2] {
    PODS.map(|name| node.kubelet().found(&format!("{name} is up"), || Pod::look(node, name)))
}

/// Pause alone holds the pod meanwhile.
fn containers_that_die_come_back_where_they_were(node: &Node) {
    for old in look(node) {
        let before = (old.address(node), old.namespaces(node));
        for container in [&old.one, &old.two] {
            signal(node, "KILL", container);
        }
        let new = node.kubelet().found(&format!("{}'s containers are back", old.name), || {
            Pod::look(node, old.name).filter(|new| new.one.pid != old.one.pid && new.two.pid != old.two.pid)
        });
        assert_eq!(new.pause.pid, old.pause.pid, "{}", old.name);
        assert_eq!((new.address(node), new.namespaces(node)), before, "{}", old.name);
    }
}

/// A restarted daemon that still knows its pods leaves them alone, and brings killed containers back.
fn pods_outlive_restarts(node: &mut Node) {
    let before = look(node).map(|pod| pod.pids());
    node.runtime.restart();
    node.restart_kubelet();
    assert_eq!(look(node).map(|pod| pod.pids()), before);
    containers_that_die_come_back_where_they_were(node);
}

/// With all its containers.
fn a_sandbox_that_ends_is_replaced(node: &Node) {
    let pods = look(node);
    let ends = PODS.map(|name| watch_the_end(node, name));
    for pod in &pods {
        signal(node, "TERM", &pod.pause);
    }
    ends.into_iter().flatten().for_each(is_that_of_sigterm);
    for old in &pods {
        let new = node.kubelet().found(&format!("{} has a new sandbox", old.name), || {
            Pod::look(node, old.name).filter(|_| !old.pause.is_alive() && !old.one.is_alive())
        });
        new.is_held_by_ours(node);
    }
}

fn remove(node: &Node) {
    let ends = PODS.map(|name| watch_the_end(node, name));
    for name in PODS {
        node.remove(name);
    }
    node.kubelet().until("nothing of the pods is left", || node.processes().next().is_none() && node.links() == 0);
    ends.into_iter().flatten().for_each(is_that_of_sigterm);
}

/// A program that prints what a sandbox says and, with Docker, its exit code. None with containerd, which throws both
/// away, and ends sandboxes by SIGKILL.
fn watch_the_end(node: &Node, pod: &str) -> Option<(Kind, Daemon)> {
    let ask = match node.runtime.kind {
        Kind::Containerd(_) => return None,
        Kind::CriO(_) => "crictl -r $1 pods --quiet --state=ready --name=$0-node",
        Kind::Docker(..) | Kind::Dockershim => "docker ps --quiet --filter=name=k8s_POD_$0-",
    };
    let id = node.runtime.host.ok(&["sh", "-c", ask, pod, node.runtime.socket]);
    let watch = match node.runtime.kind {
        Kind::CriO(_) => "exec tail -n +1 -f $1/*/$0.log",
        _ => "docker wait $0 & docker logs --follow $0 & wait",
    };
    let watch = node.runtime.host.start(&["sh", "-c", watch, id.trim(), POD_LOGS]);
    Some((node.runtime.kind, watch))
}

fn is_that_of_sigterm((kind, watch): (Kind, Daemon)) {
    watch.until("pause says that it ends", || watch.said().contains(TERMINATED.trim()));
    if !matches!(kind, Kind::CriO(_)) {
        watch.until("its exit code is 0", || watch.said().lines().any(|line| line == "0"));
    }
}

fn signal(node: &Node, signal: &str, process: &procfs::process::Process) {
    node.runtime.host.ok(&["kill", "-s", signal, &process.pid.to_string()]);
}
