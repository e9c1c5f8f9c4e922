//! A kubelet, and the engines under it.

use std::fs;
use std::ops::Deref;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;

use build::root;
use nix::sys::signal::Signal::SIGKILL;
use procfs::process::all_processes;
use serde_json::json;
use shared::compatibility::Row;
use shared::cri::OOM;
use shared::daemon::{Daemon, start};
use shared::{BUSYBOX, NGINX, containerd, ok, ready_with};

use crate::pod::{is_of_a_pod, signal};

pub const KUBELET: &str = "target/kubelet/kubelet";
/// Where the kubelet looks for pods.
pub const MANIFESTS: &str = "/run/pods";
/// Where it stores what their containers print.
const LOGS: &str = "/var/log/pods";
pub const CRI: [&str; 2] =
    ["--container-runtime=remote", "--container-runtime-endpoint=unix:///run/containerd/containerd.sock"];
pub const DOCKERSHIM: [&str; 4] = [
    "--container-runtime=docker",
    "--network-plugin=cni",
    "--cni-bin-dir=/usr/lib/cni",
    "--cni-conf-dir=/etc/cni/net.d",
];

/// A kubelet with static pods and without an API server. Dropping it kills it.
pub struct Kubelet {
    daemon: Daemon,
    _one_at_a_time: MutexGuard<'static, ()>,
}

impl Kubelet {
    /// None if the test is skipped.
    pub fn start(flags: &[&str]) -> Option<Self> {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let one_at_a_time = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        if !ready() {
            return None;
        }
        for folder in [MANIFESTS, LOGS] {
            ok("sh", &["-c", "mkdir -p $0 && rm -rf $0/*", folder]);
        }
        let config = json!({
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "staticPodPath": MANIFESTS,
            "fileCheckFrequency": "1s",
            // There is no API server to ask, and the network is empty but for the pods.
            "authentication": { "webhook": { "enabled": false } },
            "authorization": { "mode": "AlwaysAllow" },
            "failSwapOn": false,
            "volumePluginDir": "/run/volume-plugins",
            // A disk that is nearly full must not disturb these tests.
            "evictionHard": { "nodefs.available": "1Mi" },
            "imageGCHighThresholdPercent": 100,
        });
        fs::write("/run/kubelet.json", config.to_string()).expect("a file");
        // As the unit in Kubernetes' packages starts it.
        let script = format!(". deploy/kubelet/kubelet && exec {KUBELET} $KUBELET_EXTRA_ARGS \"$@\"");
        let words = [&["-ec", &script, "sh", "--config=/run/kubelet.json", "--hostname-override=node"], flags].concat();
        Some(Self { daemon: start("sh", &words), _one_at_a_time: one_at_a_time })
    }

    pub fn row(&self, through: &str) -> Row {
        let how = "static pods, with and without a shared PID namespace";
        Row::new(&format!("kubelet, {through}"), &ok(KUBELET, &["--version"]), how)
    }
}

impl Deref for Kubelet {
    type Target = Daemon;

    fn deref(&self) -> &Daemon {
        &self.daemon
    }
}

impl Drop for Kubelet {
    fn drop(&mut self) {
        self.kill();
        // A failed test must not leave processes for the next one.
        for process in all_processes().expect("/proc").flatten() {
            if is_of_a_pod(&process) {
                signal(&process, SIGKILL);
            }
        }
        if thread::panicking() {
            let said = self.said();
            let errors = said.lines().filter(|line| line.starts_with(['E', 'F']) && !line.contains("node_status"));
            let errors: Vec<&str> = errors.collect();
            let last = errors.len().saturating_sub(20);
            eprintln!("The kubelet's last errors:\n{}", errors[last..].join("\n"));
        }
    }
}

/// Where the manifest of a pod is.
pub fn manifest(pod: &str) -> String {
    format!("{MANIFESTS}/{pod}.json")
}

/// What a container has printed, as the kubelet stores it.
pub fn logs(pod: &str, container: &str) -> String {
    let folders = fs::read_dir(LOGS).into_iter().flatten().flatten();
    let folder = folders.map(|folder| folder.path()).find(|folder| folder.to_string_lossy().contains(pod));
    let files = folder.and_then(|folder| fs::read_dir(folder.join(container)).ok()).into_iter().flatten().flatten();
    files.filter_map(|file| fs::read_to_string(file.path()).ok()).collect()
}

/// Starts both engines with the images, and makes the kernel look as if the kubelet had tuned it. False if the test is
/// skipped.
fn ready() -> bool {
    static READY: LazyLock<bool> = LazyLock::new(|| {
        look_tuned();
        configure_pods();
        // The user's file, with additions for a machine without CAP_SYS_RESOURCE and for Debian's folder of CNI
        // plugins.
        let config = containerd::config("containerd-1") + OOM + "cni.bin_dir = \"/usr/lib/cni\"\n";
        if !ready_with(&config, &["/usr/lib/cni/bridge", "containerd", "dockerd", "runc"]) {
            return false;
        }
        ok("docker", &["save", "-o", "/run/applications.tar", BUSYBOX, NGINX]);
        for archive in ["dist/pause.tar", "/run/applications.tar"] {
            ok("ctr", &["-n", "k8s.io", "images", "import", archive]);
        }
        true
    });
    *READY
}

/// Mounts what the kubelet would write over the kernel's settings, which the whole machine shares.
fn look_tuned() {
    let tuned = [
        ("vm/overcommit_memory", "1"),
        ("vm/panic_on_oom", "0"),
        ("kernel/panic", "10"),
        ("kernel/panic_on_oops", "1"),
        ("kernel/keys/root_maxkeys", "1000000"),
        ("kernel/keys/root_maxbytes", "25000000"),
    ];
    fs::create_dir("/run/sysctl").expect("a folder");
    for (name, value) in tuned {
        let file = format!("/run/sysctl/{}", name.replace('/', "."));
        fs::write(&file, value).expect("a file");
        ok("mount", &["--bind", &file, &format!("/proc/sys/{name}")]);
    }
}

/// The network of pods, and the runtime of Docker.
fn configure_pods() {
    let network = json!({
        "cniVersion": "0.4.0",
        "name": "pods",
        "type": "bridge",
        "bridge": "cni0",
        "isGateway": true,
        "ipam": { "type": "host-local", "subnet": "10.244.0.0/16" },
    });
    fs::create_dir("/etc/cni/net.d").expect("a folder");
    fs::write("/etc/cni/net.d/10-pods.conf", network.to_string()).expect("a file");
    let runc = root().join("proof/e2e/shared/runc.sh");
    let docker = json!({ "default-runtime": "runc.sh", "runtimes": { "runc.sh": { "path": runc } } });
    fs::write("/etc/docker/daemon.json", docker.to_string()).expect("a file");
}
