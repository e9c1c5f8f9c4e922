//! A kubelet with static pods and without an API server, on the host of a runtime.

use std::sync::{Mutex, MutexGuard, PoisonError};

use procfs::process::{Process, all_processes_with_root};
use serde_json::{Value, json};
use shared::compatibility::Row;
use shared::daemon::Daemon;
use shared::engines::built;
use shared::runtime::{POD_LOGS, Runtime};
use shared::{ok, until};

use super::pod::{Pod, manifest};

/// The directory in which it looks for pods.
const MANIFESTS: &str = "/run/pods";
pub const NEWEST: &str = "kubelet-1.37";

/// A node: a runtime and the kubelet that uses it.
pub struct Node {
    kubelet: Option<Daemon>,
    pub runtime: Runtime,
    flags: Vec<String>,
    is_newest: bool,
    /// Serializes the tests: all kubelets use the same cgroups.
    _one_at_a_time: MutexGuard<'static, ()>,
}

impl Node {
    /// Starts a node with the newest kubelet; none if the test is skipped.
    pub fn start(runtime: Runtime) -> Option<Self> {
        Self::with(runtime, NEWEST, &[], &[])
    }

    /// Starts a node with a kubelet in proof/packages/engines/versions, with flags, and with additions to its
    /// configuration.
    pub fn with(runtime: Runtime, kubelet: &str, flags: &[&str], added: &[(&str, Value)]) -> Option<Self> {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let program = built(kubelet)?;
        let one_at_a_time = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let host = &runtime.host;
        host.install_programs(&program);
        host.look_tuned();
        if !runtime.under_systemd {
            no_groups_are_left();
        }
        host.ok(&["mkdir", "-p", MANIFESTS]);
        let flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        let is_newest = kubelet == NEWEST;
        let mut node = Self { kubelet: None, runtime, flags, is_newest, _one_at_a_time: one_at_a_time };
        node.configure(added);
        node.start_kubelet();
        Some(node)
    }

    pub fn configure(&self, added: &[(&str, Value)]) {
        let mut config = json!({
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "containerRuntimeEndpoint": self.runtime.socket,
            "staticPodPath": MANIFESTS,
            "fileCheckFrequency": "1s",
            // There is no API server to ask, and the network contains only the pods.
            "authentication": { "webhook": { "enabled": false } },
            "authorization": { "mode": "AlwaysAllow" },
            "volumePluginDir": "/run/volume-plugins",
            // The machine may have cgroups v1, swap, a disk that is nearly full, and a kernel that refuses negative OOM
            // scores.
            "failCgroupV1": false,
            "failSwapOn": false,
            "evictionHard": { "nodefs.available": "1Mi" },
            "imageGCHighThresholdPercent": 100,
            "oomScoreAdj": 0,
        });
        if self.is_newest {
            config["crashLoopBackOff"] = json!({ "maxContainerRestartPeriod": "1s" });
        }
        for (key, value) in added {
            config[key] = value.clone();
        }
        self.runtime.host.write("/run/kubelet.json", &config.to_string());
    }

    fn start_kubelet(&mut self) {
        let flags = self.flags.iter().map(String::as_str).collect::<Vec<_>>();
        let words = ["kubelet", "--config=/run/kubelet.json", "--hostname-override=node"];
        self.kubelet = Some(self.runtime.host.start(&[&words[..], &flags].concat()));
    }

    /// Stops the kubelet, and starts it again.
    pub fn restart_kubelet(&mut self) {
        self.kubelet.take().expect("it runs").stop();
        self.start_kubelet();
    }

    pub fn kubelet(&self) -> &Daemon {
        self.kubelet.as_ref().expect("it runs")
    }

    pub fn row(&self, how: &str) -> Row {
        self.runtime.row("kubelet", &self.runtime.host.ok(&["kubelet", "--version"]), how)
    }

    /// Has the kubelet make a pod.
    pub fn add(&self, pod: &str, manifest: &str) {
        self.runtime.host.write(&format!("{MANIFESTS}/{pod}.yaml"), manifest);
    }

    /// Has the kubelet end a pod.
    pub fn remove(&self, pod: &str) {
        self.runtime.host.ok(&["rm", &format!("{MANIFESTS}/{pod}.yaml")]);
    }

    /// Returns the processes of its pods. If the host shares its processes with the machine, other tests run pods there
    /// too.
    pub fn processes(&self) -> impl Iterator<Item = Process> {
        let is_of_a_pod = |process: &Process| {
            let groups = process.cgroups().map(|groups| groups.0).unwrap_or_default();
            groups.iter().any(|group| group.pathname.contains("besteffort"))
        };
        all_processes_with_root(self.runtime.host.file("/proc")).expect("/proc").flatten().filter(is_of_a_pod)
    }

    /// Has the kubelet make a pod, which ours must hold.
    pub fn holds(&self, pod: &'static str) {
        self.add(pod, &manifest(pod, pod == "shared").to_string());
        self.kubelet().found(&format!("{pod} is up"), || Pod::look(self, pod)).is_held_by_ours(self);
    }

    /// Waits for what the first container of a pod says about its orphans.
    pub fn reaps_orphans_of(&self, pod: &str) {
        let log = format!("cat {POD_LOGS}/*{pod}*/one/*");
        let said = || self.runtime.host.try_to(&["sh", "-c", &log]).ok().filter(|said| !said.is_empty());
        let said = self.kubelet().found("orphans have been counted", said);
        assert!(said.contains("reaped") && !said.contains("not reaped"), "{said}");
    }

    /// Counts the interfaces that connect pods.
    pub fn links(&self) -> usize {
        let list = self.runtime.host.busybox(&["ip", "-oneline", "link", "show"]).expect("a list");
        list.lines().filter(|line| line.contains(": veth")).count()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // If the host shares its processes with the machine, they do not end with it.
        self.kubelet.iter().for_each(Daemon::kill);
        for process in self.processes() {
            _ = self.runtime.host.try_to(&["kill", "-KILL", &process.pid.to_string()]);
        }
    }
}

/// Removes the cgroups of pods whose host has ended. A kubelet would take them for its own pods.
fn no_groups_are_left() {
    let groups = r"find /sys/fs/cgroup -depth -type d \( -path '*/kubepods' -o -path '*/kubepods/*' \)";
    until("no cgroup of another kubelet is left", || {
        ok("sh", &["-c", &format!("({groups} -exec rmdir {{}} +; {groups}) 2>/dev/null || :")]).is_empty()
    });
}
