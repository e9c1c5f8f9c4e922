//! Tests which names of pause `kubeadm init` wants on a node without a registry, and which of them pods need.

use serde_json::json;
use shared::{CONFIGURED, KUBEADMS};

use super::life::{CONFIG, config, row};
use super::node::{IGNORED, Node, Pause, VERSIONS, import_control_plane};
use super::one_at_a_time;

#[test]
#[ignore = "make cluster runs it"]
fn wants_kubeadms_name_and_pods_want_the_runtimes() {
    let _alone = one_at_a_time();
    let Some(node) = Node::start(1) else { return };
    let _row = row(&node.host, "kubeadm's preflight with the runtime's name alone, kubeadm's alone, and both");
    node.host.write(CONFIG, &config(&node.name, &node.address(), "cgroupfs"));
    import_control_plane(&node.host, VERSIONS[0], CONFIG);
    let names = node.host.ok(&["kubeadm", "config", "images", "list", "--config", CONFIG]);
    assert!(names.lines().any(|name| name == KUBEADMS), "{names}");
    let preflight = || node.host.try_to(&["kubeadm", "init", "phase", "preflight", "--config", CONFIG, IGNORED]);
    let pod = json!({
        "metadata": { "name": "pod", "uid": "pod", "namespace": "default", "attempt": 0 },
        "linux": { "cgroup_parent": "/node-1" },
    });
    node.host.write("/run/pod.json", &pod.to_string());
    let run_pod = || node.host.try_to(&["crictl", "runp", "/run/pod.json"]);
    let installed = |name| format!("containerd: {name} is installed (before: nothing), pinned; ");

    assert_eq!(node.host.install(&["--as", "configured"]), (0, installed(CONFIGURED) + "ok\n"));
    let refusal = preflight().expect_err("kubeadm's image is missing");
    let errors: Vec<&str> = refusal.lines().filter(|line| line.contains("[ERROR ")).collect();
    assert!(matches!(errors[..], [one] if one.contains("[ERROR ImagePull]")), "{refusal}");
    assert!(refusal.contains(KUBEADMS), "{refusal}");
    assert!(!refusal.contains("inconsistent"), "containerd 2 does not tell kubeadm its name: {refusal}");

    assert_eq!(node.host.install(&["--remove", "--force"]).0, 0);
    let hint = format!("set pinned_images.sandbox to {KUBEADMS} and restart it\n");
    assert_eq!(node.host.install(&["--as", KUBEADMS]), (0, installed(KUBEADMS) + &hint));
    preflight().expect("kubeadm does not look for the runtime's name");
    let refusal = run_pod().expect_err("no pod starts");
    assert!(refusal.contains(&format!("failed to pull image \\\"{CONFIGURED}")), "{refusal}");

    assert_eq!(node.host.install(&["--as", "configured", "--as", KUBEADMS]).0, 0);
    preflight().expect("both are there");
    let id = run_pod().expect("a pod starts");
    node.holds(1, Pause::Ours);
    node.host.ok(&["crictl", "rmp", "--force", id.trim()]);
    node.ends();
}
