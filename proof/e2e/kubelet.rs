//! A real kubelet with pause for its sandboxes: `make kubelet`. It finds its usual folders empty.

use build::arch::Arch;
use build::root;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::ops::Deref;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;

use engines::compatibility::Row;
use engines::{BUSYBOX, Daemon, NGINX, digest, has_quoted, normalized, ok, processes_of_a_pod, ready_with, run, start};
use kit::messages::TERMINATED;
use kit::orphans::IN_A_POD;
use nix::sys::signal::Signal::{self, SIGKILL, SIGTERM};
use nix::sys::signal::kill;
use nix::unistd::Pid;
use procfs::process::{Process, all_processes};
use serde_json::json;

const KUBELET: &str = "target/kubelet/kubelet";
/// Where the kubelet looks for pods.
const PODS: &str = "/run/pods";
/// Where it stores what their containers print.
const LOGS: &str = "/var/log/pods";
const CRI: [&str; 2] =
    ["--container-runtime=remote", "--container-runtime-endpoint=unix:///run/containerd/containerd.sock"];
const DOCKERSHIM: [&str; 4] = [
    "--container-runtime=docker",
    "--network-plugin=cni",
    "--cni-bin-dir=/usr/lib/cni",
    "--cni-conf-dir=/etc/cni/net.d",
];

#[test]
fn through_containerd() {
    let Some(kubelet) = Kubelet::start(&CRI) else { return };
    let _row = kubelet.row("containerd");
    // Its CRI ends a sandbox only by SIGKILL, so there is nothing to check.
    kubelet.holds_pods(|_| Box::new(|| ()));
}

#[test]
fn through_dockershim() {
    let Some(kubelet) = Kubelet::start(&DOCKERSHIM) else { return };
    let _row = kubelet.row("dockershim");
    kubelet.holds_pods(|pod| {
        let id = ok("docker", &["ps", "--quiet", &format!("--filter=name=k8s_POD_{pod}-")]);
        // Started now, because the kubelet may remove the sandbox as soon as it ends. Both end with the sandbox.
        let [code, said] = [&["wait"][..], &["logs", "--follow"]].map(|verb| {
            let mut docker = Command::new("docker");
            docker.args(verb).arg(id.trim()).stdout(Stdio::piped()).stderr(Stdio::piped());
            docker.spawn().expect("docker runs")
        });
        Box::new(|| {
            let [code, said] = [code, said].map(|docker| docker.wait_with_output().expect("docker ends"));
            assert_eq!(String::from_utf8_lossy(&code.stdout), "0\n", "its exit code");
            assert_eq!(String::from_utf8_lossy(&said.stderr), TERMINATED);
        })
    });
}

/// deploy/podman/pod.yaml, which docs/pod-by-hand.md describes.
#[test]
fn the_pod_of_the_document() {
    let Some(kubelet) = Kubelet::start(&CRI) else { return };
    let _row = Row::new("kubelet, containerd", &ok(KUBELET, &["--version"]), "deploy/podman/pod.yaml");
    let manifest = format!("{PODS}/pod.yaml");
    fs::copy(root().join("deploy/podman/pod.yaml"), &manifest).expect("a file");
    let process = |words: &[&str]| {
        all_processes().expect("/proc").flatten().find(|process| process.cmdline().is_ok_and(|line| line == words))
    };
    // What `kubectl exec pod -c sidecar` runs.
    let sidecar = |words: &[&str]| {
        let pid = process(&["sleep", "3600"]).ok_or("there is no sidecar")?.pid.to_string();
        let nsenter = ["60", "nsenter", "--target", &pid, "--mount", "--net", "--ipc", "--pid"];
        run("timeout", &[&nsenter, words].concat())
    };
    let is_up = || {
        // The kubelet starts the containers in the order of the file, but a restarted one comes last.
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
        let processes = sidecar(&["ps", "-o", "pid,args"]).unwrap_or_default();
        lines(&normalized(&processes)) == lines(&processes_of_a_pod())
    };
    kubelet.until("it has the processes that the document shows", is_up);
    let nginx = || kubelet.found("nginx runs", || process(&["nginx: master process nginx -g daemon off;"])).pid;
    let pause = || kubelet.found("pause runs", || process(&["/pause"]));
    let (first, held_by) = (nginx(), pause());
    assert_eq!(held_by.status().expect("it runs").ruid, 65535);

    let serves = || sidecar(&["wget", "-qO-", "http://localhost"]).as_deref() == Ok("served by nginx\n");
    kubelet.until("localhost answers", serves);
    let log = sidecar(&["cat", "/var/log/nginx/access.log"]).expect("the log that nginx writes");
    assert!(log.contains("\"GET / HTTP/1.1\" 200"), "{log}");

    ok("nsenter", &["--target", &first.to_string(), "--all", "nginx", "-s", "quit"]);
    kubelet.until("nginx is back", || {
        process(&["nginx: master process nginx -g daemon off;"]).is_some_and(|new| new.pid != first)
    });
    kubelet.until("localhost answers again", serves);
    assert_eq!(pause().pid, held_by.pid);
    kubelet.until("it has the same processes again", is_up);

    fs::remove_file(manifest).expect("it was there");
    kubelet.until("the pod is gone", || process(&["/pause"]).is_none() && process(&["sleep", "3600"]).is_none());
}

/// deploy/kubelet/README.md quotes what a user sees if the image is missing.
#[test]
fn a_missing_image_is_what_the_readme_quotes() {
    let missing = [concat!("--pod-infra-container-image=localhost/missing:", env!("CARGO_PKG_VERSION"))];
    let Some(kubelet) = Kubelet::start(&[&DOCKERSHIM[..], &missing].concat()) else { return };
    fs::write(manifest("shared"), pod("shared", true).to_string()).expect("a file");
    kubelet.until("the kubelet says it", || has_quoted("deploy/kubelet/README.md", &kubelet.said()));
}

/// A kubelet with static pods and without an API server. Dropping it kills it.
struct Kubelet {
    daemon: Daemon,
    _one_at_a_time: MutexGuard<'static, ()>,
}

impl Kubelet {
    /// None if the test is skipped.
    fn start(flags: &[&str]) -> Option<Self> {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let one_at_a_time = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        if !ready() {
            return None;
        }
        for folder in [PODS, LOGS] {
            ok("sh", &["-c", "mkdir -p $0 && rm -rf $0/*", folder]);
        }
        let config = json!({
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "staticPodPath": PODS,
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

    fn row(&self, through: &str) -> Row {
        let how = "static pods, with and without a shared PID namespace";
        Row::new(&format!("kubelet, {through}"), &ok(KUBELET, &["--version"]), how)
    }

    /// Pods, from manifest to removal. Before a pod ends, `ending` is called with its name; what it returns is called
    /// once the pod has ended.
    fn holds_pods(&self, ending: impl Fn(&str) -> Box<dyn FnOnce()>) {
        let links = || ok("ip", &["link", "show", "type", "veth"]);
        let before = links();
        let names = ["shared", "separate"];
        for name in names {
            fs::write(manifest(name), pod(name, name == "shared").to_string()).expect("a file");
        }
        let pods = names.map(|name| self.found(&format!("{name} is up"), || Pod::look(name)));
        for pod in &pods {
            pod.is_held_by_ours();
        }
        let said =
            self.found("orphans have been counted", || Some(logs("shared", "one")).filter(|said| !said.is_empty()));
        assert!(said.contains("reaped") && !said.contains("not reaped"), "{said}");

        // A container that dies comes back where it was.
        for old in &pods {
            let before = (old.address(), old.namespaces());
            signal(&old.two, SIGKILL);
            let new = self.found(&format!("{}'s second container is back", old.name), || {
                Pod::look(old.name).filter(|new| new.two.pid != old.two.pid)
            });
            assert_eq!((new.pause.pid, new.one.pid), (old.pause.pid, old.one.pid), "{}", old.name);
            assert_eq!((new.address(), new.namespaces()), before, "{}", old.name);
        }

        // A sandbox that ends is replaced, with all its containers.
        let ended = names.map(&ending);
        for pod in &pods {
            signal(&pod.pause, SIGTERM);
        }
        for old in &pods {
            let new = self.found(&format!("{} has a new sandbox", old.name), || {
                Pod::look(old.name).filter(|_| !old.pause.is_alive() && !old.one.is_alive())
            });
            new.is_held_by_ours();
        }
        ended.into_iter().for_each(|ended| ended());

        let ended = names.map(&ending);
        for name in names {
            fs::remove_file(manifest(name)).expect("it was there");
        }
        self.until("all processes of the pods have ended", || {
            let left = all_processes().expect("/proc").flatten();
            !left.into_iter().any(|process| is_pause(&process) || container(&process).is_some()) && links() == before
        });
        ended.into_iter().for_each(|ended| ended());
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
            if is_pause(&process) || container(&process).is_some() {
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

/// The running processes of a pod.
struct Pod {
    name: &'static str,
    one: Process,
    two: Process,
    pause: Process,
}

impl Pod {
    fn look(name: &'static str) -> Option<Self> {
        let processes = || all_processes().expect("/proc").flatten();
        let of = |number: &str| {
            processes().find(|process| container(process).is_some_and(|of| of == format!("{name} {number}")))
        };
        let [one, two] = [of("one")?, of("two")?];
        let net = namespace(&one, "net")?;
        let pause =
            processes().find(|process| is_pause(process) && namespace(process, "net").as_ref() == Some(&net))?;
        Some(Self { name, one, two, pause })
    }

    fn is_held_by_ours(&self) {
        let sum = ok("sha256sum", &[&format!("/proc/{}/exe", self.pause.pid)]);
        let ours = digest(&format!("pause-{}", Arch::host().expect("an architecture of pause").name));
        assert_eq!(sum.split(' ').next(), ours.strip_prefix("sha256:"), "{}", self.name);
        let pid_within = self.pause.status().expect("it runs").nspid.and_then(|pids| pids.last().copied());
        assert_eq!(pid_within, Some(1), "{}", self.name);
        for container in [&self.one, &self.two] {
            for (kind, shared) in [("ipc", true), ("net", true), ("pid", self.name == "shared")] {
                let [its, ours] = [container, &self.pause].map(|process| namespace(process, kind).expect("it runs"));
                assert_eq!(its == ours, shared, "{}, {kind}", self.name);
            }
        }
    }

    fn address(&self) -> String {
        let net = format!("--net=/proc/{}/ns/net", self.two.pid);
        let address = ok("nsenter", &[&net, "ip", "-oneline", "-4", "address", "show", "eth0"]);
        assert!(address.contains("inet 10.244."), "{}: {address}", self.name);
        address
    }

    /// The namespaces that the second container shares with the sandbox.
    fn namespaces(&self) -> Vec<Option<PathBuf>> {
        let all: &[&str] = if self.name == "shared" { &["ipc", "net", "pid"] } else { &["ipc", "net"] };
        all.iter().map(|kind| namespace(&self.two, kind)).collect()
    }
}

fn is_pause(process: &Process) -> bool {
    process.cmdline().is_ok_and(|words| words == ["/pause"])
}

/// The names of the pod and of the container whose command this process is; none until it sleeps.
fn container(process: &Process) -> Option<String> {
    let sleeps = process.cmdline().ok()? == ["/bin/busybox", "sleep", "1000000"];
    let name = process.environ().ok()?.get(OsStr::new("CONTAINER"))?.to_string_lossy().into_owned();
    sleeps.then_some(name)
}

/// None if the process has ended.
fn namespace(process: &Process, kind: &str) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{}/ns/{kind}", process.pid)).ok()
}

fn signal(process: &Process, signal: Signal) {
    _ = kill(Pid::from_raw(process.pid), signal); // if it still runs
}

fn manifest(pod: &str) -> String {
    format!("{PODS}/{pod}.json")
}

fn pod(name: &str, shared: bool) -> serde_json::Value {
    let container = |number: &str, first: &str| {
        json!({
            "name": number,
            "image": BUSYBOX,
            "imagePullPolicy": "Never",
            "command": ["/bin/busybox", "sh", "-c", format!("{first} exec /bin/busybox sleep 1000000")],
            "env": [{ "name": "CONTAINER", "value": format!("{name} {number}") }],
            "volumeMounts": [{ "name": "volume", "mountPath": "/volume" }],
        })
    };
    let orphans = if shared { format!("({IN_A_POD}) || echo \"not reaped: $?\";") } else { String::new() };
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "name": name },
        "spec": {
            "shareProcessNamespace": shared,
            "terminationGracePeriodSeconds": 1,
            "containers": [container("one", &orphans), container("two", "")],
            // While a volume is mounted, this kubelet does not clean up the pod's cgroup. Otherwise it may kill
            // everything in there, including the sandbox, before the grace period of a deleted pod is over.
            "volumes": [{ "name": "volume", "emptyDir": {} }],
        },
    })
}

/// What a container has printed, as the kubelet stores it.
fn logs(pod: &str, container: &str) -> String {
    let folders = fs::read_dir(LOGS).into_iter().flatten().flatten();
    let folder = folders.map(|folder| folder.path()).find(|folder| folder.to_string_lossy().contains(pod));
    let files = folder.and_then(|folder| fs::read_dir(folder.join(container)).ok()).into_iter().flatten().flatten();
    files.filter_map(|file| fs::read_to_string(file.path()).ok()).collect()
}

/// Starts both engines with the images, and makes the kernel look as if the kubelet had tuned it. False if the test is
/// skipped.
fn ready() -> bool {
    static READY: LazyLock<bool> = LazyLock::new(|| {
        // What the kubelet would write to the kernel's settings, which the whole machine shares.
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
        let runc = root().join("proof/e2e/runc.sh");
        let docker = json!({ "default-runtime": "runc.sh", "runtimes": { "runc.sh": { "path": runc } } });
        fs::write("/etc/docker/daemon.json", docker.to_string()).expect("a file");
        // The user's file, with additions for a machine without CAP_SYS_RESOURCE and for Debian's folder of CNI
        // plugins.
        let config = fs::read_to_string(root().join("deploy/containerd-1/config.toml")).expect("a file")
            + "restrict_oom_score_adj = true\ncni.bin_dir = \"/usr/lib/cni\"\n";
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
