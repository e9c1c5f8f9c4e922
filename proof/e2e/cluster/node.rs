//! A node as an operator sets it up at a site without a registry: containerd, kubeadm and kubelet, with pause from the
//! installer and the images of the control plane from archives.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use build::root;
use procfs::process::{Process, all_processes_with_root};
use shared::cri::config_of_2;
use shared::daemon::Daemon;
use shared::engines::all_built;
use shared::host::Host;
use shared::{CHANGES, CONFIGURED, KUBEADMS, NAME, dist, make_image, ok, ready, run, until};

/// The first version of the cluster, and the one to which it is upgraded.
pub const VERSIONS: [&str; 2] = ["1.37.1", "1.37.2"];

/// The checks that cannot pass here. With cgroups v1, kubeadm 1.37 itself says that SystemVerification must be ignored;
/// its upgrade looks for CoreDNS, which the cluster lacks.
pub const IGNORED: &str = "--ignore-preflight-errors=SystemVerification,CoreDNSMigration,CoreDNSUnsupportedPlugins";

/// The kubelet's command in the unit of kubeadm's package, which reads the variable from kubeadm-flags.env.
pub const KUBELET: &str = "kubelet --bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf \
    --kubeconfig=/etc/kubernetes/kubelet.conf --config=/var/lib/kubelet/config.yaml $KUBELET_KUBEADM_ARGS";

/// Which pause the cluster uses.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Pause {
    /// Ours, from the installer.
    Ours,
    /// Upstream's, from an archive, under both names.
    Upstreams,
}

impl Pause {
    fn program(self) -> PathBuf {
        match self {
            Self::Ours => dist("pause-amd64"),
            Self::Upstreams => root().join("target/upstream/pause"),
        }
    }
}

pub struct Node {
    pub host: Host,
    pub name: String,
    kubelet: Option<Daemon>,
}

/// Returns the directory with the programs of a version of Kubernetes.
pub fn programs(version: &str) -> PathBuf {
    let previous = if version == VERSIONS[0] { "previous-" } else { "" };
    root().join(format!("target/engines/{previous}control-plane-1.37"))
}

impl Node {
    /// Makes a node with only containerd; none if the test is skipped.
    pub fn start(number: u8) -> Option<Self> {
        all_built(&["control-plane-1.37", "previous-control-plane-1.37", "etcd-3.7"])?;
        let engines = all_built(&["containerd-2.4", "runc-1.5", "cni-plugins-1.9", "cri-tools-1.37"])?;
        if !ready(&["docker", "dockerd", "ip", "iptables", "lsns", "pgrep", "systemctl"]) {
            return None;
        }
        // A cluster writes to more directories than one engine does; their contents do not matter.
        let host = Host::with_root(Path::new("/."), &["containerd", "crio", "docker", "dockerd", "podman", "runc"]);
        engines.iter().for_each(|folder| host.install_programs(folder));
        host.look_tuned();
        let name = format!("node-{number}");
        let node = Self { host, name, kubelet: None };
        node.connect(number);
        node.install_kubernetes(VERSIONS[0]);
        // A cgroup for all of its pods, because all nodes share the machine's cgroups.
        let group =
            format!("for root in $(findmnt -nr -t cgroup,cgroup2 -o TARGET); do mkdir -p $root/{}; done", node.name);
        node.host.ok(&["sh", "-c", &group]);
        node.host.write("/etc/crictl.yaml", "runtime-endpoint: unix:///run/containerd/containerd.sock\n");
        node.host.start_containerd(&config_of_2().replace(NAME, CONFIGURED));
        node.host.until("CRI answers", || node.host.try_to(&["crictl", "version"]).is_ok());
        Some(node)
    }

    /// Connects the node to the others through the machine.
    fn connect(&self, number: u8) {
        let subnet = format!("10.77.{number}");
        self.host.connect(&self.name, &subnet);
        self.host.ok(&["sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward"]);
        self.host.write("/etc/resolv.conf", "nameserver 127.0.0.1\n"); // answers at once that it knows nothing
        fs::write("/proc/sys/net/ipv4/ip_forward", "1").expect("a setting");
        ok("iptables", &["-P", "FORWARD", "ACCEPT"]); // which Docker forbids
    }

    /// Returns its address.
    pub fn address(&self) -> String {
        self.name.replace("node-", "10.77.") + ".2"
    }

    /// Replaces the programs that Kubernetes' packages contain.
    pub fn install_kubernetes(&self, version: &str) {
        for program in ["kubeadm", "kubectl", "kubelet"] {
            let file = programs(version).join(program);
            self.host.ok(&["cp", "--remove-destination", file.to_str().expect("UTF-8"), "/usr/local/bin"]);
        }
    }

    /// Installs pause, and proves that it is there.
    pub fn bring(&self, pause: Pause) {
        match pause {
            Pause::Ours => {
                let (status, said) = self.host.install(&["--as", "configured", "--as", KUBEADMS, "--at-boot"]);
                let installed = |name| format!("containerd: {name} is installed (before: nothing), pinned; ok\n");
                let enabled = "at boot: pause-install.service is enabled; ok\n";
                assert_eq!((status, said), (0, installed(CONFIGURED) + &installed(KUBEADMS) + enabled));
            }
            Pause::Upstreams => {
                make_image(&pause.program(), "pause", CHANGES, KUBEADMS);
                self.host.import(KUBEADMS);
                self.host.ok(&["ctr", "-n", "k8s.io", "images", "tag", KUBEADMS, CONFIGURED]);
            }
        }
    }

    /// Runs kubeadm, which configures the kubelet and waits for it, and starts the kubelet as soon as it can start.
    /// (kubeadm would call systemctl.)
    pub fn becomes_a_member(&mut self, kubeadm: &[&str]) -> String {
        thread::scope(|scope| {
            let host = &self.host;
            let kubeadm = scope.spawn(move || host.ok(&[&["kubeadm"], kubeadm, &[IGNORED]].concat()));
            let config = host.file("/var/lib/kubelet/config.yaml");
            until("kubeadm has configured the kubelet", || {
                kubeadm.is_finished() || fs::metadata(&config).is_ok_and(|config| config.len() > 0)
            });
            self.kubelet = Some(start_kubelet(host, &self.name, &self.address()));
            kubeadm.join().expect("kubeadm succeeds")
        })
    }

    pub fn restart_kubelet(&mut self) {
        self.stop_kubelet();
        self.kubelet = Some(start_kubelet(&self.host, &self.name, &self.address()));
    }

    pub fn stop_kubelet(&mut self) {
        self.kubelet.take().expect("it runs").stop();
    }

    /// Ends it, and removes its end of the network and its cgroup.
    pub fn ends(self) {
        self.host.shut_down();
        let groups = format!("find /sys/fs/cgroup -depth -path '*/{}*' -type d -exec rmdir {{}} +", self.name);
        until("its network and its cgroups are gone", || {
            run("ip", &["link", "show", &self.name]).is_err() && run("sh", &["-c", &groups]).is_ok()
        });
    }

    /// Asks the cluster as its administrator.
    pub fn kubectl(&self, words: &[&str]) -> String {
        self.host.ok(&[&["kubectl", "--kubeconfig=/etc/kubernetes/admin.conf"], words].concat())
    }

    /// Runs a command that an operator types, in the project's directory, and returns what it prints.
    pub fn shell(&self, command: &str) -> String {
        let shell = format!("exec 2>&1; cd {}; export KUBECONFIG=/run/admin.conf; {command}", root().display());
        self.host.try_to(&["timeout", "60", "sh", "-c", &shell]).unwrap_or_else(|error| error)
    }

    /// Waits until it runs this many pods, each held by exactly this program.
    pub fn holds(&self, pods: usize, pause: Pause) {
        holds(&self.host, pods, pause);
    }
}

/// Gives a host the images that `kubeadm config images list` names, except pause.
pub fn import_control_plane(host: &Host, version: &str, config: &str) {
    let programs = programs(version);
    let (kubeadm, config) = (programs.join("kubeadm"), host.file(config));
    let list = ["config", "images", "list", "--config", &config.to_string_lossy()];
    let list = ok(&kubeadm.to_string_lossy(), &list);
    for image in list.lines().filter(|image| *image != KUBEADMS) {
        let program = image.rsplit(['/', ':']).nth(1).expect("a name");
        let file = match program {
            "etcd" => root().join("target/engines/etcd-3.7/server"),
            _ => programs.join(program),
        };
        make_image(&file, &format!("usr/local/bin/{program}"), "", image);
        host.import(image);
    }
}

/// Waits until a host runs this many pods, each held by exactly this program.
pub fn holds(host: &Host, pods: usize, pause: Pause) {
    let sandboxes = || host.ok(&["crictl", "pods", "--quiet", "--state=ready"]).lines().count();
    host.until("each pod has a pause", || sandboxes() == pods && pauses(host).len() == pods);
    let program = fs::read(pause.program()).expect("a file");
    for process in pauses(host) {
        let runs = fs::read(host.file(&format!("/proc/{}/exe", process.pid))).expect("it runs");
        assert!(runs == program, "{}", process.pid);
    }
}

/// Returns the pauses of a host's pods.
fn pauses(host: &Host) -> Vec<Process> {
    let is_pause = |process: &Process| process.cmdline().is_ok_and(|words| words == ["/pause"]);
    let all = all_processes_with_root(host.file("/proc")).expect("/proc");
    all.flatten().filter(is_pause).collect()
}

/// Starts the kubelet as the unit in kubeadm's package does. An operator adds the cgroup and the address to
/// KUBELET_EXTRA_ARGS.
fn start_kubelet(host: &Host, name: &str, address: &str) -> Daemon {
    let start =
        format!(". /var/lib/kubelet/kubeadm-flags.env; exec {KUBELET} --cgroup-root=/{name} --node-ip={address}");
    host.start(&["sh", "-c", &start])
}
