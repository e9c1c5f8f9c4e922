//! A node that systemd boots, with a kubelet as a unit and without a registry: whatever happened to the image, the unit
//! of `--at-boot` alone brings the kubelet's pods back.

use std::fs;

use kit::skip::does_not_apply;
use serde_json::{Value, json};
use shared::compatibility::{Origin, Row};
use shared::cri::config_of_2_under_systemd;
use shared::disk::Disk;
use shared::engines::all_built;
use shared::host::Host;
use shared::runtime::Kind::Containerd;
use shared::runtime::Oci::Runc;
use shared::runtime::{title, versions};
use shared::{CONFIGURED, KUBEADMS, NAME, digest, ready};

use super::kubelet::{NEWEST, config};
use super::pod::is_ours;

const MANIFESTS: &str = "/etc/kubernetes/manifests";
const NAMES: [&str; 2] = [CONFIGURED, KUBEADMS];
/// What the kubelet says when the image of its sandboxes cannot be pulled.
const NOT_PULLED: &str = "failed to pull image";
const SOCKET: &str = "unix:///run/containerd/containerd.sock";

/// What happens to the image, in words and as a function, which shuts the host down.
type Loss = (&'static str, fn(Host, &Disk));

const LOSSES: [Loss; 4] = [
    ("a reboot", |host, _| host.shut_down()),
    ("crictl rmi and a reboot", |host, _| {
        host.ok(&["crictl", "rmi", CONFIGURED]);
        is_lost(host);
    }),
    ("ctr images rm of each name and a reboot", |host, _| {
        let list = host.ok(&["ctr", "-n", "k8s.io", "images", "ls", "-q"]);
        host.ok(&[&["ctr", "-n", "k8s.io", "images", "rm"], &list.lines().collect::<Vec<_>>()[..]].concat());
        is_lost(host);
    }),
    ("an empty /var/lib/containerd and a reboot", |host, disk| {
        host.shut_down();
        fs::remove_dir_all(disk.path().join("var/lib/containerd")).expect("a folder");
    }),
];

#[test]
fn brings_pods_back() {
    if kit::cgroup::version() != 2 {
        return does_not_apply("a kubelet under systemd needs cgroups v2");
    }
    let Some(disk) = disk() else { return };
    let mut host = Host::boot(&disk);
    host.until("without the image, no pod starts", || kubelet_said(&host).contains(NOT_PULLED));
    let (status, said) = host.install(&["--engine", "containerd", "--as", "configured", "--as", KUBEADMS, "--at-boot"]);
    assert!(status == 0 && said.ends_with("at boot: pause-install.service is enabled; ok\n"), "{said}");
    pod_runs(&host);
    for (how, loses) in LOSSES {
        let _row = row(&host, how);
        loses(host, &disk);
        host = Host::boot(&disk);
        pod_runs(&host);
        assert!(!kubelet_said(&host).contains(NOT_PULLED), "{how}");
        for name in NAMES {
            assert!(host.image(name).contains(&digest("index")), "{how}: {name}");
        }
    }
}

/// Returns a disk with the newest engines, or nothing if the test is skipped.
fn disk() -> Option<Disk> {
    let engines = all_built(&["containerd-2.4", "runc-1.5", "cri-tools-1.37", NEWEST])?;
    if !ready(&["systemctl"]) {
        return None;
    }
    let disk = Disk::new();
    engines.iter().for_each(|folder| disk.install_programs(folder));
    disk.write("etc/containerd/config.toml", &config_of_2_under_systemd().replace(NAME, CONFIGURED));
    disk.write("upper/etc/crictl.yaml", &format!("runtime-endpoint: {SOCKET}\n"));
    disk.write("var/lib/kubelet/config.yaml", &config(SOCKET, MANIFESTS).to_string());
    disk.write(&format!("upper{MANIFESTS}/pod.yaml"), &manifest().to_string());
    // Like the unit in kubeadm's package, it does not wait for the engine.
    disk.write(
        "etc/systemd/system/kubelet.service",
        "[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestart=always\nRestartSec=10\n\
         ExecStart=kubelet --config=/var/lib/kubelet/config.yaml --hostname-override=node\n",
    );
    Some(disk)
}

/// Returns a pod on the host's network, like those of a control plane. Its container uses our image too, because after
/// some of the losses there is no other.
fn manifest() -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "name": "pod" },
        "spec": {
            "hostNetwork": true,
            "containers": [{ "name": "container", "image": CONFIGURED, "imagePullPolicy": "Never" }],
        },
    })
}

/// Waits until the pod runs, in a sandbox that our pause holds.
fn pod_runs(host: &Host) {
    let list = |what: &str, state: &str| host.try_to(&["crictl", what, "--quiet", "--state", state]);
    host.until("the container runs", || list("ps", "running").is_ok_and(|ids| ids.lines().count() == 1));
    let pods = list("pods", "ready").expect("a list");
    let status: Value = serde_json::from_str(&host.ok(&["crictl", "inspectp", pods.trim()])).expect("JSON");
    assert_eq!(status["status"]["metadata"]["name"], "pod-node");
    assert!(is_ours(host, status["info"]["pid"].as_i64().expect("a PID")), "{status}");
}

fn kubelet_said(host: &Host) -> String {
    host.ok(&["journalctl", "--no-pager", "--unit=kubelet.service"])
}

/// Waits until CRI has heard from containerd that no image is left, and shuts the host down.
fn is_lost(host: Host) {
    host.until("no image is left", || host.ok(&["crictl", "images", "--quiet"]).is_empty());
    host.shut_down();
}

fn row(host: &Host, how: &str) -> Row {
    let kind = Containerd("2.4");
    let kubelet = Row::version(&host.ok(&["kubelet", "--version"]));
    let how = format!("kubelet {kubelet}: --at-boot brings its pods back after {how}");
    Row::of(Origin::Module, &title(kind, Runc, true), &versions(host, kind, Runc), &how)
}
