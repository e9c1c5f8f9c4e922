//! An installation waits for an engine (`--wait`), is restored at boot (`--at-boot`), and is removed (`--remove`).
//!
//! systemd, containerd, Docker and Podman are real. Instead of a kubelet, a unit records the images that exist when it
//! starts.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use engines::{NAME, digest, is_emulated, ok, ready, until};
use kit::skip::has;

use crate::install::{REAL, configured, lines, node, other_pause, stand_in, start_as, start_docker};
use crate::node::{Node, PIN};

const ENABLED: &str = "at boot: pause-install.service is enabled; ok";
const UNIT: &str = "/etc/systemd/system/pause-install.service";
const SCRIPT: &str = "/etc/pause-install.sh";

/// However the image was lost, it is back before the kubelet starts, and after each start of the engine.
#[test]
fn it_comes_back() {
    let Some(disk) = disk() else { return };
    let name = "registry.k8s.io/pause:3.6";
    disk.write("etc/containerd/config.toml", &configured(name));
    let node = disk.boot();
    let before = state(&node);
    let line = format!("containerd: {name} is installed (before: nothing), {PIN}, checked by ctr; ok");
    let link = "/etc/systemd/system/kubelet.service.wants/pause-install.service";
    for line in [&line, &line.replace("nothing", "the same")] {
        let (status, said) = node.install(&["--as", "configured", "--engine", "containerd", "--at-boot"]);
        assert_eq!((status, lines(&said)), (0, vec![line.as_str(), ENABLED]), "{said}");
        node.ok(&["systemctl", "add-wants", "kubelet.service", "pause-install.service"]);
    }
    assert!(fs::symlink_metadata(node.file(link)).is_ok(), "another engine's unit");
    assert_eq!(
        fs::read(node.file(SCRIPT)).expect("a copy"),
        fs::read(engines::dist("pause-install.sh")).expect("a file")
    );

    let is_there = |node: &Node| node.image(name).contains(&digest("index"));
    let remove = |node: &Node| node.ok(&["ctr", "-n", "k8s.io", "images", "rm", name]);
    remove(&node);
    node.ok(&["systemctl", "restart", "containerd"]);
    node.until("it is back after a restart", || is_there(&node));
    remove(&node);
    node.ok(&["systemctl", "kill", "--kill-who=main", "--signal=KILL", "containerd"]);
    node.until("it is back after a crash", || node.try_to(&["ctr", "version"]).is_ok() && is_there(&node));

    remove(&node);
    node.shut_down();
    let node = disk.boot();
    assert!(disk.kubelet_saw(name), "after a prune");
    node.shut_down();
    fs::remove_dir_all(disk.path().join("var/lib/containerd")).expect("a data disk");
    let node = disk.boot();
    assert!(disk.kubelet_saw(name), "on a fresh data disk");

    // The unit fails or hangs, but the kubelet still starts, within the limit.
    remove(&node);
    node.shut_down();
    disk.write("etc/systemd/system/pause-install.service.d/limit.conf", "[Service]\nTimeoutSec=2\n");
    for program in ["exit 1\n", "trap '' TERM\nwhile :; do sleep 1000; done\n"] {
        disk.write("upper/etc/pause-install.sh", program);
        let node = disk.boot();
        assert!(!disk.kubelet_saw(name));
        node.shut_down();
    }
    let node = disk.boot();
    assert!(fs::read_to_string(node.file(UNIT)).expect("a unit").contains("\nTimeoutSec=30\n"));
    fs::remove_dir_all(node.file("/etc/systemd/system/pause-install.service.d")).expect("a folder");

    let (status, said) = node.install(&["--as", "configured", "--engine", "containerd", "--at-boot"]);
    assert_eq!(status, 0, "{said}");
    let refusal =
        format!("containerd: {name} is the configured sandbox image and nothing replaces it; --force removes it\n");
    assert_eq!(node.install(&["--remove", "--engine", "containerd"]), (1, refusal));
    assert!(is_there(&node) && node.file(UNIT).exists());
    let (status, said) = node.install(&["--remove", "--engine", "containerd", "--force"]);
    let removed = format!("containerd: removed: {name}; ok");
    assert_eq!((status, lines(&said)), (0, vec![removed.as_str(), "at boot: pause-install.service is removed; ok"]));
    assert_eq!(state(&node), before);
}

/// Docker's prune removes the image.
#[test]
fn it_comes_back_in_docker() {
    let Some(disk) = disk() else { return };
    disk.write(
        "etc/docker/daemon.json",
        r#"{ "storage-driver": "vfs", "iptables": false, "bridge": "none", "ip-forward": false }"#,
    );
    let node = disk.boot();
    node.ok(&["systemctl", "start", "docker"]);
    let (status, said) = node.install(&["--engine", "podman", "--at-boot"]);
    assert_eq!((status, said.lines().count()), (0, 1), "{said}");
    assert!(!node.file(UNIT).exists(), "Podman has no service");
    let (status, said) = node.install(&["--engine", "docker", "--at-boot"]);
    let line = format!("Docker: {NAME} is installed (before: nothing), checked by docker; ok");
    assert_eq!((status, lines(&said)), (0, vec![line.as_str(), ENABLED]));
    node.ok(&["docker", "image", "prune", "--all", "--force"]);
    node.try_to(&["docker", "image", "inspect", NAME]).expect_err("pruned");
    node.ok(&["systemctl", "restart", "docker"]);
    node.until("it is back", || node.try_to(&["docker", "image", "inspect", NAME]).is_ok());
}

/// In a chroot, where images of machines are built, no engine runs. The first boot installs the image.
#[test]
fn a_machine_image_is_prepared_offline() {
    let Some(disk) = disk() else { return };
    disk.write("etc/containerd/config.toml", &configured(NAME));
    let build = node(&["podman"]);
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
    let _node = disk.boot();
    assert!(disk.kubelet_saw(NAME));
}

#[test]
fn at_boot_is_refused() {
    if !ready(REAL) {
        return;
    }
    let node = node(&["podman", "containerd", "dockerd", "docker"]);
    node.own_etc();
    let piped = node.ok(&["sh", "-c", "sh -s -- --at-boot </run/pause-install.sh 2>&1 || echo $?"]);
    assert_eq!(piped, "pause-install: --at-boot needs this script in a file\n1\n");
    node.ok(&["mount", "--bind", "/dev/null", "/usr/bin/systemctl"]);
    assert_eq!(node.install(&["--at-boot"]), (1, "pause-install: --at-boot needs systemd\n".to_owned()));
    assert!(!node.file(UNIT).exists() && !node.file(SCRIPT).exists());
}

/// The installer waits for an installed engine that starts later, and for one that is not yet installed if it is named.
#[test]
fn it_waits() {
    if !ready(REAL) {
        return;
    }
    let served = format!("containerd: {NAME} is installed (before: nothing), {PIN}, checked by ctr; ok");
    for (hidden, arguments) in
        [(&[][..], &["--wait", "300"][..]), (&["containerd"], &["--wait=300", "--engine=containerd"])]
    {
        let arguments: Vec<&str> = arguments.iter().flat_map(|argument| argument.split('=')).collect();
        let node = node(&[&["podman", "docker", "dockerd"], hidden].concat());
        thread::scope(|scope| {
            let installer = scope.spawn(|| node.install(&arguments));
            until("it waits", || node.try_to(&["pgrep", "-x", "sleep"]).is_ok());
            if !hidden.is_empty() {
                node.ok(&["umount", "/usr/bin/containerd"]);
            }
            node.start_containerd(&configured(NAME));
            let (status, said) = installer.join().expect("it runs");
            assert_eq!((status, lines(&said)), (0, vec![served.as_str()]));
        });
    }
    // It also waits for one that runs but does not answer yet.
    let node = node(&["podman", "docker", "dockerd"]);
    node.start_containerd(&configured(NAME));
    node.ok(&["mv", "/run/containerd/containerd.sock", "/run/away"]);
    thread::scope(|scope| {
        let installer = scope.spawn(|| node.install(&["--wait", "300"]));
        until("it waits", || node.try_to(&["pgrep", "-x", "sleep"]).is_ok());
        node.ok(&["mv", "/run/away", "/run/containerd/containerd.sock"]);
        assert_eq!(installer.join().expect("it runs"), (0, format!("{served}\n")));
    });
}

#[test]
fn it_does_not_wait_for_what_will_not_come() {
    if !ready(REAL) {
        return;
    }
    let bare = node(&["podman", "docker", "dockerd", "containerd"]);
    let none = "pause-install: no container engine is running here\n".to_owned();
    assert_eq!(bare.install(&["--wait", "86400"]), (1, none), "at once");
    let alone = node(&["docker", "dockerd", "containerd"]);
    assert_eq!(alone.install(&["--wait", "86400"]).0, 0, "Podman is no daemon");
    let other = node(&["podman"]);
    other.start_containerd(&configured(NAME));
    let (status, said) = other.install(&["--wait", "86400"]);
    assert!(status == 0 && said.starts_with("Docker: is not running; skipped\n"), "another engine runs: {said}");
    let stopped = node(&["podman", "docker", "dockerd"]);
    let line = "containerd: is not running; skipped\npause-install: no container engine is running here\n".to_owned();
    assert_eq!(stopped.install(&["--wait", "1"]), (1, line));
}

/// k3s starts its containerd some time after itself.
#[test]
fn it_waits_for_k3s() {
    if !ready(REAL) {
        return;
    }
    let node = node(&["podman", "docker", "dockerd", "containerd"]);
    stand_in(&node, "/usr/local/bin/k3s");
    node.ok(&["ln", "-s", "k3s", "/usr/local/bin/k3s-server"]);
    start_as(&node, "k3s-server", &["/usr/local/bin/k3s-server"]);
    let line = "k3s: is not running; skipped\npause-install: no container engine is running here\n".to_owned();
    assert_eq!(node.install(&["--wait", "1"]), (1, line));
}

/// If another engine is installed, a failure of Podman does not count when an image is installed, but it does when one
/// is removed.
#[test]
fn a_refusal_of_podman_counts() {
    if !ready(REAL) {
        return;
    }
    let node = node(&["docker", "dockerd"]);
    node.start_containerd(&configured("registry.k8s.io/pause:3.6"));
    let conf = format!("[engine]\ninfra_image = \"{NAME}\"\ninfra_command = \"/pause\"\n");
    node.write("/etc/containers/containers.conf.d/pause.conf", &conf);
    assert_eq!(node.install(&[]).0, 0);
    let (status, said) = node.install(&["--remove"]);
    let refusal = format!("Podman: {NAME} is the configured sandbox image and nothing replaces it; --force removes it");
    assert_eq!((status, lines(&said)), (1, vec![format!("containerd: removed: {NAME}; ok").as_str(), &refusal]));
    node.ok(&["podman", "image", "exists", NAME]);
}

/// Each engine gets back what it had: another pause image under the same name, or none.
#[test]
fn it_goes_and_what_was_there_before_is_back() {
    if !ready(REAL) {
        return;
    }
    let node = node(&[]);
    let name = "docker.io/rancher/mirrored-pause:3.6"; // Docker shows it without its domain
    node.start_containerd(&configured(name));
    start_docker(&node);
    node.import_as(&other_pause("another"), name);
    ok("docker", &["save", "-o", &node.file("/run/image.tar").to_string_lossy(), "localhost/another:1"]);
    for engine in ["docker", "podman"] {
        node.ok(&[engine, "load", "-i", "/run/image.tar"]);
        node.ok(&[engine, "tag", "localhost/another:1", name]);
    }
    let images = || {
        let ctr = node.ok(&["ctr", "-n", "k8s.io", "images", "ls"]);
        let ctr = ctr.lines().skip(1).filter(|row| !row.starts_with("sha256:")); // CRI's own
        let ctr: Vec<String> = ctr.map(|row| row.split_whitespace().take(3).collect()).collect();
        let of = |engine| {
            let format = "{{.Repository}}:{{.Tag}} {{.ID}}";
            let mut images: Vec<String> =
                node.ok(&[engine, "images", "--no-trunc", "--format", format]).lines().map(str::to_owned).collect();
            images.sort();
            images
        };
        [ctr, of("docker"), of("podman")]
    };
    let before = images();
    for arguments in [&["--as", name][..], &["--as", "registry.example:5000/new:1"], &[]] {
        assert_eq!(node.install(arguments).0, 0);
    }
    assert_ne!(images(), before);
    let (status, said) = node.install(&["--remove"]);
    for engine in ["containerd", "Docker", "Podman"] {
        let line = lines(&said).into_iter().find(|line| line.starts_with(engine)).expect("a line");
        assert!([NAME, "registry.example:5000/new:1", name].iter().all(|name| line.contains(name)), "{line}");
        assert!(line.ends_with(&format!("; put back: {name}; ok")), "{line}");
    }
    assert_eq!(status, 0);
    assert_eq!(images(), before);
    let (status, said) = node.install(&["--remove"]);
    assert_eq!((status, said.matches(": removed: nothing; ok\n").count()), (0, 3), "{said}");

    // Another version of our image does not count as what was there before.
    node.import_as(&other_pause("pause"), "localhost/older:1");
    assert_eq!(node.install(&["--engine", "containerd", "--as", name]).0, 0);
    node.ok(&["ctr", "-n", "k8s.io", "images", "tag", "--force", "localhost/older:1", name]);
    let (status, said) = node.install(&["--engine", "containerd", "--as", name]);
    assert!(status == 0 && said.contains("(before: another version)"), "{said}");
    node.ok(&["ctr", "-n", "k8s.io", "images", "rm", "localhost/older:1"]);
    assert_eq!(node.install(&["--engine", "containerd", "--remove"]).0, 0);
    assert_eq!(images()[0], before[0]);
}

/// The disk of a node whose systemd starts containerd and then a stand-in for the kubelet.
struct Disk(PathBuf);

fn disk() -> Option<Disk> {
    if !ready(REAL) || !has("systemctl") {
        return None;
    }
    let disk = Disk(ok("mktemp", &["-d", "/run/disk-XXXXXX"]).trim().into());
    disk.write("etc/systemd/system/node.target", "[Unit]\nWants=basic.target containerd.service kubelet.service\n");
    disk.write(
        "etc/systemd/system/kubelet.service",
        "[Unit]\nAfter=containerd.service\n[Service]\nType=oneshot\nStandardOutput=append:/kubelet\n\
         ExecStart=-/usr/bin/ctr -n k8s.io images ls\nExecStart=/usr/bin/touch /kubelet-started\n",
    );
    if is_emulated() {
        // The installer takes longer there than its unit allows.
        let limit = "upper/usr/lib/systemd/system/pause-install.service.d/emulated.conf";
        disk.write(limit, "[Service]\nTimeoutSec=600\n");
    }
    Some(disk)
}

impl Disk {
    fn path(&self) -> &Path {
        &self.0
    }

    fn write(&self, path: &str, text: &str) {
        let file = self.path().join(path);
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        fs::write(file, text).expect("a file");
    }

    /// Boots a node from this disk, and returns when everything has started.
    fn boot(&self) -> Node {
        for file in ["upper/kubelet", "upper/kubelet-started"] {
            _ = fs::remove_file(self.path().join(file));
        }
        let node = Node::boot(self.path());
        node.until("the kubelet starts", || self.path().join("upper/kubelet-started").exists());
        node
    }

    /// Whether the image was there when the kubelet started.
    fn kubelet_saw(&self, name: &str) -> bool {
        let images = fs::read_to_string(self.path().join("upper/kubelet")).expect("a list");
        images.lines().any(|row| row.starts_with(&format!("{name} ")) && row.contains(&digest("index")))
    }
}

/// All that an installation can change: images, systemd's files, the script.
fn state(node: &Node) -> String {
    let images = node.ok(&["ctr", "-n", "k8s.io", "images", "ls"]);
    images
        + &node.ok(&["find", "/etc/systemd/system", "-type", "f", "-o", "-type", "l"])
        + &node.ok(&["sh", "-c", "ls /etc/pause* 2>&1 || :"])
}
