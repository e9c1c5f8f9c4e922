//! A host that runs one of Kubernetes' runtimes, with its files in deploy/ and with our image, which the installer has
//! put there.

use std::fs;

use build::root;
use serde_json::{Value, json};

use crate::compatibility::{Origin, Row};
use crate::containerd::{self, newer_debian};
use crate::cri::{config_of_1, config_of_2, config_of_2_under_systemd, has_systemd};
use crate::crio;
use crate::daemon::Daemon;
use crate::engines::all_built;
use crate::host::Host;
use crate::start_engines::ready;

/// Where a kubelet stores what the containers of its pods print.
pub const POD_LOGS: &str = "/var/log/pods";

/// Makes containerd 2 start pods with crun.
const CRUN_OF_CONTAINERD_2: &str = "\
[plugins.'io.containerd.cri.v1.runtime'.containerd]
default_runtime_name = 'crun'
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.crun]
runtime_type = 'io.containerd.runc.v2'
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.crun.options]
BinaryName = '/usr/bin/crun'
";

/// Where cri-dockerd answers.
pub const CRI_DOCKERD: &str = "unix:///run/cri-dockerd.sock";

/// The kind of runtime. A version is one in proof/packages/engines/versions.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 1.6 is Debian's.
    Containerd(&'static str),
    /// With the file in deploy/crio.
    CriO(&'static str),
    /// Docker, behind cri-dockerd: with its images in containerd's store, or in its own.
    Docker(&'static str, Store),
    /// Debian's Docker, which kubelets up to 1.23 drive themselves.
    Dockershim,
}

/// Where Docker stores images.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Store {
    /// In containerd's store.
    OfContainerd,
    /// In its own, with a graph driver.
    GraphDriver,
}

/// The OCI runtime with which the runtime starts containers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Oci {
    /// runc, which was built.
    Runc,
    /// crun, from a newer Debian.
    Crun,
}

impl Oci {
    fn program(self) -> &'static str {
        match self {
            Self::Runc => "runc",
            Self::Crun => "crun",
        }
    }
}

/// A runtime, with its host.
pub struct Runtime {
    /// The host.
    pub host: Host,
    /// The kind of runtime.
    pub kind: Kind,
    /// The socket on which it answers.
    pub socket: &'static str,
    /// Its name and its OCI runtime's, and what both print about their versions, for rows.
    title: String,
    versions: String,
    /// Whether systemd makes its cgroups.
    pub under_systemd: bool,
    daemons: Vec<(Vec<String>, Option<Daemon>)>,
}

impl Runtime {
    /// Starts a runtime; None if the test is skipped.
    pub fn start(kind: Kind, oci: Oci) -> Option<Self> {
        if !ready(&["conmon", "dockerd", "skopeo"]) {
            return None;
        }
        let runtime = Self::without_pause(kind, oci, |_| ())?;
        let (status, said) = runtime.host.install(&[]);
        assert!(status == 0 && said.ends_with("; ok\n"), "{said}");
        Some(runtime)
    }

    /// Starts a runtime without our image, and without this machine's engines. `prepare` may add to its configuration.
    pub fn without_pause(kind: Kind, oci: Oci, prepare: impl FnOnce(&Host)) -> Option<Self> {
        if matches!(kind, Kind::Containerd("1.6") | Kind::Dockershim) {
            containerd::of_1()?; // Debian 12's
        }
        let engines = programs(kind, oci);
        let engines = all_built(&engines.iter().map(String::as_str).collect::<Vec<_>>())?;
        // For crun, and because Debian 12's client is too old for Docker 29.
        let needs_newer = oci == Oci::Crun || matches!(kind, Kind::Docker(..));
        let root = if needs_newer && !containerd::is_version_2() { newer_debian()? } else { "/".into() };
        let under_systemd = has_systemd() && (kind, oci) == (Kind::Containerd("2.4"), Oci::Runc);
        let hidden = ["containerd", "crio", "crun", "docker", "dockerd", "podman", "runc"];
        let hidden: Vec<&str> = hidden.into_iter().filter(|program| !uses(kind, oci, program)).collect();
        let host = if under_systemd { Host::of_systemd(&hidden) } else { Host::with_root(&root, &hidden) };
        engines.iter().for_each(|folder| host.install_programs(folder));
        let socket = match kind {
            Kind::Containerd(_) => "unix:///run/containerd/containerd.sock",
            Kind::CriO(_) => "unix:///run/crio/crio.sock",
            Kind::Docker(..) => CRI_DOCKERD,
            Kind::Dockershim => "", // it is in the kubelet
        };
        configure(&host, kind, oci, under_systemd);
        prepare(&host);
        let daemons = daemons(kind).into_iter().map(|words| (words, None)).collect();
        let mut runtime = Self {
            host,
            kind,
            socket,
            title: title(kind, oci, under_systemd),
            versions: String::new(),
            under_systemd,
            daemons,
        };
        runtime.start_daemons();
        runtime.versions = runtime.versions(oci);
        Some(runtime)
    }

    /// Stops its daemons, and starts them again.
    pub fn restart(&mut self) {
        self.stop_daemons();
        self.start_daemons();
    }

    /// Makes a row for a program that uses this runtime. `version` is what that prints about its version.
    pub fn row(&self, program: &str, version: &str, how: &str) -> Row {
        let is_packaged = matches!(self.kind, Kind::Containerd("1.6") | Kind::Dockershim);
        let origin = if is_packaged { Origin::Package } else { Origin::Module };
        let how = format!("{program} {}: {how}", Row::version(version));
        Row::of(origin, &self.title, &self.versions, &how)
    }

    /// Gives it an image from this machine's Docker, under this name.
    pub fn import_as(&self, image: &str, name: &str) {
        match self.kind {
            Kind::Containerd(_) => self.host.import_as(image, name),
            Kind::CriO(_) => crio::import_as(&self.host, image, name),
            Kind::Docker(..) | Kind::Dockershim => {
                self.host.ok(&["docker", "load", "-i", self.host.saved(image)]);
                self.host.ok(&["docker", "tag", image, name]);
            }
        }
    }

    /// Asks it through crictl.
    pub fn crictl(&self, words: &[&str]) -> String {
        let words = [&["crictl", "-r", self.socket, "-i", self.socket, "--timeout=60s"], words].concat();
        self.host.ok(&words).trim().to_owned()
    }

    /// Returns the names of its images.
    pub fn images(&self) -> Vec<String> {
        let list = self.crictl(&["images", "-o", "json"]);
        let list: Value = serde_json::from_str(&list).expect("JSON");
        let tags = list["images"].as_array().expect("images").iter().flat_map(|image| image["repoTags"].as_array());
        tags.flatten().filter_map(|tag| tag.as_str()).map(str::to_owned).collect()
    }

    fn start_daemons(&mut self) {
        for (words, daemon) in &mut self.daemons {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let started = self.host.start(&words);
            let ask: &[&str] = match words[0] {
                "dockerd" => &["docker", "version"],
                _ => &["crictl", "-r", self.socket, "version"],
            };
            started.until(&format!("{} answers", words[0]), || self.host.try_to(ask).is_ok());
            *daemon = Some(started);
        }
    }

    fn stop_daemons(&mut self) {
        for (_, daemon) in self.daemons.iter_mut().rev() {
            daemon.take().into_iter().for_each(Daemon::stop);
        }
    }

    /// Returns the versions, such as `2.4.2, runc 1.5.2`.
    fn versions(&self, oci: Oci) -> String {
        let version = |words: &[&str]| Row::version(&self.host.ok(words));
        let docker = || version(&["docker", "version", "-f", "{{.Server.Version}}"]);
        let runtime = match self.kind {
            Kind::Containerd(_) => version(&["containerd", "--version"]),
            Kind::CriO(_) => version(&["crio", "--version"]),
            Kind::Docker(..) => format!("{}, Docker {}", version(&["cri-dockerd", "--version"]), docker()),
            Kind::Dockershim => docker(),
        };
        format!("{runtime}, {} {}", oci.program(), version(&[oci.program(), "--version"]))
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        // If the host shares its processes with the machine, they do not end with it.
        self.daemons.iter().filter_map(|(_, daemon)| daemon.as_ref()).for_each(Daemon::kill);
    }
}

/// Returns the name, such as `Kubernetes on containerd 2.4, runc`.
fn title(kind: Kind, oci: Oci, under_systemd: bool) -> String {
    let runtime = match kind {
        Kind::Containerd(version) => format!("containerd {version}"),
        Kind::CriO(version) => format!("CRI-O {version}"),
        Kind::Docker(version, Store::OfContainerd) => {
            format!("cri-dockerd, Docker {version} with images in containerd")
        }
        Kind::Docker(version, Store::GraphDriver) => format!("cri-dockerd, Docker {version} with a graph driver"),
        Kind::Dockershim => "Docker 20.10".to_owned(),
    };
    let under = if under_systemd { ", SystemdCgroup = true" } else { "" };
    format!("Kubernetes on {runtime}, {}{under}", oci.program())
}

/// Returns what is installed on the host in addition to what its Debian contains.
fn programs(kind: Kind, oci: Oci) -> Vec<String> {
    let mut names = match kind {
        Kind::Containerd("1.6") | Kind::Dockershim => vec![],
        Kind::Containerd(version) => vec![format!("containerd-{version}")],
        Kind::CriO(version) => vec![format!("cri-o-{version}")],
        Kind::Docker(version, _) => {
            vec![format!("docker-{version}"), "containerd-2.4".to_owned(), "cri-dockerd-0.4".to_owned()]
        }
    };
    if oci == Oci::Runc {
        names.push("runc-1.5".to_owned());
    }
    names.extend(["cni-plugins-1.9", "cri-tools-1.37"].map(str::to_owned));
    names
}

/// Returns whether it uses this program from its Debian, or one that is installed over it.
fn uses(kind: Kind, oci: Oci, program: &str) -> bool {
    if program == oci.program() {
        return true;
    }
    match kind {
        Kind::Containerd(_) => program == "containerd",
        Kind::CriO(_) => ["crio", "crun", "podman"].contains(&program), // Podman loads images
        Kind::Docker(..) | Kind::Dockershim => ["containerd", "docker", "dockerd"].contains(&program),
    }
}

fn daemons(kind: Kind) -> Vec<Vec<String>> {
    let alone = |program: &str| vec![program.to_owned()];
    match kind {
        Kind::Containerd(_) => vec![alone("containerd")],
        Kind::CriO(_) => vec![alone("crio")],
        Kind::Docker(..) => vec![alone("dockerd"), cri_dockerd(&command_of_deploy())],
        Kind::Dockershim => vec![alone("dockerd")],
    }
}

/// Returns the command of the unit in deploy/cri-dockerd.
pub fn command_of_deploy() -> String {
    let unit = fs::read_to_string(root().join("deploy/cri-dockerd/10-pause.conf")).expect("a file");
    unit.lines().find_map(|line| line.strip_prefix("ExecStart=/usr/bin/")).expect("a command").to_owned()
}

/// Returns words that start cri-dockerd with `command`, and give it, as its unit does, the socket that it takes as
/// fd://.
pub fn cri_dockerd(command: &str) -> Vec<String> {
    let start = format!("rm -f {0}; exec systemd-socket-activate -l {0} {command}", CRI_DOCKERD.replace("unix://", ""));
    ["sh", "-c", &start].map(str::to_owned).to_vec()
}

/// Writes its configuration: the files in deploy/, and what a machine like this needs in addition.
fn configure(host: &Host, kind: Kind, oci: Oci, under_systemd: bool) {
    match kind {
        Kind::Containerd(version) => {
            let config = match under_systemd {
                true => config_of_2_under_systemd(),
                false if version.starts_with("1.") => config_of_1(),
                false => config_of_2(),
            };
            let added = if oci == Oci::Crun { CRUN_OF_CONTAINERD_2 } else { "" };
            host.write("/etc/containerd/config.toml", &(config + added));
        }
        Kind::CriO(_) => {
            host.write("/etc/crio/crio.conf", &crio::config(oci.program()));
            let ours = fs::read_to_string(root().join("deploy/crio/10-pause.conf")).expect("a file");
            host.write("/etc/crio/crio.conf.d/10-pause.conf", &ours);
        }
        Kind::Docker(..) | Kind::Dockershim => {
            let docker = json!({
                "bridge": "none",
                "default-runtime": "runc.sh",
                "features": { "containerd-snapshotter": matches!(kind, Kind::Docker(_, Store::OfContainerd)) },
                "iptables": false,
                "live-restore": true,
                "runtimes": { "runc.sh": { "path": root().join("proof/e2e/shared/runc.sh") } },
            });
            host.write("/etc/docker/daemon.json", &docker.to_string());
        }
    }
}
