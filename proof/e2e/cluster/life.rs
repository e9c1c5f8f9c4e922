//! The life of a cluster with pause from the installer: it is created, joined, used, upgraded, drained and reset. A
//! cluster with upstream's pause goes through the same steps, to compare what is left.

use std::collections::BTreeSet;
use std::fs;

use build::root;
use kit::peers::upstream;
use shared::compatibility::{Origin, Row};
use shared::documents::{by_hand, normalized};
use shared::host::Host;
use shared::{BUSYBOX, NGINX, ok};
use xtask::code_blocks::console;

use super::node::{IGNORED, Node, Pause, VERSIONS, import_control_plane};
use super::one_at_a_time;

/// Where a node keeps kubeadm's configuration.
pub const CONFIG: &str = "/run/kubeadm.yaml";

/// How many pods form the control plane: etcd, the API server, the controller manager and the scheduler.
pub const CONTROL_PLANE: usize = 4;

#[test]
#[ignore = "make cluster runs it"]
fn from_its_first_node_to_its_last() {
    if upstream().is_none() {
        return;
    }
    let _alone = one_at_a_time();
    let Some((left_by_ours, _row)) = live(Pause::Ours) else { return };
    let (left, _) = live(Pause::Upstreams).expect("it could be started before");
    assert_eq!(left_by_ours, left);
}

/// Runs a cluster and returns what is left on its nodes, and the row of that; none if the test is skipped.
fn live(pause: Pause) -> Option<([BTreeSet<String>; 2], Option<Row>)> {
    let mut nodes = [Node::start(1)?, Node::start(2)?];
    let its_row = |node: &Node, how: &str| (pause == Pause::Ours).then(|| row(&node.host, how));
    {
        let _row = its_row(&nodes[0], "kubeadm init and join; the control plane's own pods");
        is_made(&mut nodes, pause);
    }
    {
        let _row = its_row(&nodes[1], "section 5 of docs/pod-by-hand.md");
        runs_the_pod_of_the_document(&nodes[1], pause);
    }
    {
        let how = format!("kubeadm upgrade to {}, with its check, a Job of our image", VERSIONS[1]);
        let _row = its_row(&nodes[0], &how);
        is_upgraded(&mut nodes, pause);
    }
    {
        let _row = its_row(&nodes[0], "kubectl drain and delete: the pauses of the workload are gone");
        pods_leave(&nodes, pause);
    }
    let row = its_row(&nodes[0], "kubeadm reset: every pause is gone; upstream's leaves the same");
    Some((nodes.map(|node| is_reset(node, pause)), row))
}

fn is_made([first, second]: &mut [Node; 2], pause: Pause) {
    let config = config(&first.name, &first.address(), "cgroupfs");
    first.host.write(CONFIG, &config);
    for version in VERSIONS {
        first.host.write("/run/images.yaml", &config.replace(VERSIONS[0], version));
        import_control_plane(&first.host, version, "/run/images.yaml");
    }
    for node in [&mut *first, second] {
        node.bring(pause);
    }
    first.becomes_a_member(&["init", "--config", CONFIG]);
    first.holds(CONTROL_PLANE, pause);

    let join = first.host.ok(&["kubeadm", "token", "create", "--print-join-command"]);
    let words: Vec<&str> = join.split_whitespace().skip(1).collect();
    let name = format!("--node-name={}", second.name);
    second.becomes_a_member(&[&words[..], &[&name]].concat());
    all_are_ready(first);
    second.holds(0, pause);
    let admin = fs::read_to_string(first.host.file("/etc/kubernetes/admin.conf")).expect("a file");
    second.host.write("/run/admin.conf", &admin);
}

fn all_are_ready(first: &Node) {
    first.kubectl(&["wait", "--for=condition=Ready", "node", "--all", "--timeout=120s"]);
}

fn runs_the_pod_of_the_document(node: &Node, pause: Pause) {
    for image in [BUSYBOX, NGINX] {
        node.host.import(image);
    }
    let [_, page] = by_hand();
    let commands = console(&page);
    assert!(commands.len() > 5, "{} commands", commands.len());
    for (command, printed) in commands {
        // The host itself is held by one more pause.
        let says = || normalized(&node.shell(command).replace("    1 /run/pause\n", ""));
        let expected = normalized(&printed);
        if command.starts_with("kubectl wait ") {
            node.host.until(command, || says() == expected); // a slow machine needs more than kubeadm's 30 s
        } else {
            assert_eq!(says(), expected, "{command}");
        }
    }
    node.holds(1, pause);
}

fn is_upgraded(nodes: &mut [Node; 2], pause: Pause) {
    let [first, second] = nodes;
    let version = format!("v{}", VERSIONS[1]);
    first.install_kubernetes(VERSIONS[1]);
    first.host.ok(&["kubeadm", "upgrade", "plan", &version, IGNORED]);
    let jobs = first.kubectl(&["-n", "kube-system", "get", "jobs", "-o", "name"]);
    let job = jobs.lines().last().expect("the Job of kubeadm's check");
    let name = if pause == Pause::Ours { "pause" } else { "pause.c" };
    let said = first.kubectl(&["-n", "kube-system", "logs", job]);
    assert!(said.starts_with(&format!("{name} ")), "{said}");
    first.host.ok(&["kubeadm", "upgrade", "apply", &version, "--yes", IGNORED]);
    second.install_kubernetes(VERSIONS[1]);
    second.host.ok(&["kubeadm", "upgrade", "node", IGNORED]);
    for node in &mut *nodes {
        node.restart_kubelet();
    }
    let [first, second] = nodes;
    let versions = || first.kubectl(&["get", "nodes", "-o", "jsonpath={.items[*].status.nodeInfo.kubeletVersion}"]);
    first.host.until("both kubelets are of the new version", || versions() == format!("{version} {version}"));
    all_are_ready(first);
    // The Jobs of the checks are deleted a minute after they end.
    first.kubectl(&["-n", "kube-system", "delete", "jobs", "--all"]);
    first.holds(CONTROL_PLANE, pause);
    second.holds(1, pause);
}

fn pods_leave([first, second]: &[Node; 2], pause: Pause) {
    first.kubectl(&["drain", &second.name, "--force", "--delete-emptydir-data", "--timeout=60s"]);
    second.holds(0, pause);
    first.kubectl(&["uncordon", &second.name]);
    let pod = root().join("deploy/podman/pod.yaml");
    let pod = pod.to_str().expect("UTF-8");
    for leaves in [true, false] {
        first.kubectl(&["apply", "-f", pod]);
        first.kubectl(&["wait", "--for=condition=Ready", "pod/pod", "--timeout=60s"]);
        second.holds(1, pause);
        if leaves {
            first.kubectl(&["delete", "-f", pod, "--timeout=60s"]);
            second.holds(0, pause);
        }
    }
}

/// Returns what is left on a node after its reset.
fn is_reset(mut node: Node, pause: Pause) -> BTreeSet<String> {
    node.stop_kubelet(); // kubeadm would call systemctl
    node.host.ok(&["kubeadm", "reset", "--force"]);
    node.holds(0, pause);
    let left = left(&node);
    node.ends();
    left
}

/// Returns files and [`Host::traces`](shared::host::Host::traces), without IDs and dates.
fn left(node: &Node) -> BTreeSet<String> {
    // /run/proc is another /proc. The kubelet removes the logs of the upgrade's Jobs within some minutes of the Jobs.
    let files = "find /etc/cni /etc/kubernetes /run /var/lib/cni /var/lib/etcd /var/lib/kubelet /var/log/containers \
         /var/log/pods -path /run/proc -prune -o ! -path '*upgrade-health-check*' -print 2>/dev/null || :";
    // The IDs of containers and of pods, and what a Job adds to the names of its pods.
    let is_hex = |word: &str| word.len() > 3 && word.chars().all(|c| c.is_ascii_hexdigit());
    let is_random = |word: &str| word.len() == 5 && word.chars().all(|c| "bcdfghjklmnpqrstvwxz2456789".contains(c));
    let is_number = |word: &str| word.chars().all(|c| c.is_ascii_digit());
    let is_id = |word: &&str| is_hex(word) || is_random(word) || is_number(word);
    let without_ids = |line: &str| {
        line.split(['/', '-', '.', '_', ':', ' ']).filter(|word| !is_id(word)).collect::<Vec<_>>().join("/")
    };
    let traces: Vec<String> = node.host.traces().into_iter().collect();
    node.shell(files).lines().chain(traces.iter().map(String::as_str)).map(without_ids).collect()
}

/// Returns kubeadm's configuration. The kubelet gets what machines like this need: cgroups v1, swap, a disk that is
/// nearly full, a kernel that refuses negative OOM scores. An emulated one also needs more time than the four minutes
/// after which kubeadm gives up.
pub fn config(name: &str, address: &str, cgroup_driver: &str) -> String {
    let version = VERSIONS[0];
    format!(
        "\
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
nodeRegistration: {{ name: {name}, criSocket: unix:///run/containerd/containerd.sock }}
localAPIEndpoint: {{ advertiseAddress: {address} }}
timeouts: {{ controlPlaneComponentHealthCheck: 10m0s, kubeletHealthCheck: 10m0s, kubernetesAPICall: 10m0s }}
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: v{version}
dns: {{ disabled: true }}
proxy: {{ disabled: true }}
---
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
cgroupDriver: {cgroup_driver}
evictionHard: {{ nodefs.available: 1Mi }}
failCgroupV1: false
failSwapOn: false
imageGCHighThresholdPercent: 100
oomScoreAdj: 0
"
    )
}

/// Makes a row of the cluster, with kubeadm's present version.
pub fn row(host: &Host, how: &str) -> Row {
    let version = |words: &[&str]| Row::version(&host.ok(words));
    let etcd = root().join("target/engines/etcd-3.7/server");
    let versions = format!(
        "{}, etcd {}, containerd {}, runc {}",
        version(&["kubeadm", "version", "-o", "short"]),
        Row::version(&ok(&etcd.to_string_lossy(), &["--version"])),
        version(&["containerd", "--version"]),
        version(&["runc", "--version"])
    );
    Row::of(Origin::Module, "kubeadm on containerd 2.4, runc", &versions, how)
}
