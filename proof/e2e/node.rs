//! A node of its own that runs containerd, driven through CRI as by a kubelet.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use engines::{BUSYBOX, dist, ok, run, start, until};
use k8s_cri::v1::image_service_client::ImageServiceClient;
use k8s_cri::v1::runtime_service_client::RuntimeServiceClient;
use k8s_cri::v1::*;
use procfs::process::Process;
use tonic::transport::{Channel, Endpoint};

/// What a pod can ask for: the modes of its network and PID namespaces, and `runAsUser`.
#[derive(Clone, Copy, Debug)]
pub struct Pod {
    pub network: NamespaceMode,
    pub pid: NamespaceMode,
    pub user: Option<i64>,
}

pub struct Node {
    /// containerd's, as CRI has it
    pub version: String,
    pub runtime: RuntimeServiceClient<Channel>,
    pub images: ImageServiceClient<Channel>,
    pid: String,
}

impl Node {
    /// Of a root folder, with the `config.toml` of a folder of deploy/ and what only the tests need.
    pub async fn start(root: PathBuf, deploy: &str, added: &str) -> Self {
        let config = format!("/run/{deploy}.toml");
        let of_user = fs::read_to_string(build::root().join("deploy").join(deploy).join("config.toml"));
        fs::write(&config, of_user.expect("a file") + added).expect("a file");
        let script = build::root().join("proof/e2e/node.sh");
        let words = ["--mount", "--net", &script.to_string_lossy(), &root.to_string_lossy(), &config];
        let pid = start("unshare", &words).to_string();
        until("containerd is started on the node", || {
            fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|program| program.ends_with("containerd"))
        });
        until("it answers", || run("nsenter", &["-t", &pid, "-m", "ctr", "version"]).is_ok());
        fs::copy(dist("pause-install.sh"), format!("/proc/{pid}/root/run/pause-install.sh")).expect("a file");
        let socket = format!("unix:///proc/{pid}/root/run/containerd/containerd.sock");
        let channel = Endpoint::from_shared(socket).expect("an address").connect().await.expect("it listens");
        let (mut runtime, images) = (RuntimeServiceClient::new(channel.clone()), ImageServiceClient::new(channel));
        let version = runtime.version(VersionRequest::default()).await.expect("CRI v1").into_inner().runtime_version;
        let node = Self { version, runtime, images, pid };
        node.import(BUSYBOX);
        node
    }

    /// Its root folder, as seen from here.
    pub fn root(&self) -> String {
        format!("/proc/{}/root", self.pid)
    }

    /// Gives it an image of Docker's.
    pub fn import(&self, image: &str) {
        ok("docker", &["save", "-o", &format!("{}/run/image.tar", self.root()), image]);
        self.ok(&["ctr", "-n", "k8s.io", "images", "import", "/run/image.tar"]);
    }

    /// Runs a program of the node on it.
    pub fn ok(&self, words: &[&str]) -> String {
        self.try_to(words).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The same, for what may fail.
    pub fn try_to(&self, words: &[&str]) -> Result<String, String> {
        run("nsenter", &[&["-t", &self.pid, "-m", "-n"], words].concat())
    }

    /// Runs busybox in the network of the node.
    pub fn busybox(&self, words: &[&str]) -> Result<String, String> {
        run("nsenter", &[&["-t", &self.pid, "-n", "busybox"], words].concat())
    }

    /// RunPodSandbox; its ID, or the error as a kubelet prints it.
    pub async fn run(&mut self, name: &str, pod: Pod) -> Result<String, String> {
        let request = RunPodSandboxRequest { config: Some(sandbox(name, pod)), ..Default::default() };
        let said = self.runtime.run_pod_sandbox(request).await;
        let said = said.map_err(|e| format!("rpc error: code = {:?} desc = {}", e.code(), e.message()));
        Ok(said?.into_inner().pod_sandbox_id)
    }

    /// Its pause, and the pod's IP (none on the node's own network).
    pub async fn status(&mut self, id: &str) -> (Process, String) {
        let request = PodSandboxStatusRequest { pod_sandbox_id: id.to_owned(), verbose: true };
        let said = self.runtime.pod_sandbox_status(request).await.expect("its status").into_inner();
        let info: serde_json::Value = serde_json::from_str(&said.info["info"]).expect("JSON");
        let pid = info["pid"].as_i64().expect("a PID") as i32;
        let ip = said.status.and_then(|status| status.network).map(|network| network.ip);
        until("runc has executed pause", || {
            fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|program| program.ends_with("pause"))
        });
        (Process::new(pid).expect("it runs"), ip.unwrap_or_default())
    }

    /// Whether the sandbox runs.
    pub async fn is_ready(&mut self, id: &str) -> bool {
        let request = PodSandboxStatusRequest { pod_sandbox_id: id.to_owned(), verbose: false };
        let said = self.runtime.pod_sandbox_status(request).await.expect("its status").into_inner();
        said.status.is_some_and(|status| status.state() == PodSandboxState::SandboxReady)
    }

    /// Starts a container of busybox in a sandbox; its ID.
    pub async fn start_container(&mut self, sandbox_id: &str, name: &str, pod: Pod, command: &[&str]) -> String {
        let request = CreateContainerRequest {
            pod_sandbox_id: sandbox_id.to_owned(),
            config: Some(ContainerConfig {
                metadata: Some(ContainerMetadata { name: name.to_owned(), attempt: 0 }),
                image: Some(ImageSpec { image: BUSYBOX.to_owned(), ..Default::default() }),
                command: command.iter().map(|word| (*word).to_owned()).collect(),
                linux: Some(LinuxContainerConfig {
                    security_context: Some(LinuxContainerSecurityContext {
                        namespace_options: Some(namespaces(pod)),
                        ..Default::default()
                    }),
                    ..Default::default()
                }),
                ..Default::default()
            }),
            sandbox_config: Some(sandbox("", pod)),
        };
        let id = self.runtime.create_container(request).await.expect("a container").into_inner().container_id;
        let request = StartContainerRequest { container_id: id.clone() };
        self.runtime.start_container(request).await.expect("it starts");
        id
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
        let hierarchies = fs::read_dir("/sys/fs/cgroup").expect("cgroups").map(|entry| entry.expect("a folder").path());
        for hierarchy in hierarchies.chain(["/sys/fs/cgroup".into()]) {
            let cgroup = hierarchy.join("k8s.io").join(id);
            assert!(!cgroup.exists(), "{} is left behind", cgroup.display());
        }
    }

    pub async fn images(&mut self) -> Vec<Image> {
        let list = self.images.list_images(ListImagesRequest::default()).await;
        list.expect("a list").into_inner().images
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

fn sandbox(name: &str, pod: Pod) -> PodSandboxConfig {
    let metadata = PodSandboxMetadata { name: name.to_owned(), uid: name.to_owned(), ..Default::default() };
    let seccomp =
        SecurityProfile { profile_type: security_profile::ProfileType::RuntimeDefault.into(), ..Default::default() };
    let security = LinuxSandboxSecurityContext {
        namespace_options: Some(namespaces(pod)),
        run_as_user: pod.user.map(|value| Int64Value { value }),
        seccomp: Some(seccomp), // as the kubelet has it
        ..Default::default()
    };
    let linux = LinuxPodSandboxConfig { security_context: Some(security), ..Default::default() };
    PodSandboxConfig { metadata: Some(metadata), linux: Some(linux), ..Default::default() }
}

fn namespaces(pod: Pod) -> NamespaceOption {
    NamespaceOption { network: pod.network.into(), pid: pod.pid.into(), ..Default::default() }
}
