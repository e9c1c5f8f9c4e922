//! The installer and the containerds of k3s, RKE2, k0s and MicroK8s. Simulated are the vendor's folder with its links,
//! and the command line with which it starts containerd.

use std::path::Path;

use shared::containerd::PIN;
use shared::host::Host;
use shared::{BUSYBOX, ok, ready};

use super::{CONFIGURED, PAUSE, REAL, configured, lines, stand_in, start_as, start_docker};

#[test]
fn k3s() {
    is_served(&Vendor {
        title: "k3s",
        bin: "/var/lib/rancher/k3s/data/0123/bin",
        links: &["containerd", "ctr"],
        config: "/var/lib/rancher/k3s/agent/etc/containerd/config.toml",
        root: "/var/lib/rancher/k3s/agent/containerd",
        socket: "/run/k3s/containerd/containerd.sock",
        wrapper: None,
        copy: Some("/var/lib/rancher/k3s/agent/images/zz-pause.tar"),
    });
}

#[test]
fn k3s_in_another_folder() {
    is_served(&Vendor {
        title: "k3s",
        bin: "/opt/elsewhere/k3s/data/0123/bin",
        links: &["containerd", "ctr"],
        config: "/opt/elsewhere/k3s/agent/etc/containerd/config.toml",
        root: "/opt/elsewhere/k3s/agent/containerd",
        socket: "/run/k3s/containerd/containerd.sock",
        wrapper: None,
        copy: Some("/opt/elsewhere/k3s/agent/images/zz-pause.tar"),
    });
}

#[test]
fn rke2() {
    is_served(&Vendor {
        title: "RKE2",
        bin: "/var/lib/rancher/rke2/data/v1/bin",
        links: &["containerd", "ctr"],
        config: "/var/lib/rancher/rke2/agent/etc/containerd/config.toml",
        root: "/var/lib/rancher/rke2/agent/containerd",
        socket: "/run/k3s/containerd/containerd.sock",
        wrapper: None,
        copy: Some("/var/lib/rancher/rke2/agent/images/zz-pause.tar"),
    });
}

#[test]
fn k0s() {
    is_served(&Vendor {
        title: "k0s",
        bin: "/var/lib/k0s/bin",
        links: &["containerd"],
        config: "/etc/k0s/containerd.toml",
        root: "/var/lib/k0s/containerd",
        socket: "/run/k0s/containerd.sock",
        wrapper: Some("/usr/local/bin/k0s"),
        copy: Some("/var/lib/k0s/images/zz-pause.tar"),
    });
}

#[test]
fn microk8s() {
    is_served(&Vendor {
        title: "MicroK8s",
        bin: "/snap/microk8s/1/bin",
        links: &["containerd"],
        config: "/var/snap/microk8s/1/args/containerd.toml",
        root: "/var/snap/microk8s/common/var/lib/containerd",
        socket: "/var/snap/microk8s/common/run/containerd.sock",
        wrapper: Some("/snap/bin/microk8s"),
        copy: None,
    });
}

/// With --docker it hides its flags. Docker is real.
#[test]
fn k3s_with_docker() {
    if !ready(REAL) {
        return;
    }
    let host = Host::new(&["podman"]);
    start_docker(&host);
    let help =
        r#"   --pause-image value   (agent/runtime) Customized pause image (default: "rancher/mirrored-pause:3.6")"#;
    host.write("/run/answers/k3s server --help", &format!("{help}\n"));
    stand_in(&host, "/usr/local/bin/k3s");
    host.ok(&["ln", "-s", "k3s", "/usr/local/bin/k3s-server"]);
    start_as(&host, "k3s-server", &["/usr/local/bin/k3s-server"]);
    let installs = |name: &str| {
        let line = format!("Docker: {name} is installed (before: nothing), checked by docker; ok");
        let (status, said) = host.install(&["--as", "configured"]);
        assert_eq!((status, lines(&said)), (0, vec!["containerd: is not running; skipped", line.as_str()]));
    };
    installs(PAUSE);
    host.write("/etc/rancher/k3s/config.yaml", "node-name: a\npause-image: \"by/yaml:1\"\n");
    installs("docker.io/by/yaml:1");
    host.write("/etc/rancher/k3s/config.yaml.d/20.yaml", "pause-image: by/drop-in:1 # a comment\n");
    installs("docker.io/by/drop-in:1");
    host.write(
        "/etc/systemd/system/k3s.service",
        "[Service]\nExecStart=/usr/local/bin/k3s \\\n    server \\\n\t'--docker' \\\n\t'--pause-image=by/flag:1' \\\n",
    );
    installs("docker.io/by/flag:1");
    host.write(
        "/etc/systemd/system/k3s.service",
        "ExecStart=/usr/local/bin/k3s \\\n    server \\\n\t'--pause-image' \\\n\t'by/words:1' \\\n",
    );
    installs("docker.io/by/words:1");
}

struct Vendor {
    title: &'static str,
    /// The folder of its programs.
    bin: &'static str,
    /// The links in that folder.
    links: &'static [&'static str],
    config: &'static str,
    root: &'static str,
    socket: &'static str,
    /// Its program in PATH that runs ctr.
    wrapper: Option<&'static str>,
    /// The installer's copy in the folder of archives that it imports when it starts.
    copy: Option<&'static str>,
}

fn is_served(vendor: &Vendor) {
    if !ready(REAL) {
        return;
    }
    let host = vendor.host();
    vendor.start(&host);
    vendor.gets_the_image(&host);
    if let Some(copy) = vendor.copy {
        vendor.imports_the_copy(&host, copy);
    }
}

impl Vendor {
    /// A host with its programs. As on a real node, containerd has the name of its vendor, and ctr in PATH is a link to
    /// another program.
    fn host(&self) -> Host {
        let host = Host::new(&["podman", "docker", "dockerd"]);
        for folder in ["/var/lib/k0s", "/etc/k0s", "/snap", "/var/snap"] {
            host.tmpfs(folder);
        }
        let bin = self.bin;
        let multi = format!("{bin}/{}", self.title.to_lowercase());
        host.ok(&["mkdir", "-p", bin]);
        host.ok(&["cp", "/usr/bin/containerd", &multi]);
        host.ok(&["cp", "/usr/bin/ctr", &format!("{bin}/real-ctr")]);
        for link in self.links {
            let target = if *link == "ctr" { format!("{bin}/real-ctr") } else { multi.clone() };
            host.ok(&["ln", "-s", &target, &format!("{bin}/{link}")]);
        }
        if let Some(wrapper) = self.wrapper {
            let script = format!("#!/bin/sh\n[ \"$1\" = ctr ] && shift && exec {bin}/real-ctr \"$@\"\n");
            host.write_program(wrapper, &script);
        }
        host.write_program("/usr/local/bin/k3s", "#!/bin/sh\necho 'another containerd' >&2\nexit 1\n");
        host.ok(&["ln", "-s", "k3s", "/usr/local/bin/ctr"]);
        for program in ["/usr/bin/containerd", "/usr/bin/ctr"] {
            host.ok(&["mount", "--bind", "/dev/null", program]);
        }
        host
    }

    /// Starts its containerd.
    fn start(&self, host: &Host) {
        let Self { bin, config, socket, .. } = self;
        host.write(config, &configured(CONFIGURED));
        if self.title == "MicroK8s" {
            // Members of this group administer it.
            host.own_etc();
            host.ok(&["sh", "-c", "echo microk8s:x:998: >>/etc/group"]);
            let args = Path::new(config).parent().expect("a folder").to_string_lossy();
            host.ok(&["sh", "-euc", "chgrp -R 998 \"$0\" && chmod -R ug+rwX \"$0\"", &args]);
        }
        let state = format!("--state={}", Path::new(socket).with_file_name("state").display());
        let root = format!("--root={}", self.root);
        let daemon = host.start(&[&format!("{bin}/containerd"), "-c", config, "-a", socket, &state, &root]);
        daemon.until("it answers", || self.ctr(host, &["version"]).is_ok());
    }

    fn ctr(&self, host: &Host, words: &[&str]) -> Result<String, String> {
        let ctr = format!("{}/real-ctr", self.bin);
        host.try_to(&[&[&ctr, "-a", self.socket, "-n", "k8s.io"], words].concat())
    }

    fn check(&self, host: &Host) -> (i32, String) {
        host.install(&["--as", "configured", "--check", "--engine", &self.title.to_lowercase()])
    }

    fn gets_the_image(&self, host: &Host) {
        let Self { title, bin, copy, .. } = self;
        let line = format!(
            "{title}: {PAUSE} is installed (before: nothing), {PIN}, checked by ctr{}; ok",
            copy.map(|copy| format!(", kept in {copy}")).unwrap_or_default()
        );
        let (status, said) = host.install(&["--as", "configured"]);
        assert_eq!(lines(&said).last(), Some(&line.as_str()), "{bin}: {said}");
        assert_eq!(status, 0, "{bin}");
        assert_eq!(said.matches("is installed").count(), 1, "{said}");
        let images = self.ctr(host, &["images", "ls", "-q"]).expect("a list");
        for name in [PAUSE, CONFIGURED] {
            assert!(images.lines().any(|image| image == name), "{images}");
        }
        assert_eq!(self.check(host).0, 0, "{:?}", self.check(host));
    }

    /// When it starts, it imports all archives of the folder, in the order of their names. Its own bundle contains an
    /// image with the same name.
    fn imports_the_copy(&self, host: &Host, copy: &str) {
        let folder = Path::new(copy).parent().expect("a folder").to_string_lossy();
        ok("docker", &["tag", BUSYBOX, PAUSE]);
        for bundle in ["k3s-airgap-images-amd64.tar", "rke2-images.linux-amd64.tar", "k0s-airgap-bundle.tar"] {
            let file = host.file(&format!("{folder}/{bundle}"));
            ok("docker", &["save", "-o", &file.to_string_lossy(), PAUSE]);
        }
        for archive in host.ok(&["ls", &folder]).lines() {
            self.ctr(host, &["images", "import", &format!("{folder}/{archive}")]).expect("it imports");
        }
        // They all pin what they have imported: containerd 2 gives an image that is imported again no label.
        for image in self.ctr(host, &["images", "ls", "-q"]).expect("a list").lines() {
            self.ctr(host, &["images", "label", image, "io.cri-containerd.pinned=pinned"]).expect("a label");
        }
        assert_eq!(self.check(host).0, 0, "{:?}", self.check(host));
        for other in [&["rm", copy][..], &["dash", "/run/pause-install.sh"]] {
            host.ok(other); // no copy, or a copy with another name in it
            let (status, said) = self.check(host);
            let line = lines(&said).into_iter().rfind(|line| line.starts_with(self.title)).expect("a line");
            assert!(status == 1 && line.ends_with("; run this without --check"), "{other:?}: {said}");
            assert_eq!(host.install(&["--as", "configured"]).0, 0);
            assert_eq!(self.check(host).0, 0, "{:?}", self.check(host));
        }
        assert_eq!(host.install(&["--remove", "--force"]).0, 0);
        assert!(!host.file(copy).exists());
    }
}
