//! A pod of two containers: its manifest, and its processes as they run.

use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;

use build::arch::Arch;
use kit::orphans::IN_A_POD;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use procfs::process::{Process, all_processes};
use serde_json::json;
use shared::{BUSYBOX, digest, ok};

/// The running processes of a pod.
pub struct Pod {
    pub name: &'static str,
    pub one: Process,
    pub two: Process,
    pub pause: Process,
}

impl Pod {
    pub fn look(name: &'static str) -> Option<Self> {
        let processes = || all_processes().expect("/proc").flatten();
        let of = |number: &str| {
            processes().find(|process| container(process).is_some_and(|of| of == format!("{name} {number}")))
        };
        let [one, two] = [of("one")?, of("two")?];
        let net = namespace(&one, "net")?;
        let pause =
            processes().find(|process| is_pause(process) && namespace(process, "net").as_ref() == Some(&net))?;
        Some(Self { name, one, two, pause })
    }

    pub fn is_held_by_ours(&self) {
        let sum = ok("sha256sum", &[&format!("/proc/{}/exe", self.pause.pid)]);
        let ours = digest(&format!("pause-{}", Arch::here().expect("an architecture of pause").name));
        assert_eq!(sum.split(' ').next(), ours.strip_prefix("sha256:"), "{}", self.name);
        let pid_within = self.pause.status().expect("it runs").nspid.and_then(|pids| pids.last().copied());
        assert_eq!(pid_within, Some(1), "{}", self.name);
        for container in [&self.one, &self.two] {
            for (kind, shared) in [("ipc", true), ("net", true), ("pid", self.name == "shared")] {
                let [its, ours] = [container, &self.pause].map(|process| namespace(process, kind).expect("it runs"));
                assert_eq!(its == ours, shared, "{}, {kind}", self.name);
            }
        }
    }

    pub fn address(&self) -> String {
        let net = format!("--net=/proc/{}/ns/net", self.two.pid);
        let address = ok("nsenter", &[&net, "ip", "-oneline", "-4", "address", "show", "eth0"]);
        assert!(address.contains("inet 10.244."), "{}: {address}", self.name);
        address
    }

    /// The namespaces that the second container shares with the sandbox.
    pub fn namespaces(&self) -> Vec<Option<PathBuf>> {
        let all: &[&str] = if self.name == "shared" { &["ipc", "net", "pid"] } else { &["ipc", "net"] };
        all.iter().map(|kind| namespace(&self.two, kind)).collect()
    }
}

/// Whether it is pause, or the command of a container.
pub fn is_of_a_pod(process: &Process) -> bool {
    is_pause(process) || container(process).is_some()
}

fn is_pause(process: &Process) -> bool {
    process.cmdline().is_ok_and(|words| words == ["/pause"])
}

/// The names of the pod and of the container whose command this process is; none until it sleeps.
fn container(process: &Process) -> Option<String> {
    let sleeps = process.cmdline().ok()? == ["/bin/busybox", "sleep", "1000000"];
    let name = process.environ().ok()?.get(OsStr::new("CONTAINER"))?.to_string_lossy().into_owned();
    sleeps.then_some(name)
}

/// None if the process has ended.
fn namespace(process: &Process, kind: &str) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{}/ns/{kind}", process.pid)).ok()
}

pub fn signal(process: &Process, signal: Signal) {
    _ = kill(Pid::from_raw(process.pid), signal); // if it still runs
}

pub fn pod(name: &str, shared: bool) -> serde_json::Value {
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
            // While a volume is mounted, this kubelet does not clean up the pod's cgroup. Otherwise it may kill
            // everything in there, including the sandbox, before the grace period of a deleted pod is over.
            "volumes": [{ "name": "volume", "emptyDir": {} }],
        },
    })
}
