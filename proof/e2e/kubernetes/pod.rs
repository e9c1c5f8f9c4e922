//! A pod of two containers: its manifest, and its processes as they run on a node.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;

use build::arch::Arch;
use kit::orphans::IN_A_POD;
use procfs::process::Process;
use serde_json::{Value, json};
use shared::{BUSYBOX, dist, ok};

use super::kubelet::Node;

/// The running processes of a pod.
pub struct Pod {
    pub name: &'static str,
    pub one: Process,
    pub two: Process,
    pub pause: Process,
}

impl Pod {
    /// Finds a pod; None until all of it is running.
    pub fn look(node: &Node, name: &'static str) -> Option<Self> {
        let mut containers = containers(node);
        let [one, two] = ["one", "two"].map(|number| containers.remove(&format!("{name} {number}")));
        let (one, two) = (one?, two?);
        let net = namespace(node, &one, "net")?;
        let is_its = |process: &Process| is_pause(process) && namespace(node, process, "net").as_ref() == Some(&net);
        let pause = node.processes().find(is_its)?;
        Some(Self { name, one, two, pause })
    }

    pub fn is_held_by_ours(&self, node: &Node) {
        let program = fs::read(node.runtime.host.file(&format!("/proc/{}/exe", self.pause.pid))).expect("it runs");
        let ours = format!("pause-{}", Arch::here().expect("an architecture of pause").name);
        assert!(program == fs::read(dist(&ours)).expect("a file"), "{}: the program", self.name);
        let pid_within = self.pause.status().expect("it runs").nspid.and_then(|pids| pids.last().copied());
        assert_eq!(pid_within, Some(1), "{}", self.name);
        for container in [&self.one, &self.two] {
            for (kind, shared) in [("ipc", true), ("net", true), ("pid", self.name == "shared")] {
                let [its, ours] =
                    [container, &self.pause].map(|process| namespace(node, process, kind).expect("it runs"));
                assert_eq!(its == ours, shared, "{}, {kind}", self.name);
            }
        }
    }

    pub fn address(&self, node: &Node) -> String {
        let net = node.runtime.host.file(&format!("/proc/{}/ns/net", self.two.pid));
        let net = format!("--net={}", net.display());
        let address = ok("nsenter", &[&net, "ip", "-oneline", "-4", "address", "show", "eth0"]);
        let ip = address.split_once("inet ").and_then(|(_, rest)| rest.split('/').next());
        ip.filter(|ip| ip.starts_with("10.88.")).unwrap_or_else(|| panic!("{}: {address}", self.name)).to_owned()
    }

    /// Returns the namespaces that the second container shares with the sandbox.
    pub fn namespaces(&self, node: &Node) -> Vec<Option<PathBuf>> {
        let all: &[&str] = if self.name == "shared" { &["ipc", "net", "pid"] } else { &["ipc", "net"] };
        all.iter().map(|kind| namespace(node, &self.two, kind)).collect()
    }

    pub fn pids(&self) -> [i32; 3] {
        [&self.pause, &self.one, &self.two].map(|process| process.pid)
    }
}

pub fn is_pause(process: &Process) -> bool {
    process.cmdline().is_ok_and(|words| words == ["/pause"])
}

/// Returns the running containers, by the names of the pod and of the container.
pub fn containers(node: &Node) -> HashMap<String, Process> {
    node.processes().filter_map(|process| Some((container(&process)?, process))).collect()
}

fn sleeps(process: &Process) -> bool {
    process.cmdline().is_ok_and(|words| words == ["/bin/busybox", "sleep", "1000000"])
}

/// Returns the names of the pod and of the container whose command this process is; none until it sleeps.
fn container(process: &Process) -> Option<String> {
    let environment = sleeps(process).then(|| process.environ().ok())??;
    Some(environment.get(OsStr::new("CONTAINER"))?.to_string_lossy().into_owned())
}

/// Returns None if the process has ended.
fn namespace(node: &Node, process: &Process, kind: &str) -> Option<PathBuf> {
    fs::read_link(node.runtime.host.file(&format!("/proc/{}/ns/{kind}", process.pid))).ok()
}

/// Writes the manifest of a pod.
pub fn manifest(name: &str, shared: bool) -> Value {
    let container = |number: &str, first: &str| {
        json!({
            "name": number,
            "image": BUSYBOX,
            "imagePullPolicy": "Never",
            "command": ["/bin/busybox", "sh", "-c", format!("{first} exec /bin/busybox sleep 1000000")],
            "env": [{ "name": "CONTAINER", "value": format!("{name} {number}") }],
            "volumeMounts": [{ "name": "volume", "mountPath": "/volume" }],
        })
    };
    let orphans = if shared { format!("({IN_A_POD}) || echo \"not reaped: $?\";") } else { String::new() };
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "name": name },
        "spec": {
            "shareProcessNamespace": shared,
            "terminationGracePeriodSeconds": 1,
            "containers": [container("one", &orphans), container("two", "")],
            // While a volume is mounted, the kubelet does not clean up the pod's cgroup. Otherwise it may kill
            // everything in it, including the sandbox, before the grace period of a deleted pod is over.
            "volumes": [{ "name": "volume", "emptyDir": {} }],
        },
    })
}
