//! A control plane under systemd, on a node without a registry: whatever happened to the image of pause, the unit of
//! `--at-boot` alone brings its pods back at the next boot.

use std::fs;

use kit::machine::is_qemu;
use kit::skip::does_not_apply;
use shared::compatibility::Row;
use shared::cri::config_of_2_under_systemd;
use shared::disk::Disk;
use shared::engines::all_built;
use shared::host::Host;
use shared::{CONFIGURED, KUBEADMS, NAME, digest, ready, run};

use super::life::{CONFIG, CONTROL_PLANE, config, row};
use super::node::{KUBELET, Pause, VERSIONS, holds, import_control_plane, programs};

/// What happens to the image, in words and as a function.
type Loss = (&'static str, fn(&Host));

const LOSSES: [Loss; 3] = [
    ("a reboot", |_| ()),
    ("crictl rmi and a reboot", |host| {
        host.ok(&["crictl", "rmi", CONFIGURED]);
        is_lost(host);
    }),
    ("ctr images rm of each name and a reboot", |host| {
        let list = host.ok(&["ctr", "-n", "k8s.io", "images", "ls"]);
        let ours = list.lines().filter(|row| row.contains(&digest("index"))).filter_map(|row| row.split(' ').next());
        host.ok(&[&["ctr", "-n", "k8s.io", "images", "rm"], &ours.collect::<Vec<_>>()[..]].concat());
        is_lost(host);
    }),
];

#[test]
fn brings_pods_back() {
    if !is_qemu() {
        return does_not_apply("only make node builds the control plane that it needs");
    }
    let Some(disk) = disk() else { return };
    let mut host = boot(&disk);
    host.write(CONFIG, &config("node-1", "10.77.1.2", "systemd").replace(VERSIONS[0], VERSIONS[1]));
    import_control_plane(&host, VERSIONS[1], CONFIG);
    let (status, said) = host.install(&["--as", "configured", "--as", KUBEADMS, "--at-boot"]);
    assert!(status == 0 && said.ends_with("at boot: pause-install.service is enabled; ok\n"), "{said}");
    host.ok(&["kubeadm", "init", "--config", CONFIG]);
    runs(&host);
    for (how, loses) in LOSSES {
        let _row = row_of(&host, how);
        loses(&host);
        host.shut_down();
        host = boot(&disk);
        runs(&host);
    }
    let _row = row_of(&host, "an empty /var/lib/containerd and a reboot");
    host.shut_down();
    fs::remove_dir_all(disk.path().join("var/lib/containerd")).expect("a folder");
    // The images of the control plane are lost too; the kubelet asks for them when the sandboxes have started.
    holds_control_plane(&boot(&disk));
}

/// Returns a disk with the newest engines, or nothing if the test is skipped.
fn disk() -> Option<Disk> {
    all_built(&["control-plane-1.37", "etcd-3.7"])?;
    let engines = all_built(&["containerd-2.4", "runc-1.5", "cri-tools-1.37"])?;
    if !ready(&["docker", "dockerd", "ip", "systemctl"]) {
        return None;
    }
    let disk = Disk::new();
    engines.iter().for_each(|folder| disk.install_programs(folder));
    ["kubeadm", "kubectl", "kubelet"].iter().for_each(|name| disk.install_program(&programs(VERSIONS[1]).join(name)));
    disk.write("etc/containerd/config.toml", &config_of_2_under_systemd().replace(NAME, CONFIGURED));
    disk.write("upper/etc/crictl.yaml", "runtime-endpoint: unix:///run/containerd/containerd.sock\n");
    disk.write("upper/etc/resolv.conf", "nameserver 127.0.0.1\n"); // answers at once that it knows nothing
    // Like the unit in kubeadm's package, it does not wait for the engine.
    disk.write(
        "etc/systemd/system/kubelet.service",
        &format!(
            "[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestart=always\nRestartSec=10\n\
             EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env\nExecStart={KUBELET}\n"
        ),
    );
    Some(disk)
}

fn boot(disk: &Disk) -> Host {
    let host = Host::boot(disk);
    host.until("the network of the previous boot is gone", || run("ip", &["link", "show", "node-1"]).is_err());
    host.connect("node-1", "10.77.1");
    host.until("containerd answers", || host.try_to(&["ctr", "version"]).is_ok());
    host
}

/// Waits until the control plane answers, in pods that our pause holds.
fn runs(host: &Host) {
    let ask = ["kubectl", "--kubeconfig=/etc/kubernetes/admin.conf", "get", "--raw=/readyz"];
    host.until("the control plane is ready", || host.try_to(&ask).is_ok_and(|said| said == "ok"));
    holds_control_plane(host);
}

/// Waits until our pause holds the pods of the control plane, with the image under both names.
fn holds_control_plane(host: &Host) {
    holds(host, CONTROL_PLANE, Pause::Ours);
    for name in [CONFIGURED, KUBEADMS] {
        assert!(host.image(name).contains(&digest("index")), "{name}");
    }
}

/// Waits until CRI has heard from containerd that the image is removed.
fn is_lost(host: &Host) {
    host.until("no pause is left", || !host.ok(&["crictl", "images"]).contains("/pause "));
}

fn row_of(host: &Host, how: &str) -> Row {
    row(host, &format!("under systemd: --at-boot brings the control plane's pods back after {how}"))
}
