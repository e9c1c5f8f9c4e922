//! `--at-boot`: a systemd unit restores the image at boot and after each start of the engine.
//!
//! Instead of a kubelet, a unit records the images that exist when it starts; a kubelet is in `cluster::reboot`.

use std::fs;

use kit::skip::has;
use shared::containerd::PIN;
use shared::disk::Disk;
use shared::host::Host;
use shared::{NAME, digest, ok, ready};

use super::{REAL, configured, lines};

const ENABLED: &str = "at boot: pause-install.service is enabled; ok";
const UNIT: &str = "/etc/systemd/system/pause-install.service";
/// The sandbox image with which containerd is configured.
const PAUSE: &str = "registry.k8s.io/pause:3.6";
const SCRIPT: &str = "/etc/pause-install.sh";

/// Checks that the image, however it was lost, is back before the kubelet starts, and after each start of the engine.
#[test]
fn it_comes_back() {
    let Some(disk) = disk() else { return };
    disk.write("etc/containerd/config.toml", &configured(PAUSE));
    let host = boot(&disk);
    let before = state(&host);
    it_is_installed_twice(&host);
    it_comes_back_when_containerd_starts(&host);

    lose_image(&host);
    host.shut_down();
    let host = boot(&disk);
    assert!(kubelet_saw(&disk, PAUSE), "after a prune");
    host.shut_down();
    fs::remove_dir_all(disk.path().join("var/lib/containerd")).expect("a data disk");
    let host = boot(&disk);
    assert!(kubelet_saw(&disk, PAUSE), "on a fresh data disk");

    lose_image(&host);
    host.shut_down();
    the_kubelet_starts_without_it(&disk);
    let host = boot(&disk);
    assert!(fs::read_to_string(host.file(UNIT)).expect("a unit").contains("\nTimeoutSec=30\n"));
    fs::remove_dir_all(host.file("/etc/systemd/system/pause-install.service.d")).expect("a folder");
    removal_leaves_nothing(&host, &before);
}

fn it_is_installed_twice(host: &Host) {
    let line = format!("containerd: {PAUSE} is installed (before: nothing), {PIN}; ok");
    let link = "/etc/systemd/system/kubelet.service.wants/pause-install.service";
    for line in [&line, &line.replace("nothing", "the same")] {
        let (status, said) = host.install(&["--as", "configured", "--engine", "containerd", "--at-boot"]);
        assert_eq!((status, lines(&said)), (0, vec![line.as_str(), ENABLED]), "{said}");
        host.ok(&["systemctl", "add-wants", "kubelet.service", "pause-install.service"]);
    }
    assert!(fs::symlink_metadata(host.file(link)).is_ok(), "another engine's unit");
    assert_eq!(
        fs::read(host.file(SCRIPT)).expect("a copy"),
        fs::read(shared::dist("pause-install.sh")).expect("a file")
    );
}

fn it_comes_back_when_containerd_starts(host: &Host) {
    lose_image(host);
    host.ok(&["systemctl", "restart", "containerd"]);
    host.until("it is back after a restart", || has_image(host));
    lose_image(host);
    host.ok(&["systemctl", "kill", "--kill-who=main", "--signal=KILL", "containerd"]);
    host.until("it is back after a crash", || host.try_to(&["ctr", "version"]).is_ok() && has_image(host));
}

/// Checks that the kubelet still starts within the limit if the unit fails or hangs.
fn the_kubelet_starts_without_it(disk: &Disk) {
    disk.write("etc/systemd/system/pause-install.service.d/limit.conf", "[Service]\nTimeoutSec=2\n");
    for program in ["exit 1\n", "trap '' TERM\nwhile :; do sleep 1000; done\n"] {
        disk.write("upper/etc/pause-install.sh", program);
        let host = boot(disk);
        assert!(!kubelet_saw(disk, PAUSE));
        host.shut_down();
    }
}

fn removal_leaves_nothing(host: &Host, before: &str) {
    let (status, said) = host.install(&["--as", "configured", "--engine", "containerd", "--at-boot"]);
    assert_eq!(status, 0, "{said}");
    let refusal =
        format!("containerd: {PAUSE} is the configured sandbox image and nothing replaces it; --force removes it\n");
    assert_eq!(host.install(&["--remove", "--engine", "containerd"]), (1, refusal));
    assert!(has_image(host) && host.file(UNIT).exists());
    let (status, said) = host.install(&["--remove", "--engine", "containerd", "--force"]);
    let removed = format!("containerd: removed: {PAUSE}; ok");
    assert_eq!((status, lines(&said)), (0, vec![removed.as_str(), "at boot: pause-install.service is removed; ok"]));
    assert_eq!(state(host), before);
}

fn has_image(host: &Host) -> bool {
    host.image(PAUSE).contains(&digest("index"))
}

fn lose_image(host: &Host) {
    host.ok(&["ctr", "-n", "k8s.io", "images", "rm", PAUSE]);
}

/// Checks that the image returns in Docker after a prune.
#[test]
fn it_comes_back_in_docker() {
    let Some(disk) = disk() else { return };
    disk.write(
        "etc/docker/daemon.json",
        r#"{ "storage-driver": "vfs", "iptables": false, "bridge": "none", "ip-forward": false }"#,
    );
    let host = boot(&disk);
    host.ok(&["systemctl", "start", "docker"]);
    let (status, said) = host.install(&["--engine", "podman", "--at-boot"]);
    assert_eq!((status, said.lines().count()), (0, 1), "{said}");
    assert!(!host.file(UNIT).exists(), "Podman has no service");
    // It returns under all of its names.
    let (status, said) = host.install(&["--engine", "docker", "--at-boot", "--as", NAME, "--as", PAUSE]);
    let line = |name| format!("Docker: {name} is installed (before: nothing); ok");
    assert_eq!((status, lines(&said)), (0, vec![line(NAME).as_str(), line(PAUSE).as_str(), ENABLED]));
    host.ok(&["docker", "image", "prune", "--all", "--force"]);
    let has = |name| host.try_to(&["docker", "image", "inspect", name]).is_ok();
    assert!(!has(NAME) && !has(PAUSE), "pruned");
    host.ok(&["systemctl", "restart", "docker"]);
    host.until("it is back", || has(NAME) && has(PAUSE));
}

/// Prepares a machine image in a chroot, where no engine is running. The first boot installs pause's image.
#[test]
fn a_machine_image_is_prepared_offline() {
    let Some(disk) = disk() else { return };
    disk.write("etc/containerd/config.toml", &configured(NAME));
    let build = Host::new(&["podman"]);
    let folders = ["/mnt/upper", "/mnt/work", "/mnt/root"];
    build.ok(&["mount", "-t", "tmpfs", "tmpfs", "/mnt"]);
    build.ok(&[&["mkdir"][..], &folders].concat());
    let overlay = "lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work";
    build.ok(&["mount", "-t", "overlay", "-o", overlay, "overlay", "/mnt/root"]);
    build.ok(&["cp", "/run/pause-install.sh", "/mnt/root/tmp"]);
    let said = build.ok(&["chroot", "/mnt/root", "sh", "/tmp/pause-install.sh", "--at-boot"]);
    assert_eq!(lines(&said).last(), Some(&ENABLED), "{said}");
    for folder in ["upper/etc", "etc/systemd/system"] {
        fs::create_dir_all(disk.path().join(folder)).expect("a folder");
    }
    let made = |path: &str| build.file(&format!("/mnt/upper/{path}")).display().to_string();
    let disk_path = |path: &str| disk.path().join(path).display().to_string();
    ok("cp", &[&made("etc/pause-install.sh"), &disk_path("upper/etc")]);
    ok("cp", &["-a", &made("etc/systemd/system/."), &disk_path("etc/systemd/system")]);
    drop(build);
    let _host = boot(&disk);
    assert!(kubelet_saw(&disk, NAME));
}

#[test]
fn without_systemd_at_boot_is_refused() {
    if !ready(REAL) {
        return;
    }
    let host = Host::new(&["podman", "containerd", "dockerd", "docker"]);
    host.own_etc();
    host.ok(&["mount", "--bind", "/dev/null", "/usr/bin/systemctl"]);
    assert_eq!(host.install(&["--at-boot"]), (1, "pause-install: --at-boot needs systemd\n".to_owned()));
    assert!(!host.file(UNIT).exists() && !host.file(SCRIPT).exists());
}

/// Returns a disk with a stand-in for the kubelet; none if the test is skipped.
fn disk() -> Option<Disk> {
    if !ready(REAL) || !has("systemctl") {
        return None;
    }
    let disk = Disk::new();
    disk.write(
        "etc/systemd/system/kubelet.service",
        "[Unit]\nAfter=containerd.service\n[Service]\nType=oneshot\nStandardOutput=append:/kubelet\n\
         ExecStart=-/usr/bin/ctr -n k8s.io images ls\nExecStart=/usr/bin/touch /kubelet-started\n",
    );
    Some(disk)
}

/// Boots a host from the disk, and returns when everything has started.
fn boot(disk: &Disk) -> Host {
    for file in ["upper/kubelet", "upper/kubelet-started"] {
        _ = fs::remove_file(disk.path().join(file));
    }
    let host = Host::boot(disk);
    host.until("the kubelet starts", || disk.path().join("upper/kubelet-started").exists());
    host
}

/// Returns whether the image was there when the kubelet started.
fn kubelet_saw(disk: &Disk, name: &str) -> bool {
    let images = fs::read_to_string(disk.path().join("upper/kubelet")).expect("a list");
    images.lines().any(|row| row.starts_with(&format!("{name} ")) && row.contains(&digest("index")))
}

/// Returns all that an installation can change: images, systemd's files, the script.
fn state(host: &Host) -> String {
    let images = host.ok(&["ctr", "-n", "k8s.io", "images", "ls"]);
    images
        + &host.ok(&["find", "/etc/systemd/system", "-type", "f", "-o", "-type", "l"])
        + &host.ok(&["sh", "-c", "ls /etc/pause* 2>&1 || :"])
}
