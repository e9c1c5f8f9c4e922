//! A node that systemd boots, with a kubelet as its unit and without a registry: whatever has become of the image, the
//! unit of `--at-boot` alone brings the pods of the kubelet back.

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
/// What the kubelet says when it cannot have the image of its sandboxes.
const NOT_PULLED: &str = "failed to pull image";
const SOCKET: &str = "unix:///run/containerd/containerd.sock";

/// What happens to the image, in words, and by an act that ends with the end of the host.
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
        return does_not_apply("systemd gives a kubelet its control groups in v2 alone");
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

/// A disk with the newest engines; none if the test is skipped.
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
    // As the one of kubeadm's package, which does not wait for the engine either.
    disk.write(
        "etc/systemd/system/kubelet.service",
        "[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestart=always\nRestartSec=10\n\
         ExecStart=kubelet --config=/var/lib/kubelet/config.yaml --hostname-override=node\n",
    );
    Some(disk)
}

/// A pod on the host's network, as those of a control plane are. Its container is of our image too, because no other is
/// left after some of the losses.
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

/// Waits until it runs, in a sandbox that our pause holds.
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

/// Waits until no image is left, of which CRI hears from containerd, and ends the host.
fn is_lost(host: Host) {
    host.until("no image is left", || host.ok(&["crictl", "images", "--quiet"]).is_empty());
    host.shut_down();
}

fn row(host: &Host, how: &str) -> Row {
    let kind = Containerd("2.4");
    let kubelet = Row::version(&host.ok(&["kubelet", "--version"]));
    let how = format!("kubelet {kubelet}: its pods come back by --at-boot after {how}");
    Row::of(Origin::Module, &title(kind, Runc, true), &versions(host, kind, Runc), &how)
}
