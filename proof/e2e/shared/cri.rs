//! A host that runs containerd, driven through CRI as a kubelet does.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};
use std::{fmt, fs};

use k8s_cri::v1::image_service_client::ImageServiceClient;
use k8s_cri::v1::runtime_service_client::RuntimeServiceClient;
use k8s_cri::v1::*;
use procfs::process::Process;
use tonic::transport::{Channel, Endpoint};

use crate::containerd::{config, of_2};
use crate::daemon::Daemon;
use crate::host::Host;
use crate::patience::{patience, until};
use crate::start_engines::ready;
use crate::tools::ok;

/// The machine's user that is root in a pod with its own user namespace; a multiple of 65536, as with the kubelet.
pub const FIRST_OF_POD: u32 = 5 << 16;

/// What a pod can ask for.
#[derive(Clone, Copy, Debug)]
pub struct Pod {
    /// The network: its host's, or its own.
    pub network: NamespaceMode,
    /// Who sees the processes of its containers.
    pub pid: NamespaceMode,
    /// `runAsUser`.
    pub user: Option<i64>,
    /// The number of users in its own user namespace, with `hostUsers: false`.
    pub users: Option<u32>,
}

/// A pod on its host's network, with defaults otherwise.
pub const POD: Pod = Pod { network: NamespaceMode::Node, pid: NamespaceMode::Container, user: None, users: None };

/// The setting for where the kernel does not let containerd protect its sandboxes from a lack of memory.
pub const OOM: &str = "restrict_oom_score_adj = true\n";

const OTHER_ENGINES: &[&str] = &["docker", "dockerd", "podman"];

/// Makes a host with containerd 2, under systemd where that is running, as on today's nodes; also says how, for a row.
pub async fn with_containerd_2(programs: &[&str]) -> Option<(Containerd, &'static str)> {
    let engines = of_2()?;
    if !ready(programs) {
        return None;
    }
    if has_systemd() {
        let containerd = Containerd::start_under_systemd(&engines, &config_of_2_under_systemd()).await;
        return Some((containerd, ", SystemdCgroup = true"));
    }
    Some((Containerd::start(&engines, &config_of_2()).await, ""))
}

/// Returns the file in deploy/containerd-1, for where the kernel does not let containerd protect its sandboxes.
pub fn config_of_1() -> String {
    config("containerd-1") + OOM
}

/// Returns the file in deploy/containerd-2, for where the kernel does not let containerd protect its sandboxes.
pub fn config_of_2() -> String {
    format!("{}[plugins.'io.containerd.cri.v1.runtime']\n{OOM}", config("containerd-2"))
}

/// Returns the file in deploy/containerd-2, for where systemd makes the cgroups.
pub fn config_of_2_under_systemd() -> String {
    let runc = "[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc";
    let added = format!("{runc}]\nruntime_type = 'io.containerd.runc.v2'\n{runc}.options]\nSystemdCgroup = true\n");
    config("containerd-2") + &added
}

/// Returns whether systemd, with only cgroups v2, is this machine's init, and answers here.
pub fn has_systemd() -> bool {
    Path::new("/run/systemd/system").exists() && kit::cgroup::version() == 2
}

/// A host that runs containerd, through CRI.
pub struct Containerd {
    host: Host,
    daemon: Option<Daemon>,
    under_systemd: bool,
    /// The version that CRI reports.
    pub version: String,
    /// For everything that the functions below do not do.
    pub runtime: RuntimeServiceClient<Channel>,
    /// CRI's service for images.
    pub images: ImageServiceClient<Channel>,
}

impl Deref for Containerd {
    type Target = Host;

    fn deref(&self) -> &Host {
        &self.host
    }
}

impl Containerd {
    /// Makes a host with these programs installed, and without the other engines.
    pub async fn start(engines: &[PathBuf], config: &str) -> Self {
        Self::on(Host::with_engines(engines, OTHER_ENGINES), config).await
    }

    /// Makes a host where systemd makes the cgroups. `config` tells containerd so.
    async fn start_under_systemd(engines: &[PathBuf], config: &str) -> Self {
        let host = Host::of_systemd(OTHER_ENGINES);
        engines.iter().for_each(|folder| host.install_programs(folder));
        let mut containerd = Self::on(host, config).await;
        containerd.under_systemd = true;
        containerd
    }

    async fn on(host: Host, config: &str) -> Self {
        let daemon = host.start_containerd(config);
        let (version, runtime, images) = connect(&host, &daemon).await;
        Self { host, daemon: Some(daemon), under_systemd: false, version, runtime, images }
    }

    /// Restarts containerd with another configuration.
    pub async fn restart(&mut self, config: &str) {
        self.daemon.take().expect("it runs").stop();
        let daemon = self.host.start_containerd(config);
        (self.version, self.runtime, self.images) = connect(&self.host, &daemon).await;
        self.daemon = Some(daemon);
    }

    /// Calls RunPodSandbox. Returns its ID, or the error as a kubelet prints it.
    pub async fn run(&mut self, name: &str, pod: Pod) -> Result<String, String> {
        let request = RunPodSandboxRequest { config: Some(self.sandbox(name, pod)), ..Default::default() };
        let said = self.runtime.run_pod_sandbox(request).await;
        let said = said.map_err(|e| format!("rpc error: code = {:?} desc = {}", e.code(), e.message()));
        Ok(said?.into_inner().pod_sandbox_id)
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
            seccomp: Some(seccomp), // as the kubelet sets it
            ..Default::default()
        };
        let cgroup_parent = if self.under_systemd { slice(name) } else { String::new() };
        let linux = LinuxPodSandboxConfig { security_context: Some(security), cgroup_parent, ..Default::default() };
        PodSandboxConfig { metadata: Some(metadata), linux: Some(linux), ..Default::default() }
    }

    /// Returns its pause, and the pod's IP (none on the host's network).
    pub async fn status(&mut self, id: &str) -> (Process, String) {
        let request = PodSandboxStatusRequest { pod_sandbox_id: id.to_owned(), verbose: true };
        let said = self.runtime.pod_sandbox_status(request).await.expect("its status").into_inner();
        let info: serde_json::Value = serde_json::from_str(&said.info["info"]).expect("JSON");
        let proc = self.file(&format!("/proc/{}", info["pid"].as_i64().expect("a PID")));
        let ip = said.status.and_then(|status| status.network).map(|network| network.ip);
        let is_pause = || fs::read_link(proc.join("exe")).is_ok_and(|program| program.ends_with("pause"));
        until("runc has executed pause", is_pause);
        (Process::new_with_root(proc).expect("it runs"), ip.unwrap_or_default())
    }

    /// Returns whether the sandbox is running.
    pub async fn is_ready(&mut self, id: &str) -> bool {
        let request = PodSandboxStatusRequest { pod_sandbox_id: id.to_owned(), verbose: false };
        let said = self.runtime.pod_sandbox_status(request).await.expect("its status").into_inner();
        said.status.is_some_and(|status| status.state() == PodSandboxState::SandboxReady)
    }

    /// Waits until containerd knows that the sandbox has ended.
    pub async fn sees_the_end_of(&mut self, id: &str) {
        answer(async || (!self.is_ready(id).await).then_some(()).ok_or("the sandbox has ended")).await;
    }

    /// Calls StopPodSandbox and RemovePodSandbox, with all its containers.
    pub async fn remove(&mut self, id: &str) {
        let pod_sandbox_id = id.to_owned();
        let request = StopPodSandboxRequest { pod_sandbox_id: pod_sandbox_id.clone() };
        self.runtime.stop_pod_sandbox(request).await.expect("it stops");
        let request = RemovePodSandboxRequest { pod_sandbox_id };
        self.runtime.remove_pod_sandbox(request).await.expect("it is removed");
        // systemd removes what is empty when it gets to it.
        let find = format!("find /sys/fs/cgroup -name '*{id}*' 2>/dev/null || :");
        until("no cgroup is left behind", || ok("sh", &["-c", &find]).is_empty());
    }

    /// Waits until CRI knows that one image has all these names, which `ctr` gave it.
    pub async fn hears_of(&mut self, names: &[&str]) {
        let has_all = |image: &Image| names.iter().all(|name| image.repo_tags.iter().any(|tag| tag == name));
        let what = format!("CRI knows {names:?}");
        answer(async || self.images().await.iter().any(has_all).then_some(()).ok_or(&what)).await;
    }

    /// Returns the images that CRI knows.
    pub async fn images(&mut self) -> Vec<Image> {
        let list = self.images.list_images(ListImagesRequest::default()).await;
        list.expect("a list").into_inner().images
    }
}

impl Drop for Containerd {
    fn drop(&mut self) {
        // If it shares its processes with this machine, it does not end with the host.
        if let (true, false, Some(daemon)) = (self.under_systemd, thread::panicking(), self.daemon.take()) {
            daemon.stop();
        }
    }
}

/// Returns the slice of a pod, as a kubelet names it.
fn slice(pod: &str) -> String {
    format!("kubepods-pod{}.slice", pod.replace('-', "_"))
}

async fn connect(host: &Host, daemon: &Daemon) -> (String, RuntimeServiceClient<Channel>, ImageServiceClient<Channel>) {
    let socket = host.file("/run/containerd/containerd.sock");
    let channel = Endpoint::from_shared(format!("unix://{}", socket.display())).expect("an address");
    let channel = channel.connect().await.expect("it listens");
    let (mut runtime, images) = (RuntimeServiceClient::new(channel.clone()), ImageServiceClient::new(channel));
    // containerd answers before it has initialized CRI.
    let ask = async || {
        daemon.must_run("CRI answers");
        runtime.version(VersionRequest::default()).await.map_err(|error| format!("CRI v1: {error}"))
    };
    let version = answer(ask).await;
    (version.into_inner().runtime_version, runtime, images)
}

/// Asks until there is an answer, and returns that. The error says what did not come true.
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
