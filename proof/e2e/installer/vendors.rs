//! The installer and the containerds of k3s, RKE2, k0s and MicroK8s. The vendor's directories with
//! their links, and its command line for containerd, are simulated. containerd, ctr, crictl, Docker and cri-dockerd are
//! real.

use std::path::Path;

use shared::containerd::{PIN, of_2};
use shared::daemon::Daemon;
use shared::engines::built;
use shared::host::Host;
use shared::{BUSYBOX, ok, ready};

use super::{CONFIGURED, PAUSE, REAL, configured, copy_in, start_docker};

const K3S: Vendor = Vendor {
    title: "k3s",
    bin: "/var/lib/rancher/k3s/data/0123/bin",
    links: &[("0123", "/var/lib/rancher/k3s/data/current")],
    config: "/var/lib/rancher/k3s/agent/etc/containerd/config.toml",
    root: "/var/lib/rancher/k3s/agent/containerd",
    socket: "/run/k3s/containerd/containerd.sock",
    wrapper: None,
    archives: Some("/var/lib/rancher/k3s/agent/images"),
    said: &[],
};

#[test]
fn k3s() {
    is_served(&K3S);
}

/// Checks k3s in another directory, where `--config` must name its configuration.
#[test]
fn k3s_in_another_folder() {
    let elsewhere = Vendor {
        bin: "/opt/elsewhere/k3s/data/0123/bin",
        links: &[("0123", "/opt/elsewhere/k3s/data/current")],
        config: "/opt/elsewhere/k3s/agent/etc/containerd/config.toml",
        root: "/opt/elsewhere/k3s/agent/containerd",
        archives: Some("/opt/elsewhere/k3s/agent/images"),
        said: &["--engine", "k3s", "--config", "/opt/elsewhere/k3s/agent/etc/containerd/config.toml"],
        ..K3S
    };
    is_served(&elsewhere);
}

#[test]
fn rke2() {
    is_served(&Vendor {
        title: "RKE2",
        bin: "/var/lib/rancher/rke2/data/v1/bin",
        links: &[("data/v1/bin", "/var/lib/rancher/rke2/bin")],
        config: "/var/lib/rancher/rke2/agent/etc/containerd/config.toml",
        root: "/var/lib/rancher/rke2/agent/containerd",
        archives: Some("/var/lib/rancher/rke2/agent/images"),
        ..K3S
    });
}

/// Checks k0s. Its configuration imports CRI's, which it writes at each start next to its sockets. Some of these appear
/// later.
#[test]
fn k0s() {
    is_served(&Vendor {
        title: "k0s",
        bin: "/var/lib/k0s/bin",
        links: &[],
        config: "/etc/k0s/containerd.toml",
        root: "/var/lib/k0s/containerd",
        socket: "/run/k0s/containerd.sock",
        wrapper: Some(("/usr/local/bin/k0s", "")),
        archives: Some("/var/lib/k0s/images"),
        said: &[],
    });
}

/// Checks MicroK8s, whose `ctr` adds flags from a file, and does not accept the same flag again in another form.
#[test]
fn microk8s() {
    is_served(&Vendor {
        title: "MicroK8s",
        bin: "/snap/microk8s/1/bin",
        links: &[("1", "/snap/microk8s/current"), ("1", "/var/snap/microk8s/current")],
        config: "/var/snap/microk8s/1/args/containerd.toml",
        root: "/var/snap/microk8s/common/var/lib/containerd",
        socket: "/var/snap/microk8s/common/run/containerd.sock",
        wrapper: Some((
            "/snap/bin/microk8s",
            "--address=/var/snap/microk8s/common/run/containerd.sock --namespace k8s.io",
        )),
        archives: None,
        said: &[],
    });
}

/// Checks a registry's IPv6 address, whose brackets a shell takes for a pattern; containerd 1.6 accepts none.
#[test]
fn an_ipv6_registry() {
    let Some(programs) = of_2().filter(|_| ready(REAL)) else { return };
    let host = K3S.host(&programs[0].to_string_lossy());
    let name = "[fd00::1]:5000/pause:1";
    K3S.start(&host, name);
    let line = format!("k3s: {name} is installed (before: nothing), pinned{}; ok\n", K3S.kept(name));
    assert_eq!(host.install(&["--as", "configured"]), (0, line));
    assert_eq!(K3S.check(&host).0, 0, "{:?}", K3S.check(&host));
    assert_eq!(host.install(&["--remove", "--force"]), (0, format!("k3s: removed: {name}; ok\n")));
}

/// Checks `k3s --docker`, which starts its own cri-dockerd, and whose crictl is in its own directory. It has no
/// containerd then, whatever an earlier start has left.
#[test]
fn k3s_with_docker() {
    let Some(programs) = built("cri-dockerd-0.4").filter(|_| ready(REAL)) else { return };
    let Some(crictl) = built("cri-tools-1.37") else { return };
    let host = Host::with_engines(&[programs], &["podman"]);
    start_docker(&host);
    let bin = "/var/lib/rancher/k3s/data/current/bin";
    host.ok(&["mkdir", "-p", bin]);
    host.ok(&["cp", &crictl.join("crictl").to_string_lossy(), bin]);
    host.write(K3S.config, &configured("left/behind:1"));
    host.write_program("/usr/local/bin/k3s", "#!/bin/sh\nexit 1\n");
    let start = |flag: &str| {
        let start = format!(
            "mkdir -p /run/k3s/cri-dockerd; rm -f {CRI_OF_K3S}; exec systemd-socket-activate -l {CRI_OF_K3S} \
             cri-dockerd --container-runtime-endpoint fd:// {flag}"
        );
        let daemon = host.start(&["sh", "-c", &start]);
        let ask = [&format!("{bin}/crictl"), "-r", &format!("unix://{CRI_OF_K3S}"), "version"];
        daemon.until("cri-dockerd answers", || host.try_to(&ask).is_ok());
        daemon
    };
    let served = |name: &str| {
        let line = format!("Docker: {name} is installed (before: nothing); ok\n");
        let said = format!("containerd: is not running; skipped\n{line}");
        assert_eq!(host.install(&["--as", "configured"]), (0, said));
    };
    let daemon: Daemon = start("");
    served("registry.k8s.io/pause:3.10");
    daemon.stop();
    start(&format!("--pod-infra-container-image={CONFIGURED}"));
    served(PAUSE);
    assert_eq!(host.install(&["--as", "registry.example/pause:1"]).0, 0, "next to the configured one");
    // The socket's directory must be root's.
    host.ok(&["chmod", "0777", "/run/k3s/cri-dockerd"]);
    let line = format!(
        "Docker: root cannot trust the socket of cri-dockerd {CRI_OF_K3S}: \
         everybody may write to /run/k3s/cri-dockerd\n"
    );
    assert_eq!(host.install(&["--engine", "docker"]), (1, line));
}

const CRI_OF_K3S: &str = "/run/k3s/cri-dockerd/cri-dockerd.sock";

struct Vendor {
    title: &'static str,
    /// The directory of its programs.
    bin: &'static str,
    /// Links: the target of each, and its place.
    links: &'static [(&'static str, &'static str)],
    config: &'static str,
    root: &'static str,
    socket: &'static str,
    /// Its program in PATH that runs ctr, and the flags that this adds.
    wrapper: Option<(&'static str, &'static str)>,
    /// The directory of archives that it imports when it starts, where the installer puts copies.
    archives: Option<&'static str>,
    /// The options that the installer needs.
    said: &'static [&'static str],
}

fn is_served(vendor: &Vendor) {
    if !ready(REAL) {
        return;
    }
    let host = vendor.host("/usr/bin");
    let daemon = vendor.start(&host, CONFIGURED);
    vendor.gets_the_image(&host);
    if let Some(folder) = vendor.archives {
        vendor.imports_the_copy(&host, folder);
    }
    if vendor.title == "MicroK8s" {
        the_group_of_microk8s_alone_is_trusted(vendor, &host);
    }
    daemon.stop();
    let skipped = format!("{}: is not running", vendor.title);
    assert!(vendor.check(&host).1.contains(&skipped), "{:?}", vendor.check(&host));
}

/// Checks that only the group whose members administer MicroK8s is trusted.
fn the_group_of_microk8s_alone_is_trusted(vendor: &Vendor, host: &Host) {
    host.ok(&["chgrp", "997", vendor.config]);
    let file = "/var/snap/microk8s/current/args/containerd.toml";
    let line =
        format!("MicroK8s: root cannot trust its configuration {file}: group 997 may write to {}\n", vendor.config);
    let (status, said) = vendor.check(host);
    assert!(status == 1 && said.starts_with(&line), "{said}");
    host.ok(&["chgrp", "998", vendor.config]);
    assert_eq!(vendor.check(host).0, 0, "{:?}", vendor.check(host));
}

impl Vendor {
    /// Makes a host with its programs, taken from the directory `from`. As on a real node, ctr in PATH is another one.
    fn host(&self, from: &str) -> Host {
        let host = Host::new(&["podman", "docker", "dockerd"]);
        for folder in ["/var/lib/k0s", "/etc/k0s", "/snap", "/var/snap"] {
            host.tmpfs(folder);
        }
        let bin = self.bin;
        host.ok(&["mkdir", "-p", bin]);
        host.ok(&["cp", &format!("{from}/containerd"), bin]);
        host.ok(&["cp", &format!("{from}/ctr"), &self.ctr_at()]);
        for (target, link) in self.links {
            host.ok(&["mkdir", "-p", &Path::new(link).parent().expect("a folder").to_string_lossy()]);
            host.ok(&["ln", "-s", target, link]);
        }
        let ctr = self.ctr_at();
        let (path, script) = match self.wrapper {
            Some((path, flags)) => (path.to_owned(), format!("[ \"$1\" = ctr ] && shift && exec {ctr} {flags} \"$@\"")),
            None => (format!("/usr/local/bin/{}", self.title.to_lowercase()), "exit 1".to_owned()),
        };
        host.write_program(&path, &format!("#!/bin/sh\n{script}\n"));
        host.write_program("/usr/local/bin/ctr", "#!/bin/sh\necho 'of another containerd' >&2\nexit 1\n");
        for program in ["/usr/bin/containerd", "/usr/bin/ctr"] {
            host.ok(&["mount", "--bind", "/dev/null", program]);
        }
        host
    }

    /// Starts its containerd with this sandbox image.
    fn start(&self, host: &Host, name: &str) -> Daemon {
        let Self { bin, config, socket, .. } = self;
        host.write(config, &configured(name));
        if self.title == "k0s" {
            host.write("/run/k0s/containerd-cri.toml", &configured(name));
            host.write(config, "version = 2\nimports = [\n  \"/run/k0s/containerd-cri.toml\",\n]\n");
        }
        if self.title == "MicroK8s" {
            host.own_etc();
            host.ok(&["sh", "-c", "echo microk8s:x:998: >>/etc/group"]);
            let (args, run) = (Path::new(config).parent().expect("a folder"), Path::new(socket).parent());
            let run = run.expect("a folder").to_string_lossy();
            host.ok(&["mkdir", "-p", &run]);
            let give = "chgrp -R 998 \"$@\" && chmod -R ug+rwX \"$@\"";
            host.ok(&["sh", "-euc", give, "sh", &args.to_string_lossy(), &run]);
        }
        let state = format!("--state={}", Path::new(socket).with_file_name("state").display());
        let root = format!("--root={}", self.root);
        let daemon = host.start(&[&format!("{bin}/containerd"), "-c", config, "-a", socket, &state, &root]);
        daemon.until("it answers", || self.ctr(host, &["version"]).is_ok());
        if self.title == "k0s" {
            host.write("/run/k0s/status.sock", "");
        }
        daemon
    }

    /// Returns where its ctr is: in the directory of its programs, or in the program that runs it.
    fn ctr_at(&self) -> String {
        let name = if self.wrapper.is_some() { "inside" } else { "ctr" };
        format!("{}/{name}", self.bin)
    }

    fn ctr(&self, host: &Host, words: &[&str]) -> Result<String, String> {
        host.try_to(&[&[&*self.ctr_at(), "-a", self.socket, "-n", "k8s.io"], words].concat())
    }

    fn install(&self, host: &Host, words: &[&str]) -> (i32, String) {
        host.install(&[words, self.said].concat())
    }

    fn check(&self, host: &Host) -> (i32, String) {
        self.install(host, &["--as", "configured", "--check"])
    }

    fn kept(&self, name: &str) -> String {
        self.archives.map(|folder| format!(", kept in {}", copy_in(folder, name))).unwrap_or_default()
    }

    fn gets_the_image(&self, host: &Host) {
        if !self.said.is_empty() {
            let none = "k3s: is not running; skipped\npause-install: no container engine is running here\n";
            assert_eq!(host.install(&["--as", "configured"]), (1, none.to_owned()));
        }
        let line = format!("{}: {PAUSE} is installed (before: nothing), {PIN}{}; ok\n", self.title, self.kept(PAUSE));
        assert_eq!(self.install(host, &["--as", "configured"]), (0, line));
        let images = self.ctr(host, &["images", "ls", "-q"]).expect("a list");
        for name in [PAUSE, CONFIGURED] {
            assert!(images.lines().any(|image| image == name), "{images}");
        }
        assert_eq!(self.check(host).0, 0, "{:?}", self.check(host));
    }

    /// Imports all archives in the directory, in the order of their names, as the vendor does when it starts. Its own
    /// bundle contains an image with the same name.
    fn imports_the_copy(&self, host: &Host, folder: &str) {
        let copy = &copy_in(folder, PAUSE);
        ok("docker", &["tag", BUSYBOX, PAUSE]);
        for bundle in ["k3s-airgap-images-amd64.tar", "rke2-images.linux-amd64.tar", "k0s-airgap-bundle.tar"] {
            let file = host.file(&format!("{folder}/{bundle}"));
            ok("docker", &["save", "-o", &file.to_string_lossy(), PAUSE]);
        }
        for archive in host.ok(&["ls", folder]).lines() {
            self.ctr(host, &["images", "import", &format!("{folder}/{archive}")]).expect("it imports");
        }
        // All vendors pin what they import, because containerd 2 does not label an image that is imported again.
        for image in self.ctr(host, &["images", "ls", "-q"]).expect("a list").lines() {
            self.ctr(host, &["images", "label", image, "io.cri-containerd.pinned=pinned"]).expect("a label");
        }
        assert_eq!(self.check(host).0, 0, "{:?}", self.check(host));
        let no_copy = || _ = host.ok(&["rm", copy]);
        let half_a_copy = || _ = host.ok(&["truncate", "--size=1k", copy]);
        for change in [&no_copy as &dyn Fn(), &half_a_copy] {
            change();
            let (status, said) = self.check(host);
            let line = said.lines().find(|line| line.starts_with(&format!("{}: conf", self.title))).expect("a line");
            assert!(status == 1 && line.ends_with("; run this without --check"), "{said}");
            assert_eq!(self.install(host, &["--as", "configured"]).0, 0);
            assert_eq!(self.check(host).0, 0, "{:?}", self.check(host));
        }
        assert_eq!(self.install(host, &["--remove", "--force"]).0, 0);
        assert!(!host.file(copy).exists());
    }
}
