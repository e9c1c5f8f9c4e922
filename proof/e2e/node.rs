//! A node of its own, and one that runs containerd, driven through CRI as by a kubelet.

use std::collections::{BTreeSet, HashMap};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use std::{fmt, fs};

pub use engines::Daemon;
use engines::{BUSYBOX, dist, ok, patience, ready, run, start, until};
use k8s_cri::v1::image_service_client::ImageServiceClient;
use k8s_cri::v1::runtime_service_client::RuntimeServiceClient;
use k8s_cri::v1::*;
use kit::skip::{does_not_apply, not_fetched};
use procfs::process::Process;
use tonic::transport::{Channel, Endpoint};

/// The machine's user that is root in a pod with a user namespace of its own; a multiple of 65536, as the kubelet has it.
pub const FIRST_OF_POD: u32 = 5 << 16;

/// What a pod can ask for: the modes of its network and PID namespaces, and `runAsUser`.
#[derive(Clone, Copy, Debug)]
pub struct Pod {
    pub network: NamespaceMode,
    pub pid: NamespaceMode,
    pub user: Option<i64>,
    /// How many users its own user namespace has, with `hostUsers: false`.
    pub users: Option<u32>,
}

/// A pod on the network of its node, all else as a pod has it by default.
pub const POD: Pod = Pod { network: NamespaceMode::Node, pid: NamespaceMode::Container, user: None, users: None };

/// Where the kernel does not let containerd protect its sandboxes from a lack of memory.
pub const OOM: &str = "restrict_oom_score_adj = true\n";

const OTHER_ENGINES: &[&str] = &["docker", "dockerd", "podman"];

/// What the installer says of the pin, of this machine's containerd: that of Debian 12 has none.
pub const PIN: Pin = Pin;

pub struct Pin;

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(if has_containerd_2() { "pinned" } else { TOO_OLD })
    }
}

/// What it says of a containerd without pins.
pub const TOO_OLD: &str = "too old to pin";

/// The key that the installer names for this machine's containerd.
pub fn sandbox_key() -> &'static str {
    if has_containerd_2() { "pinned_images.sandbox" } else { "sandbox_image" }
}

/// The root folder of a machine that has containerd 1: this one, or none.
pub fn containerd_1() -> Option<PathBuf> {
    if has_containerd_2() {
        does_not_apply("this machine has containerd 2, and no engine beside it that is older");
        return None;
    }
    Some("/".into())
}

/// The root folder of a machine that has containerd 2: this one or another; a skip if there is none.
pub fn containerd_2() -> Option<PathBuf> {
    if has_containerd_2() {
        return Some("/".into());
    }
    newer_debian()
}

/// The root folder of a newer Debian than this machine's; a skip if there is none.
pub fn newer_debian() -> Option<PathBuf> {
    if has_containerd_2() {
        does_not_apply("this machine has a Debian as new as the one that this test brings");
        return None;
    }
    let root = build::root().join("target/newer-debian");
    if root.exists() {
        return Some(root);
    }
    not_fetched("newer-debian", "a newer Debian is not there; proof/packages/newer-debian.sh fetches it, as root");
    None
}

/// A node of containerd 2 with `SystemdCgroup = true`; none where systemd or control groups v2 are not to be had.
pub async fn under_systemd(programs: &[&str]) -> Option<Containerd> {
    if !has_systemd() {
        does_not_apply("systemd with control groups v2 does not run here; see make node");
        return None;
    }
    let runc = "[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc";
    let added = format!("{runc}]\nruntime_type = 'io.containerd.runc.v2'\n{runc}.options]\nSystemdCgroup = true\n");
    if !ready(programs) {
        return None;
    }
    Some(Containerd::start_under_systemd(&(config("containerd-2") + &added)).await)
}

/// A node of containerd 2, under systemd where that runs, as on nodes of today; and a word on how, for a row.
pub async fn with_containerd_2(programs: &[&str]) -> Option<(Containerd, &'static str)> {
    if has_systemd() {
        return Some((under_systemd(programs).await?, ", SystemdCgroup = true"));
    }
    let root = containerd_2()?;
    if !ready(programs) {
        return None;
    }
    let added = format!("[plugins.'io.containerd.cri.v1.runtime']\n{OOM}");
    Some((Containerd::start(&root, &(config("containerd-2") + &added)).await, ""))
}

/// Whether systemd, with control groups v2 alone, is this machine's init, and answers here.
pub fn has_systemd() -> bool {
    Path::new("/run/systemd/system").exists() && kit::cgroup::version() == 2
}

/// The file of a folder of deploy/.
pub fn config(deploy: &str) -> String {
    fs::read_to_string(build::root().join("deploy").join(deploy).join("config.toml")).expect("a file")
}

/// Whether this machine's containerd is of version 2.
pub fn has_containerd_2() -> bool {
    run("containerd", &["--version"]).is_ok_and(|said| said.contains("containerd/v2 "))
}

/// A machine of its own: its processes, its network, and the folders that engines fill.
pub struct Node {
    /// Of the pause that holds it, as seen from here.
    pid: String,
    /// The unshare that waits for that.
    holder: Daemon,
}

impl Node {
    /// With the root folder `root`, in which the programs `hidden` are not installed.
    pub fn new(root: &Path, hidden: &[&str]) -> Self {
        Self::unshared(root, hidden, &["--pid"])
    }

    /// One that has its processes in common with this machine, whose systemd makes control groups for them, and therefore
    /// knows them by their PIDs.
    fn of_systemd() -> Self {
        Self::unshared(Path::new("/"), OTHER_ENGINES, &[])
    }

    fn unshared(root: &Path, hidden: &[&str], namespaces: &[&str]) -> Self {
        let node = Self::held_by("pause", namespaces, "node.sh", &[root, &dist("pause-amd64")]);
        for program in hidden {
            for folder in ["/usr/bin", "/usr/sbin"] {
                let path = format!("{folder}/{program}");
                if node.file(&path).exists() {
                    node.ok(&["mount", "--bind", "/dev/null", &path]);
                }
            }
        }
        node
    }

    /// With systemd, which starts the units of `node.target`. What it writes stays in `disk`, for another boot.
    pub fn boot(disk: &Path) -> Self {
        Self::held_by("systemd", &["--pid", "--cgroup", "--ipc", "--uts"], "boot.sh", &[disk])
    }

    /// What `script` makes of its arguments, once `program` is its PID 1; with the installer.
    fn held_by(program: &str, namespaces: &[&str], script: &str, arguments: &[&Path]) -> Self {
        let script = build::root().join("proof/e2e").join(script);
        let words = [&[script.as_path()], arguments].concat();
        let words: Vec<&str> = words.iter().map(|word| word.to_str().expect("UTF-8")).collect();
        let unshare = ["--mount", "--net", "--fork", "--kill-child"];
        let holder = start("unshare", &[&unshare, namespaces, &words].concat());
        let pid = holder.found("the node is held", || {
            let child = fs::read_to_string(format!("/proc/{0}/task/{0}/children", holder.pid())).ok()?;
            let child = child.trim().to_owned();
            let held_by = fs::read_link(format!("/proc/{child}/exe")).ok()?;
            held_by.ends_with(program).then_some(child)
        });
        let node = Self { pid, holder };
        fs::copy(dist("pause-install.sh"), node.file("/run/pause-install.sh")).expect("a file");
        node
    }

    /// Ends it, and waits until it is gone.
    pub fn shut_down(self) {
        let pid = self.pid.clone();
        drop(self);
        until("it is gone", || !Path::new(&format!("/proc/{pid}/exe")).exists());
    }

    /// Waits until `so` is true, as [`until`] does, but no longer than it is held.
    pub fn until(&self, what: &str, so: impl Fn() -> bool) {
        self.holder.until(what, so);
    }

    /// A file of it, as seen from here.
    pub fn file(&self, path: &str) -> PathBuf {
        format!("/proc/{}/root{path}", self.pid).into()
    }

    /// Writes a file of it, and the folders that lead there.
    pub fn write(&self, path: &str, text: &str) {
        let file = self.file(path);
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        fs::write(&file, text).expect("a file");
    }

    /// The same for a program.
    pub fn write_program(&self, path: &str, text: &str) {
        self.write(path, text);
        self.ok(&["chmod", "0755", path]);
    }

    /// Empties a folder of it, which it makes if there is none.
    pub fn tmpfs(&self, path: &str) {
        self.ok(&["mkdir", "-p", path]);
        self.ok(&["mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", path]);
    }

    /// Connects it to the network of this machine, whose end of the line is `name`: `subnet`.1 is here, `subnet`.2 there.
    pub fn connect(&self, name: &str, subnet: &str) {
        ok("ip", &["link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", &self.pid]);
        ok("ip", &["addr", "add", &format!("{subnet}.1/24"), "dev", name]);
        ok("ip", &["link", "set", name, "up"]);
        self.ok(&["ip", "addr", "add", &format!("{subnet}.2/24"), "dev", "eth0"]);
        self.ok(&["ip", "link", "set", "eth0", "up"]);
    }

    /// Gives it an /etc of its own, with what this machine has there; before, what it writes comes to the machine.
    pub fn own_etc(&self) {
        let overlay = "lowerdir=/etc,upperdir=/run/etc,workdir=/run/work";
        self.ok(&["mkdir", "/run/etc", "/run/work"]);
        self.ok(&["mount", "-t", "overlay", "-o", overlay, "overlay", "/etc"]);
    }

    /// Starts a daemon on it, which ends with it.
    pub fn start(&self, words: &[&str]) -> Daemon {
        start("nsenter", &[&["-t", &self.pid, "-m", "-n", "-p"], words].concat())
    }

    /// Starts containerd with `config`, and waits until it answers.
    pub fn start_containerd(&self, config: &str) -> Daemon {
        self.write("/etc/containerd/config.toml", config);
        let daemon = self.start(&["containerd"]);
        daemon.until("containerd answers", || self.try_to(&["ctr", "version"]).is_ok());
        daemon
    }

    /// Runs the installer as sudo would: its exit status, and all that it says.
    pub fn install(&self, arguments: &[&str]) -> (i32, String) {
        self.install_by(&["dash"], arguments)
    }

    /// The same in another shell, or in another environment.
    pub fn install_by(&self, shell: &[&str], arguments: &[&str]) -> (i32, String) {
        let mut nsenter = Command::new("nsenter");
        nsenter.args(["-t", &self.pid, "-m", "-n", "-p", "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"]);
        nsenter.args(["sh", "-c", "exec \"$@\" 2>&1", "sh"]).args(shell).arg("/run/pause-install.sh").args(arguments);
        let output = nsenter.stdin(Stdio::null()).output().expect("nsenter runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.code().expect("no signal"), said)
    }

    /// Gives its containerd an image of Docker's, as `name`.
    pub fn import_as(&self, image: &str, name: &str) {
        ok("docker", &["save", "-o", &self.file("/run/image.tar").to_string_lossy(), image]);
        self.ok(&["ctr", "-n", "k8s.io", "images", "import", "/run/image.tar"]);
        if image != name {
            self.ok(&["ctr", "-n", "k8s.io", "images", "tag", image, name]);
            self.ok(&["ctr", "-n", "k8s.io", "images", "rm", image]);
        }
    }

    /// The same under the name that it has there.
    pub fn import(&self, image: &str) {
        self.import_as(image, image);
    }

    /// The row of an image in its containerd; empty if there is none.
    pub fn image(&self, name: &str) -> String {
        let list = self.ok(&["ctr", "-n", "k8s.io", "images", "ls"]);
        list.lines().find(|row| row.split(' ').next() == Some(name)).unwrap_or_default().to_owned()
    }

    /// Runs a program of the node on it.
    pub fn ok(&self, words: &[&str]) -> String {
        self.try_to(words).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The same, for what may fail.
    pub fn try_to(&self, words: &[&str]) -> Result<String, String> {
        run("nsenter", &[&["-t", &self.pid, "-m", "-n", "-p"], words].concat())
    }

    /// Runs busybox in the network of the node.
    pub fn busybox(&self, words: &[&str]) -> Result<String, String> {
        run("nsenter", &[&["-t", &self.pid, "-n", "busybox"], words].concat())
    }

    /// All that pods may leave behind: mounts, interfaces, containers with their processes and file systems.
    pub fn traces(&self) -> BTreeSet<String> {
        let ctr = |what: &str| self.ok(&["ctr", "-n", "k8s.io", what, "ls"]);
        let lists = [self.ok(&["findmnt", "-nr", "-o", "TARGET"]), ctr("tasks"), ctr("containers"), ctr("snapshots")];
        let links = self.busybox(&["ip", "-oneline", "link"]).expect("a list");
        let links = links.lines().filter_map(|line| line.split(": ").nth(1));
        let links = links.filter(|name| *name != "cni0"); // stays for the next pod
        lists.iter().flat_map(|list| list.lines()).chain(links).map(str::to_owned).collect()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        _ = run("kill", &["-KILL", &self.pid]);
    }
}

/// A node that runs containerd, through CRI.
pub struct Containerd {
    node: Node,
    daemon: Option<Daemon>,
    under_systemd: bool,
    /// Of the pods, by the IDs of their sandboxes.
    names: HashMap<String, String>,
    /// As CRI has it.
    pub version: String,
    pub runtime: RuntimeServiceClient<Channel>,
    pub images: ImageServiceClient<Channel>,
}

impl Deref for Containerd {
    type Target = Node;

    fn deref(&self) -> &Node {
        &self.node
    }
}

impl Containerd {
    /// Without the other engines.
    pub async fn start(root: &Path, config: &str) -> Self {
        Self::on(Node::new(root, OTHER_ENGINES), config).await
    }

    /// The same where systemd makes the control groups. `config` says so to containerd.
    pub async fn start_under_systemd(config: &str) -> Self {
        let mut containerd = Self::on(Node::of_systemd(), config).await;
        containerd.under_systemd = true;
        containerd
    }

    async fn on(node: Node, config: &str) -> Self {
        let daemon = node.start_containerd(config);
        let (version, runtime, images) = connect(&node, &daemon).await;
        Self { node, daemon: Some(daemon), under_systemd: false, names: HashMap::new(), version, runtime, images }
    }

    /// With another configuration.
    pub async fn restart(&mut self, config: &str) {
        self.daemon.take().expect("it runs").stop();
        let daemon = self.node.start_containerd(config);
        (self.version, self.runtime, self.images) = connect(&self.node, &daemon).await;
        self.daemon = Some(daemon);
    }

    /// RunPodSandbox; its ID, or the error as a kubelet prints it.
    pub async fn run(&mut self, name: &str, pod: Pod) -> Result<String, String> {
        let request = RunPodSandboxRequest { config: Some(self.sandbox(name, pod)), ..Default::default() };
        let said = self.runtime.run_pod_sandbox(request).await;
        let said = said.map_err(|e| format!("rpc error: code = {:?} desc = {}", e.code(), e.message()));
        let id = said?.into_inner().pod_sandbox_id;
        self.names.insert(id.clone(), name.to_owned());
        Ok(id)
    }

    fn sandbox(&self, name: &str, pod: Pod) -> PodSandboxConfig {
        let metadata = PodSandboxMetadata { name: name.to_owned(), uid: name.to_owned(), ..Default::default() };
        let seccomp = SecurityProfile {
            profile_type: security_profile::ProfileType::RuntimeDefault.into(),
            ..Default::default()
        };
        let security = LinuxSandboxSecurityContext {
            namespace_options: Some(namespaces(pod)),
            run_as_user: pod.user.map(|value| Int64Value { value }),
            seccomp: Some(seccomp), // as the kubelet has it
            ..Default::default()
        };
        let cgroup_parent = if self.under_systemd { slice(name) } else { String::new() };
        let linux = LinuxPodSandboxConfig { security_context: Some(security), cgroup_parent, ..Default::default() };
        PodSandboxConfig { metadata: Some(metadata), linux: Some(linux), ..Default::default() }
    }

    /// Its pause, and the pod's IP (none on the node's own network).
    pub async fn status(&mut self, id: &str) -> (Process, String) {
        self.status_if_alive(id).await.expect("it runs")
    }

    /// The same; none if runc was killed before it executed pause.
    pub async fn status_if_alive(&mut self, id: &str) -> Option<(Process, String)> {
        let request = PodSandboxStatusRequest { pod_sandbox_id: id.to_owned(), verbose: true };
        let said = self.runtime.pod_sandbox_status(request).await.expect("its status").into_inner();
        let info: serde_json::Value = serde_json::from_str(&said.info["info"]).expect("JSON");
        let proc = self.file(&format!("/proc/{}", info["pid"].as_i64().expect("a PID")));
        let ip = said.status.and_then(|status| status.network).map(|network| network.ip);
        let program = || fs::read_link(proc.join("exe")).ok();
        until("runc has executed pause or ended", || program().is_none_or(|program| program.ends_with("pause")));
        program()?;
        Some((Process::new_with_root(proc).ok()?, ip.unwrap_or_default()))
    }

    /// Whether the sandbox runs.
    pub async fn is_ready(&mut self, id: &str) -> bool {
        let request = PodSandboxStatusRequest { pod_sandbox_id: id.to_owned(), verbose: false };
        let said = self.runtime.pod_sandbox_status(request).await.expect("its status").into_inner();
        said.status.is_some_and(|status| status.state() == PodSandboxState::SandboxReady)
    }

    /// Waits until containerd knows that the sandbox has ended.
    pub async fn sees_the_end_of(&mut self, id: &str) {
        answer(async || (!self.is_ready(id).await).then_some(()).ok_or("the sandbox has ended")).await;
    }

    /// Starts a container of busybox in a sandbox; its ID.
    pub async fn start_container(&mut self, sandbox_id: &str, name: &str, pod: Pod, command: &[&str]) -> String {
        self.start_limited(sandbox_id, name, pod, LinuxContainerResources::default(), command).await
    }

    /// The same, with these limits.
    pub async fn start_limited(
        &mut self,
        sandbox_id: &str,
        name: &str,
        pod: Pod,
        limits: LinuxContainerResources,
        command: &[&str],
    ) -> String {
        let request = CreateContainerRequest {
            pod_sandbox_id: sandbox_id.to_owned(),
            config: Some(ContainerConfig {
                metadata: Some(ContainerMetadata { name: name.to_owned(), attempt: 0 }),
                image: Some(ImageSpec { image: BUSYBOX.to_owned(), ..Default::default() }),
                command: command.iter().map(|word| (*word).to_owned()).collect(),
                linux: Some(LinuxContainerConfig {
                    resources: Some(limits),
                    security_context: Some(LinuxContainerSecurityContext {
                        namespace_options: Some(namespaces(pod)),
                        ..Default::default()
                    }),
                }),
                ..Default::default()
            }),
            sandbox_config: Some(self.sandbox(&self.names[sandbox_id], pod)),
        };
        let id = self.runtime.create_container(request).await.expect("a container").into_inner().container_id;
        let request = StartContainerRequest { container_id: id.clone() };
        self.runtime.start_container(request).await.expect("it starts");
        id
    }

    /// Waits until a container has ended; its exit code.
    pub async fn exit_code(&mut self, container_id: &str) -> i32 {
        answer(async || {
            let request = ContainerStatusRequest { container_id: container_id.to_owned(), verbose: false };
            let said = self.runtime.container_status(request).await.expect("its status").into_inner();
            let ended = said.status.filter(|status| status.state() == ContainerState::ContainerExited);
            ended.ok_or("the container has ended")
        })
        .await
        .exit_code
    }

    /// What a program says in a container.
    pub async fn exec(&mut self, container_id: &str, command: &[&str]) -> Result<String, String> {
        let cmd = command.iter().map(|word| (*word).to_owned()).collect();
        let request = ExecSyncRequest { container_id: container_id.to_owned(), cmd, timeout: 60 };
        let said = self.runtime.exec_sync(request).await.expect("it runs").into_inner();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match said.exit_code {
            0 => Ok(text(&said.stdout)),
            code => Err(format!("{command:?}: {code}\n{}{}", text(&said.stdout), text(&said.stderr))),
        }
    }

    /// StopPodSandbox and RemovePodSandbox, with all its containers.
    pub async fn remove(&mut self, id: &str) {
        let pod_sandbox_id = id.to_owned();
        let request = StopPodSandboxRequest { pod_sandbox_id: pod_sandbox_id.clone() };
        self.runtime.stop_pod_sandbox(request).await.expect("it stops");
        let request = RemovePodSandboxRequest { pod_sandbox_id };
        self.runtime.remove_pod_sandbox(request).await.expect("it is removed");
        // systemd removes what is empty in its own time.
        let find = format!("find /sys/fs/cgroup -name '*{id}*' 2>/dev/null || :");
        until("no control group is left behind", || ok("sh", &["-c", &find]).is_empty());
    }

    /// Waits until CRI knows that one image has all these names, which `ctr` has given it.
    pub async fn hears_of(&mut self, names: &[&str]) {
        let has_all = |image: &Image| names.iter().all(|name| image.repo_tags.iter().any(|tag| tag == name));
        let what = format!("CRI knows {names:?}");
        answer(async || self.images().await.iter().any(has_all).then_some(()).ok_or(&what)).await;
    }

    pub async fn images(&mut self) -> Vec<Image> {
        let list = self.images.list_images(ListImagesRequest::default()).await;
        list.expect("a list").into_inner().images
    }
}

impl Drop for Containerd {
    fn drop(&mut self) {
        // Where it shares its processes with this machine, it does not go with the node.
        if let (true, false, Some(daemon)) = (self.under_systemd, thread::panicking(), self.daemon.take()) {
            daemon.stop();
        }
    }
}

/// The slice of a pod, as a kubelet names it.
pub fn slice(pod: &str) -> String {
    format!("kubepods-pod{}.slice", pod.replace('-', "_"))
}

async fn connect(node: &Node, daemon: &Daemon) -> (String, RuntimeServiceClient<Channel>, ImageServiceClient<Channel>) {
    let socket = node.file("/run/containerd/containerd.sock");
    let channel = Endpoint::from_shared(format!("unix://{}", socket.display())).expect("an address");
    let channel = channel.connect().await.expect("it listens");
    let (mut runtime, images) = (RuntimeServiceClient::new(channel.clone()), ImageServiceClient::new(channel));
    // It answers before it has initialised CRI.
    let ask = async || {
        daemon.must_run("CRI answers");
        runtime.version(VersionRequest::default()).await.map_err(|error| format!("CRI v1: {error}"))
    };
    let version = answer(ask).await;
    (version.into_inner().runtime_version, runtime, images)
}

/// Asks until there is an answer, and returns that. The error is what has not come true.
async fn answer<T, E: fmt::Display>(mut ask: impl AsyncFnMut() -> Result<T, E>) -> T {
    let deadline = Instant::now() + Duration::from_secs(patience());
    loop {
        match ask().await {
            Ok(answer) => return answer,
            Err(what) => assert!(Instant::now() < deadline, "not within {} s: {what}", patience()),
        }
        tokio::task::yield_now().await;
    }
}

fn namespaces(pod: Pod) -> NamespaceOption {
    let userns_options = pod.users.map(|length| {
        let ids = vec![IdMapping { host_id: FIRST_OF_POD, container_id: 0, length }];
        UserNamespace { mode: NamespaceMode::Pod.into(), uids: ids.clone(), gids: ids }
    });
    NamespaceOption { network: pod.network.into(), pid: pod.pid.into(), userns_options, ..Default::default() }
}
