//! A kubelet's static pods, with and without a shared PID namespace, from their manifests to their removal, whatever
//! ends or restarts in the meantime.

use kit::messages::TERMINATED;
use procfs::process::Process;
use shared::daemon::Daemon;
use shared::runtime::{Kind, Oci, POD_LOGS, Runtime};
use shared::{BUSYBOX, until};

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
        let _row = node
            .row("all containers are killed: their IP still answers, and the next ones get it and their namespaces");
        all_containers_die(&node);
    }
    {
        let _row = node.row("the runtime and the kubelet are restarted while pods run");
        pods_outlive_restarts(&mut node);
    }
    {
        let _row = node.row("a sandbox ends on SIGTERM and is replaced");
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

fn all_containers_die(node: &Node) {
    for pod in look(node) {
        come_back(node, &pod, &[&pod.one, &pod.two]);
    }
}

/// Checks that a restarted daemon that still knows its pods restores a killed container, and leaves the rest alone.
fn pods_outlive_restarts(node: &mut Node) {
    let restarts: [fn(&mut Node); 2] = [|node| node.runtime.restart(), Node::restart_kubelet];
    for restart in restarts {
        let pods = look(node);
        restart(node);
        for pod in &pods {
            come_back(node, pod, &[&pod.two]);
        }
    }
}

/// Kills the last containers of a pod. Their successors must be in the same place, and the rest of the pod must be
/// unchanged, even before a kubelet has noticed anything.
fn come_back(node: &Node, old: &Pod, killed: &[&Process]) {
    let ip = old.address(node);
    let namespaces = old.namespaces(node);
    node.kubelet().while_stopped(|| {
        killed.iter().for_each(|container| signal(node, "KILL", container));
        until("they are dead", || !killed.iter().any(|container| container.is_alive()));
        node.runtime.host.busybox(&["ping", "-c", "1", &ip]).expect("the pod's IP answers");
    });
    let is_new = |new: &Pod| !killed.iter().any(|dead| new.pids().contains(&dead.pid));
    let back = || Pod::look(node, old.name).filter(is_new);
    let new = node.kubelet().found(&format!("{}'s containers are back", old.name), back);
    let kept = old.pids().len() - killed.len();
    assert_eq!(new.pids()[..kept], old.pids()[..kept], "{}", old.name);
    assert_eq!((new.address(node), new.namespaces(node)), (ip, namespaces), "{}", old.name);
}

/// Checks that a sandbox that ends is replaced, with all its containers.
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

/// Returns a program that prints what a sandbox says and, with Docker, its exit code. None with containerd, which
/// discards both, and ends sandboxes with SIGKILL.
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

fn signal(node: &Node, signal: &str, process: &Process) {
    node.runtime.host.ok(&["kill", "-s", signal, &process.pid.to_string()]);
}
