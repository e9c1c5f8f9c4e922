//! Does a real kubelet hold its pods with pause, through containerd and through dockershim? `make kubelet` runs these
//! tests. The kubelet finds its usual folders empty.

mod kubelet;
mod pod;

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Stdio};

use build::root;
use kit::messages::TERMINATED;
use nix::sys::signal::Signal::{SIGKILL, SIGTERM};
use procfs::process::all_processes;
use shared::compatibility::Row;
use shared::documents::{has_quoted, normalized, processes_of_a_pod};
use shared::{ok, run};

use kubelet::{CRI, DOCKERSHIM, KUBELET, Kubelet, MANIFESTS, logs, manifest};
use pod::{Pod, is_of_a_pod, pod, signal};

/// A pod whose containers share a PID namespace, and one whose containers do not.
const PODS: [&str; 2] = ["shared", "separate"];

#[test]
fn through_containerd() {
    let Some(kubelet) = Kubelet::start(&CRI) else { return };
    let _row = kubelet.row("containerd");
    // Its CRI ends a sandbox only by SIGKILL, so there is nothing to check.
    holds_pods(&kubelet, |_| Box::new(|| ()));
}

#[test]
fn through_dockershim() {
    let Some(kubelet) = Kubelet::start(&DOCKERSHIM) else { return };
    let _row = kubelet.row("dockershim");
    holds_pods(&kubelet, |pod| {
        let id = ok("docker", &["ps", "--quiet", &format!("--filter=name=k8s_POD_{pod}-")]);
        // Started now, because the kubelet may remove the sandbox as soon as it ends. Both end with the sandbox.
        let [code, said] = [&["wait"][..], &["logs", "--follow"]].map(|verb| {
            let mut docker = Command::new("docker");
            docker.args(verb).arg(id.trim()).stdout(Stdio::piped()).stderr(Stdio::piped());
            docker.spawn().expect("docker runs")
        });
        Box::new(|| {
            let [code, said] = [code, said].map(|docker| docker.wait_with_output().expect("docker ends"));
            assert_eq!(String::from_utf8_lossy(&code.stdout), "0\n", "its exit code");
            assert_eq!(String::from_utf8_lossy(&said.stderr), TERMINATED);
        })
    });
}

/// Pods, from manifest to removal. Before a pod ends, `ending` is called with its name; what it returns is called once
/// the pod has ended.
fn holds_pods(kubelet: &Kubelet, ending: impl Fn(&str) -> Box<dyn FnOnce()>) {
    let links = || ok("ip", &["link", "show", "type", "veth"]);
    let before = links();
    for name in PODS {
        fs::write(manifest(name), pod(name, name == "shared").to_string()).expect("a file");
    }
    let pods = PODS.map(|name| kubelet.found(&format!("{name} is up"), || Pod::look(name)));
    for pod in &pods {
        pod.is_held_by_ours();
    }
    let said =
        kubelet.found("orphans have been counted", || Some(logs("shared", "one")).filter(|said| !said.is_empty()));
    assert!(said.contains("reaped") && !said.contains("not reaped"), "{said}");
    a_container_that_dies_comes_back_where_it_was(kubelet, &pods);

    let ended = PODS.map(&ending);
    a_sandbox_that_ends_is_replaced(kubelet, &pods);
    ended.into_iter().for_each(|ended| ended());

    let ended = PODS.map(&ending);
    for name in PODS {
        fs::remove_file(manifest(name)).expect("it was there");
    }
    kubelet.until("all processes of the pods have ended", || {
        let left = all_processes().expect("/proc").flatten();
        !left.into_iter().any(|process| is_of_a_pod(&process)) && links() == before
    });
    ended.into_iter().for_each(|ended| ended());
}

fn a_container_that_dies_comes_back_where_it_was(kubelet: &Kubelet, pods: &[Pod]) {
    for old in pods {
        let before = (old.address(), old.namespaces());
        signal(&old.two, SIGKILL);
        let new = kubelet.found(&format!("{}'s second container is back", old.name), || {
            Pod::look(old.name).filter(|new| new.two.pid != old.two.pid)
        });
        assert_eq!((new.pause.pid, new.one.pid), (old.pause.pid, old.one.pid), "{}", old.name);
        assert_eq!((new.address(), new.namespaces()), before, "{}", old.name);
    }
}

/// With all its containers.
fn a_sandbox_that_ends_is_replaced(kubelet: &Kubelet, pods: &[Pod]) {
    for pod in pods {
        signal(&pod.pause, SIGTERM);
    }
    for old in pods {
        let new = kubelet.found(&format!("{} has a new sandbox", old.name), || {
            Pod::look(old.name).filter(|_| !old.pause.is_alive() && !old.one.is_alive())
        });
        new.is_held_by_ours();
    }
}

/// deploy/podman/pod.yaml, which docs/pod-by-hand.md describes.
#[test]
fn the_pod_of_the_document() {
    let Some(kubelet) = Kubelet::start(&CRI) else { return };
    let _row = Row::new("kubelet, containerd", &ok(KUBELET, &["--version"]), "deploy/podman/pod.yaml");
    let manifest = format!("{MANIFESTS}/pod.yaml");
    fs::copy(root().join("deploy/podman/pod.yaml"), &manifest).expect("a file");
    let process = |words: &[&str]| {
        all_processes().expect("/proc").flatten().find(|process| process.cmdline().is_ok_and(|line| line == words))
    };
    // What `kubectl exec pod -c sidecar` runs.
    let sidecar = |words: &[&str]| {
        let pid = process(&["sleep", "3600"]).ok_or("there is no sidecar")?.pid.to_string();
        let nsenter = ["60", "nsenter", "--target", &pid, "--mount", "--net", "--ipc", "--pid"];
        run("timeout", &[&nsenter, words].concat())
    };
    let is_up = || {
        // The kubelet starts the containers in the order of the file, but a restarted one comes last.
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
        let processes = sidecar(&["ps", "-o", "pid,args"]).unwrap_or_default();
        lines(&normalized(&processes)) == lines(&processes_of_a_pod())
    };
    kubelet.until("it has the processes that the document shows", is_up);
    let nginx = || kubelet.found("nginx runs", || process(&["nginx: master process nginx -g daemon off;"])).pid;
    let pause = || kubelet.found("pause runs", || process(&["/pause"]));
    let (first, held_by) = (nginx(), pause());
    assert_eq!(held_by.status().expect("it runs").ruid, 65535);

    let serves = || sidecar(&["wget", "-qO-", "http://localhost"]).as_deref() == Ok("served by nginx\n");
    kubelet.until("localhost answers", serves);
    let log = sidecar(&["cat", "/var/log/nginx/access.log"]).expect("the log that nginx writes");
    assert!(log.contains("\"GET / HTTP/1.1\" 200"), "{log}");

    ok("nsenter", &["--target", &first.to_string(), "--all", "nginx", "-s", "quit"]);
    kubelet.until("nginx is back", || {
        process(&["nginx: master process nginx -g daemon off;"]).is_some_and(|new| new.pid != first)
    });
    kubelet.until("localhost answers again", serves);
    assert_eq!(pause().pid, held_by.pid);
    kubelet.until("it has the same processes again", is_up);

    fs::remove_file(manifest).expect("it was there");
    kubelet.until("the pod is gone", || process(&["/pause"]).is_none() && process(&["sleep", "3600"]).is_none());
}

/// deploy/kubelet/README.md quotes what a user sees if the image is missing.
#[test]
fn a_missing_image_is_what_the_readme_quotes() {
    let missing = [concat!("--pod-infra-container-image=localhost/missing:", env!("CARGO_PKG_VERSION"))];
    let Some(kubelet) = Kubelet::start(&[&DOCKERSHIM[..], &missing].concat()) else { return };
    fs::write(manifest("shared"), pod("shared", true).to_string()).expect("a file");
    kubelet.until("the kubelet says it", || has_quoted("deploy/kubelet/README.md", &kubelet.said()));
}
