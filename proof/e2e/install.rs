//! The installer on various nodes: with several engines, none, a broken one, and those of vendors.
//!
//! containerd, Docker and Podman are real. k3s, RKE2, k0s, MicroK8s, CRI-O and cri-dockerd, which Debian 12 does not
//! have, are simulated: around a real containerd or a real store, the tests create what the installer looks at
//! (programs, command lines, sockets, files, links). stand_in.rs is the program of those that are no containerd.

use std::fs;
use std::path::Path;

use engines::{BUSYBOX, NAME, digest, ok, ready};
use kit::messages::VERSION;
use kit::skip::{does_not_apply, is_installed};

use crate::node::{self, Containerd, Daemon, Node, PIN, TOO_OLD, has_containerd_2, sandbox_key};

/// What `--check` says of the pauses that run: the one that holds the node.
pub const ONLY_THE_NODES_OWN: &str = "pauses that run: 1 of this release, 0 of earlier ones, 0 others";

pub const REAL: &[&str] = &["containerd", "dockerd", "podman", "runc", "skopeo"];

#[test]
fn several_engines_are_each_served_once() {
    if !ready(REAL) {
        return;
    }
    let node = node(&[]);
    start_docker(&node); // first, so that it starts a containerd of its own
    node.start_containerd(&configured("registry.k8s.io/pause:3.6"));
    node.write("/etc/containers/containers.conf.d/10-pause.conf", "[engine]\ninfra_image = \"early:1\"\n");
    node.write("/etc/containers/containers.conf.d/20-pause.conf", "[engine]\ninfra_image = \"rancher/late\"\n");

    let (status, said) = node.install(&["--check", "--as", "configured"]);
    assert_eq!(
        lines(&said),
        [
            "Docker: no sandbox image is configured; skipped",
            "containerd: configured: registry.k8s.io/pause:3.6; registry.k8s.io/pause:3.6 is not there; run this without --check",
            "Podman: configured: rancher/late; docker.io/rancher/late:latest is not there; run this without --check",
            ONLY_THE_NODES_OWN,
        ]
    );
    assert_eq!(status, 1);

    for (shell, before) in [(&["dash"][..], "nothing"), (&["busybox", "sh"], "the same")] {
        let (status, said) = node.install_by(shell, &["--as", "configured"]);
        assert_eq!(
            lines(&said),
            [
                "Docker: no sandbox image is configured; skipped".to_owned(),
                format!(
                    "containerd: registry.k8s.io/pause:3.6 is installed (before: {before}), {PIN}, checked by ctr; ok"
                ),
                format!("Podman: docker.io/rancher/late:latest is installed (before: {before}), checked by podman; ok"),
            ]
        );
        assert_eq!(status, 0);
    }
    assert_eq!(node.install(&["--check", "--as", "configured"]).0, 0);
    node.ok(&["podman", "run", "--rm", "--network=none", "--cgroups=disabled", "docker.io/rancher/late", "-v"]);

    // The same name in all engines.
    let name = "registry.example:5000/a/pause:9";
    let (status, said) = node.install(&["--as", name]);
    assert_eq!(
        lines(&said),
        [
            format!("Docker: {name} is installed (before: nothing), checked by docker; ok"),
            format!(
                "containerd: {name} is installed (before: nothing), {PIN}, checked by ctr; set {} to {name} and restart it",
                sandbox_key()
            ),
            format!(
                "Podman: {name} is installed (before: nothing), checked by podman; set infra_image = \"{name}\" and infra_command = \"/pause\" in containers.conf"
            ),
        ]
    );
    assert_eq!(status, 0);
    assert_eq!(node.ok(&["docker", "run", "--rm", "--network=none", name, "-v"]), VERSION);

    // Only one engine.
    let (status, said) = node.install(&["--engine", "docker"]);
    assert_eq!(
        (status, lines(&said)),
        (0, vec![format!("Docker: {NAME} is installed (before: nothing), checked by docker; ok").as_str()])
    );
    let (status, said) = node.install(&["--engine", "docker", "--as", "configured"]);
    assert_eq!((status, said.as_str()), (1, "Docker: no sandbox image is configured\n"));
    let (status, said) = node.install(&["--engine", "crio"]);
    assert_eq!((status, said.as_str()), (1, "pause-install: crio is not running here\n"));
}

#[test]
fn none() {
    if ready(REAL) {
        let node = node(&["containerd", "ctr", "docker", "dockerd", "podman"]);
        let none = "pause-install: no container engine is running here\n".to_owned();
        for arguments in [&[][..], &["--as", "configured"]] {
            assert_eq!(node.install(arguments), (1, none.clone()));
        }
        assert_eq!(node.install(&["--check"]), (1, format!("{ONLY_THE_NODES_OWN}\n{none}")));
    }
}

#[test]
fn one_stopped() {
    if ready(REAL) {
        let node = node(&["podman"]);
        let stopped = "containerd: is not running; skipped\nDocker: is not running; skipped\n";
        let none = format!("{stopped}pause-install: no container engine is running here\n");
        assert_eq!(node.install(&[]), (1, none));
        node.start_containerd(&configured(NAME));
        let served = format!("containerd: {NAME} is installed (before: nothing), {PIN}, checked by ctr; ok\n");
        assert_eq!(node.install(&[]), (0, format!("Docker: is not running; skipped\n{served}")));
    }
}

/// The other engines are still served.
#[test]
fn one_broken() {
    if !ready(REAL) {
        return;
    }
    let node = node(&["podman"]);
    node.start_containerd(&configured(NAME));
    start_docker(&node);
    let docker = |before| format!("Docker: {NAME} is installed (before: {before}), checked by docker; ok");
    node.ok(&["mv", "/run/containerd/containerd.sock", "/run/away"]);
    let (status, said) = node.install(&[]);
    assert_eq!(status, 1);
    assert!(said.contains("containerd: does not answer at /run/containerd/containerd.sock: ctr: "), "{said}");
    assert!(said.contains(&docker("nothing")), "{said}");
    node.ok(&["mv", "/run/away", "/run/containerd/containerd.sock"]);

    node.write("/etc/containerd/config.toml", "no TOML");
    let (status, said) = node.install(&[]);
    assert_eq!(status, 1);
    assert!(said.contains("containerd: cannot print its configuration: ") && said.contains("TOML"), "{said}");
    assert!(said.contains(&docker("the same")), "{said}");
}

#[test]
fn a_full_disk_and_a_read_only_folder() {
    if !ready(REAL) {
        return;
    }
    let node = node(&["docker", "dockerd", "podman"]);
    node.ok(&["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", "/var/lib/containerd"]);
    node.start_containerd(&configured(NAME));
    node.ok(&["sh", "-c", "cat /dev/zero >/var/lib/containerd/full 2>/dev/null || :"]);
    let (status, said) = node.install(&[]);
    assert_eq!(status, 1);
    assert!(said.starts_with("containerd: cannot import the image: ctr: "), "{said}");
    assert!(said.contains("no space left on device"), "{said}");
    assert_eq!(node.image(NAME), "");
    node.ok(&["rm", "/var/lib/containerd/full"]);

    node.ok(&["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", "/mnt"]);
    let (status, said) = node.install_by(&["env", "TMPDIR=/mnt", "dash"], &[]);
    let line = "pause-install: cannot unpack; set TMPDIR to a folder with room: tar: ";
    assert!(status == 1 && said.starts_with(line) && said.lines().count() == 1, "{said}");
    assert_eq!(node.ok(&["ls", "/mnt"]), "");
    node.ok(&["mount", "-o", "remount,ro", "/mnt"]);
    let (status, said) = node.install_by(&["env", "TMPDIR=/mnt", "dash"], &[]);
    let line = "pause-install: set TMPDIR to a writable folder: mktemp: ";
    assert!(status == 1 && said.starts_with(line) && said.lines().count() == 1, "{said}");
    assert_eq!(node.install(&[]).0, 0);
}

#[test]
fn a_policy_that_refuses() {
    if !ready(REAL) {
        return;
    }
    let node = node(&["docker", "dockerd", "containerd", "ctr"]);
    node.ok(&["mount", "-t", "tmpfs", "tmpfs", "/etc/containers"]);
    node.write("/etc/containers/policy.json", r#"{ "default": [{ "type": "reject" }] }"#);
    let (status, said) = node.install(&[]);
    assert_eq!(status, 1);
    assert!(said.starts_with("Podman: cannot load the image: "), "{said}");
    assert!(said.contains("is rejected by policy"), "the whole error is printed: {said}");
}

#[test]
fn podman_alone_fails_nothing() {
    if !ready(REAL) {
        return;
    }
    let node = node(&["docker", "dockerd"]);
    node.start_containerd(&configured("Upper/pause:1"));
    node.write("/etc/containers/containers.conf.d/pause.conf", "[engine]\ninfra_image = \"Upper/pause:1\"\n");
    // Podman refuses such a name, and so does containerd 1.6.
    let (status, said) = node.install(&["--as", "configured"]);
    let [containerd, podman, ..] = lines(&said)[..] else { panic!("{said}") };
    let refused = "containerd: containerd 1.6 refuses this name, configure another: Upper/pause:1";
    assert!(if has_containerd_2() { status == 0 } else { status == 1 && containerd == refused }, "{said}");
    assert!(podman.starts_with("Podman: cannot load the image: "), "{said}");
    // With a name that containerd accepts, Podman's failure does not count.
    node.write("/etc/containerd/config.toml", &configured(NAME));
    let (status, said) = node.install(&["--as", "configured"]);
    assert!(status == 0 && said.contains("Podman: cannot load the image: "), "{said}");
}

#[test]
fn a_name_that_belongs_to_another_image() {
    if !ready(REAL) {
        return;
    }
    let node = node(&[]);
    node.start_containerd(&configured(NAME));
    start_docker(&node);
    let name = "registry.k8s.io/pause:3.8";
    ok("docker", &["tag", BUSYBOX, name]);
    ok("docker", &["save", "-o", &node.file("/run/image.tar").to_string_lossy(), name]);
    for engine in ["docker", "podman"] {
        node.ok(&[engine, "load", "-i", "/run/image.tar"]);
    }
    node.import_as(BUSYBOX, name);
    let was = node.image(name);

    let refusal = format!("{name} is not a pause image (entrypoint /pause); --force replaces it");
    let (status, said) = node.install(&["--as", name]);
    let refusals = ["containerd", "Docker", "Podman"].map(|engine| format!("{engine}: {refusal}"));
    assert_eq!((status, lines(&said)), (1, refusals.iter().map(String::as_str).collect()));
    assert_eq!(node.image(name), was);
    let (status, said) = node.install(&["--as", name, "--check"]);
    assert_eq!(status, 1);
    for engine in ["containerd", "Docker", "Podman"] {
        let line = format!("{engine}: configured: ");
        let line = lines(&said).into_iter().find(|said| said.starts_with(&line)).expect("a line");
        assert!(line.ends_with("another image, not a pause image; choose another name, or --force"), "{line}");
    }

    let (status, said) = node.install(&["--as", name, "--force"]);
    assert_eq!(status, 0, "{said}");
    assert_eq!(said.matches("(before: another, kept as localhost/pause-before:").count(), 3, "{said}");
    assert!(node.image(name).contains(&digest("index")));
}

/// Another pause image is kept, so that an operator can go back without a network.
#[test]
fn another_pause_image_is_kept() {
    if !ready(REAL) {
        return;
    }
    let node = node(&["podman", "docker", "dockerd"]);
    let name = "registry.k8s.io/pause:3.8";
    node.start_containerd(&configured(name));
    node.import_as(&other_pause("other"), name);
    let digest_of = |row: String| row.split_whitespace().nth(2).expect("a digest").to_owned();
    let other = digest_of(node.image(name));

    let check = node.install(&["--check", "--as", "configured"]);
    let line = format!("containerd: configured: {name}; {name} is another image; run this without --check");
    assert_eq!((check.0, lines(&check.1)), (1, vec![line.as_str(), ONLY_THE_NODES_OWN]));
    let kept = "localhost/pause-before:registry.k8s.io_pause_3.8";
    let (status, said) = node.install(&["--as", "configured"]);
    assert!(status == 0 && said.contains(&format!("(before: another, kept as {kept})")), "{said}");
    assert!(node.image(kept).contains(&other) && node.image(kept).contains("pinned=pinned"), "{}", node.image(kept));
    assert!(node.image(name).contains(&digest("index")));

    node.ok(&["ctr", "-n", "k8s.io", "images", "tag", "--force", kept, name]);
    assert_eq!(digest_of(node.image(name)), other, "it is back");
    node.ok(&["ctr", "-n", "k8s.io", "run", "--rm", name, "back", "/pause", "-v"]);
}

/// A user's containerd or one in a container is not an engine of this node.
#[test]
fn the_engines_of_others_are_left_alone() {
    if !ready(REAL) {
        return;
    }
    let node = node(&["podman", "docker", "dockerd"]);
    node.start_containerd(&configured(NAME));
    let config = |folder: &str| {
        format!(
            "version = 2\nroot = \"{folder}/root\"\nstate = \"{folder}/state\"\ndisabled_plugins = \
             [\"io.containerd.grpc.v1.cri\"]\n[grpc]\naddress = \"{folder}/sock\"\nuid = 0\ngid = 0\n"
        )
    };
    for folder in ["/run/user", "/run/inner"] {
        node.write(&format!("{folder}/config.toml"), &config(folder));
        node.ok(&["chmod", "0777", folder]);
    }
    let user = node.start(&[
        "setpriv",
        "--reuid=1000",
        "--regid=1000",
        "--clear-groups",
        "unshare",
        "--user",
        "--map-root-user",
        "--mount",
        "containerd",
        "-c",
        "/run/user/config.toml",
    ]);
    let inner =
        node.start(&["unshare", "--pid", "--fork", "--kill-child", "containerd", "-c", "/run/inner/config.toml"]);
    for (daemon, folder) in [(user, "/run/user"), (inner, "/run/inner")] {
        daemon.until("it answers", || node.try_to(&["ctr", "-a", &format!("{folder}/sock"), "version"]).is_ok());
    }
    let line = format!("containerd: {NAME} is installed (before: nothing), {PIN}, checked by ctr; ok\n");
    assert_eq!(node.install(&[]), (0, line));
    for folder in ["/run/user", "/run/inner"] {
        let images = node.ok(&["ctr", "-a", &format!("{folder}/sock"), "-n", "k8s.io", "images", "ls", "-q"]);
        assert_eq!(images, "");
    }
}

/// Docker's packages install a containerd whose CRI plugin is disabled, and a node can have two containerds.
#[test]
fn two_containerds_and_one_without_cri() {
    if !ready(REAL) {
        return;
    }
    let node = node(&["podman", "docker", "dockerd"]);
    node.start_containerd("disabled_plugins = [\"cri\"]\n");
    let skipped = "containerd: its CRI plugin is disabled; skipped\n";
    let none = "pause-install: no engine was served\n";
    assert_eq!(node.install(&[]), (1, format!("{skipped}{none}")));

    // Only its configuration file names its socket and folders.
    node.write(
        "/run/third/config.toml",
        &format!(
            "root = \"/run/third/root\"\nstate = \"/run/third/state\"\nrequired_plugins = [\"io.containerd.grpc.v1.cri\"]\n{}\
             [grpc]\naddress = \"/run/third/sock\"\n",
            configured("c/d:1")
        ),
    );
    let third = node.start(&["containerd", "-c", "/run/third/config.toml"]);
    third.until("it answers", || node.try_to(&["ctr", "-a", "/run/third/sock", "version"]).is_ok());
    let line = format!(
        "containerd at /run/third/sock: docker.io/c/d:1 is installed (before: nothing), {PIN}, checked by ctr; ok\n"
    );
    assert_eq!(node.install(&["--as", "configured"]), (0, format!("{skipped}{line}")));
    third.stop();

    node.write(
        "/run/other/config.toml",
        &format!("root = \"/run/other/root\"\nstate = \"/run/other/state\"\n{}", configured("a/b:1")),
    );
    let other = node.start(&["containerd", "--config=/run/other/config.toml", "--address", "/run/other/sock"]);
    other.until("it answers", || node.try_to(&["ctr", "-a", "/run/other/sock", "version"]).is_ok());
    let line = format!(
        "containerd at /run/other/sock: docker.io/a/b:1 is installed (before: nothing), {PIN}, checked by ctr; ok\n"
    );
    assert_eq!(node.install(&["--as", "configured"]), (0, format!("{skipped}{line}")));
    assert!(node.ok(&["ctr", "-a", "/run/other/sock", "-n", "k8s.io", "images", "ls"]).contains("docker.io/a/b:1 "));
    assert_eq!(node.ok(&["ctr", "-n", "k8s.io", "images", "ls", "-q"]), "");
}

/// Simulated: the vendor's folder with its links, and the command line with which it starts containerd.
#[test]
fn k3s_rke2_k0s_and_microk8s() {
    if !ready(REAL) {
        return;
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
    let vendors = [
        Vendor {
            title: "k3s",
            bin: "/var/lib/rancher/k3s/data/0123/bin",
            links: &["containerd", "ctr"],
            config: "/var/lib/rancher/k3s/agent/etc/containerd/config.toml",
            root: "/var/lib/rancher/k3s/agent/containerd",
            socket: "/run/k3s/containerd/containerd.sock",
            wrapper: None,
            copy: Some("/var/lib/rancher/k3s/agent/images/zz-pause.tar"),
        },
        Vendor {
            title: "k3s",
            bin: "/opt/elsewhere/k3s/data/0123/bin",
            links: &["containerd", "ctr"],
            config: "/opt/elsewhere/k3s/agent/etc/containerd/config.toml",
            root: "/opt/elsewhere/k3s/agent/containerd",
            socket: "/run/k3s/containerd/containerd.sock",
            wrapper: None,
            copy: Some("/opt/elsewhere/k3s/agent/images/zz-pause.tar"),
        },
        Vendor {
            title: "RKE2",
            bin: "/var/lib/rancher/rke2/data/v1/bin",
            links: &["containerd", "ctr"],
            config: "/var/lib/rancher/rke2/agent/etc/containerd/config.toml",
            root: "/var/lib/rancher/rke2/agent/containerd",
            socket: "/run/k3s/containerd/containerd.sock",
            wrapper: None,
            copy: Some("/var/lib/rancher/rke2/agent/images/zz-pause.tar"),
        },
        Vendor {
            title: "k0s",
            bin: "/var/lib/k0s/bin",
            links: &["containerd"],
            config: "/etc/k0s/containerd.toml",
            root: "/var/lib/k0s/containerd",
            socket: "/run/k0s/containerd.sock",
            wrapper: Some("/usr/local/bin/k0s"),
            copy: Some("/var/lib/k0s/images/zz-pause.tar"),
        },
        Vendor {
            title: "MicroK8s",
            bin: "/snap/microk8s/1/bin",
            links: &["containerd"],
            config: "/var/snap/microk8s/1/args/containerd.toml",
            root: "/var/snap/microk8s/common/var/lib/containerd",
            socket: "/var/snap/microk8s/common/run/containerd.sock",
            wrapper: Some("/snap/bin/microk8s"),
            copy: None,
        },
    ];
    for vendor in vendors {
        let node = node(&["podman", "docker", "dockerd"]);
        for folder in ["/var/lib/k0s", "/etc/k0s", "/snap", "/var/snap"] {
            node.tmpfs(folder);
        }
        // As on a real node, containerd has the name of its vendor, and ctr in PATH is a link to another program.
        let Vendor { title, bin, config, socket, .. } = vendor;
        let multi = format!("{bin}/{}", title.to_lowercase());
        node.ok(&["mkdir", "-p", bin]);
        node.ok(&["cp", "/usr/bin/containerd", &multi]);
        node.ok(&["cp", "/usr/bin/ctr", &format!("{bin}/real-ctr")]);
        for link in vendor.links {
            let target = if *link == "ctr" { format!("{bin}/real-ctr") } else { multi.clone() };
            node.ok(&["ln", "-s", &target, &format!("{bin}/{link}")]);
        }
        if let Some(wrapper) = vendor.wrapper {
            node.write_program(
                wrapper,
                &format!("#!/bin/sh\n[ \"$1\" = ctr ] && shift && exec {bin}/real-ctr \"$@\"\n"),
            );
        }
        node.write_program("/usr/local/bin/k3s", "#!/bin/sh\necho 'another containerd' >&2\nexit 1\n");
        node.ok(&["ln", "-s", "k3s", "/usr/local/bin/ctr"]);
        for program in ["/usr/bin/containerd", "/usr/bin/ctr"] {
            node.ok(&["mount", "--bind", "/dev/null", program]);
        }
        node.write(config, &configured("rancher/mirrored-pause:3.6"));
        if title == "MicroK8s" {
            // Members of this group administer it.
            node.own_etc();
            node.ok(&["sh", "-c", "echo microk8s:x:998: >>/etc/group"]);
            let args = Path::new(config).parent().expect("a folder").to_string_lossy();
            node.ok(&["sh", "-euc", "chgrp -R 998 \"$0\" && chmod -R ug+rwX \"$0\"", &args]);
        }
        let state = format!("--state={}", Path::new(socket).with_file_name("state").display());
        let root = format!("--root={}", vendor.root);
        let daemon = node.start(&[&format!("{bin}/containerd"), "-c", config, "-a", socket, &state, &root]);
        let ctr = [&format!("{bin}/real-ctr"), "-a", socket, "-n", "k8s.io"].map(str::to_owned);
        let ctr = |words: &[&str]| node.try_to(&[&ctr.each_ref().map(String::as_str)[..], words].concat());
        daemon.until("it answers", || ctr(&["version"]).is_ok());

        let line = format!(
            "{title}: docker.io/rancher/mirrored-pause:3.6 is installed (before: nothing), {PIN}, checked by ctr{}; ok",
            vendor.copy.map(|copy| format!(", kept in {copy}")).unwrap_or_default()
        );
        let (status, said) = node.install(&["--as", "configured"]);
        assert_eq!(lines(&said).last(), Some(&line.as_str()), "{bin}: {said}");
        assert_eq!(status, 0, "{bin}");
        assert_eq!(said.matches("is installed").count(), 1, "{said}");
        let images = ctr(&["images", "ls", "-q"]).expect("a list");
        for name in ["docker.io/rancher/mirrored-pause:3.6", "rancher/mirrored-pause:3.6"] {
            assert!(images.lines().any(|image| image == name), "{images}");
        }
        let check = || node.install(&["--as", "configured", "--check", "--engine", &title.to_lowercase()]);
        assert_eq!(check().0, 0, "{:?}", check());

        let Some(copy) = vendor.copy else { continue };
        // When it starts, it imports all archives of the folder, in the order of their names. Its own bundle contains
        // an image with the same name.
        let folder = Path::new(copy).parent().expect("a folder").to_string_lossy();
        ok("docker", &["tag", BUSYBOX, "docker.io/rancher/mirrored-pause:3.6"]);
        for bundle in ["k3s-airgap-images-amd64.tar", "rke2-images.linux-amd64.tar", "k0s-airgap-bundle.tar"] {
            let file = node.file(&format!("{folder}/{bundle}"));
            ok("docker", &["save", "-o", &file.to_string_lossy(), "docker.io/rancher/mirrored-pause:3.6"]);
        }
        for archive in node.ok(&["ls", &folder]).lines() {
            ctr(&["images", "import", &format!("{folder}/{archive}")]).expect("it imports");
        }
        // They all pin what they have imported: containerd 2 gives an image that is imported again no label.
        for image in ctr(&["images", "ls", "-q"]).expect("a list").lines() {
            ctr(&["images", "label", image, "io.cri-containerd.pinned=pinned"]).expect("a label");
        }
        assert_eq!(check().0, 0, "{:?}", check());
        for other in [&["rm", copy][..], &["dash", "/run/pause-install.sh"]] {
            node.ok(other); // no copy, or a copy with another name in it
            let (status, said) = check();
            let line = lines(&said).into_iter().rfind(|line| line.starts_with(title)).expect("a line");
            assert!(status == 1 && line.ends_with("; run this without --check"), "{other:?}: {said}");
            assert_eq!(node.install(&["--as", "configured"]).0, 0);
            assert_eq!(check().0, 0, "{:?}", check());
        }
        assert_eq!(node.install(&["--remove", "--force"]).0, 0);
        assert!(!node.file(copy).exists());
    }
}

/// If crictl is in PATH, the installer asks the engine itself. Simulated: crictl.
#[tokio::test]
async fn crictl_asks_the_engine() {
    if !ready(REAL) {
        return;
    }
    let first = node::containerd_1().map(|root| (root, TOO_OLD));
    let second = node::containerd_2().map(|root| (root, "pinned"));
    for (root, pin) in [first, second].into_iter().flatten() {
        let config = |name: &str| configured(name) + "restrict_oom_score_adj = true\n";
        let mut node = Containerd::start(&root, &config("rancher/mirrored-pause:3.6")).await;
        fs::copy(env!("CARGO_BIN_EXE_crictl"), node.file("/usr/local/bin/crictl")).expect("a program");
        let name = "docker.io/rancher/mirrored-pause:3.6";
        let line = format!("containerd: {name} is installed (before: nothing), {pin}, checked by crictl; ok\n");
        assert_eq!(node.install(&["--as", "configured"]), (0, line));
        let line = format!(
            "containerd: configured: rancher/mirrored-pause:3.6; {name} is {}, {pin}, checked by crictl; ok",
            VERSION.trim()
        );
        let (status, said) = node.install(&["--as", "configured", "--check"]);
        assert_eq!((status, lines(&said)), (0, vec![line.as_str(), ONLY_THE_NODES_OWN]));

        // The engine's answer counts, not containerd's records: it may not know an image yet, or may hide it.
        node.write_program("/usr/local/bin/crictl", "#!/bin/sh\necho 'FATA[0000] no such image' >&2\nexit 1\n");
        let line = format!("containerd: {name} was imported, but crictl does not find it\n");
        assert_eq!(node.install(&["--as", "configured"]), (1, line));
        // A crictl that cannot talk to this engine is not used.
        node.write_program(
            "/usr/local/bin/crictl",
            "#!/bin/sh\necho 'unknown service runtime.v1.ImageService' >&2\nexit 1\n",
        );
        let (status, said) = node.install(&["--as", "configured"]);
        assert!(status == 0 && said.contains("checked by ctr"), "{said}");
        node.restart(&config(NAME)).await;
    }
}

/// containerd from 1.6.22 on pins, but sees a new pin only when it starts. Simulated, as Debian 12 has an older one: it
/// has the name of the label in it, which is what the installer looks for.
#[test]
fn a_pin_that_is_seen_after_a_restart() {
    if !ready(REAL) || node::containerd_1().is_none() {
        return;
    }
    let node = node(&["podman", "docker", "dockerd"]);
    node.write("/etc/containerd/config.toml", &configured(NAME));
    node.ok(&["cp", "/usr/bin/containerd", "/usr/local/bin/containerd"]);
    node.ok(&["sh", "-c", "echo io.cri-containerd.pinned >>/usr/local/bin/containerd"]);
    let daemon = node.start(&["/usr/local/bin/containerd"]);
    daemon.until("containerd answers", || node.try_to(&["ctr", "version"]).is_ok());
    let line = "pinned, checked by ctr; restart it, so that it sees the pin\n";
    let (status, said) = node.install(&[]);
    assert!(status == 0 && said.ends_with(line), "{said}");
    // crictl knows better than the label.
    fs::copy(env!("CARGO_BIN_EXE_crictl"), node.file("/usr/local/bin/crictl")).expect("a program");
    let (status, said) = node.install(&["--check"]);
    assert!(status == 1 && said.contains(&line.replace("ctr", "crictl")), "{said}");
}

/// Simulated: k3s with --docker, which hides its flags. Docker is real.
#[test]
fn k3s_with_docker() {
    if !ready(REAL) {
        return;
    }
    let node = node(&["podman"]);
    start_docker(&node);
    let help =
        r#"   --pause-image value   (agent/runtime) Customized pause image (default: "rancher/mirrored-pause:3.6")"#;
    node.write("/run/answers/k3s server --help", &format!("{help}\n"));
    stand_in(&node, "/usr/local/bin/k3s");
    node.ok(&["ln", "-s", "k3s", "/usr/local/bin/k3s-server"]);
    start_as(&node, "k3s-server", &["/usr/local/bin/k3s-server"]);
    let installs = |name: &str| {
        let line = format!("Docker: {name} is installed (before: nothing), checked by docker; ok");
        let (status, said) = node.install(&["--as", "configured"]);
        assert_eq!((status, lines(&said)), (0, vec!["containerd: is not running; skipped", line.as_str()]));
    };
    installs("docker.io/rancher/mirrored-pause:3.6");
    node.write("/etc/rancher/k3s/config.yaml", "node-name: a\npause-image: \"by/yaml:1\"\n");
    installs("docker.io/by/yaml:1");
    node.write("/etc/rancher/k3s/config.yaml.d/20.yaml", "pause-image: by/drop-in:1 # a comment\n");
    installs("docker.io/by/drop-in:1");
    node.write(
        "/etc/systemd/system/k3s.service",
        "[Service]\nExecStart=/usr/local/bin/k3s \\\n    server \\\n\t'--docker' \\\n\t'--pause-image=by/flag:1' \\\n",
    );
    installs("docker.io/by/flag:1");
    node.write(
        "/etc/systemd/system/k3s.service",
        "ExecStart=/usr/local/bin/k3s \\\n    server \\\n\t'--pause-image' \\\n\t'by/words:1' \\\n",
    );
    installs("docker.io/by/words:1");
}

/// Simulated: CRI-O, by a program that prints a configuration as it does. The store is real.
#[test]
fn cri_o() {
    if !ready(REAL) {
        return;
    }
    for (tool, driver) in [("podman", "vfs"), ("skopeo", "vfs"), ("skopeo", "")] {
        let node = node(&["containerd", "ctr", "docker", "dockerd", if tool == "podman" { "none" } else { "podman" }]);
        node.tmpfs("/etc/crio");
        let config = format!(
            "[crio]\n# root = \"/var/lib/containers/storage\"\nroot = \"/run/crio/storage\"\n# runroot = \"/run/crio/runroot\"\n\
            storage_driver = \"{driver}\"\n[crio.api]\n# listen = \"/var/run/crio/crio.sock\"\n[crio.image]\n\
            pause_image = \"rancher/mirrored-pause:3.6\"\n# pause_command = \"/pause\"\n"
        );
        node.write("/run/answers/crio --config _etc_crio_other.conf config", &config);
        stand_in(&node, "/usr/local/bin/crio");
        start_as(&node, "crio", &["/usr/local/bin/crio", "--config", "/etc/crio/other.conf"]);
        let name = "docker.io/rancher/mirrored-pause:3.6";
        let line = format!("CRI-O: {name} is installed (before: nothing), checked by {tool}; ok\n");
        assert_eq!(node.install(&["--as", "configured"]), (0, line));
        let line = format!(
            "CRI-O: configured: rancher/mirrored-pause:3.6; {name} is {}, checked by {tool}; ok",
            VERSION.trim()
        );
        let (status, said) = node.install(&["--as", "configured", "--check"]);
        assert_eq!((status, lines(&said)), (0, vec![line.as_str(), ONLY_THE_NODES_OWN]));
        // The image is where CRI-O looks, and nowhere else.
        let driver = if driver.is_empty() { "overlay" } else { driver }; // skopeo's default
        let store = format!("containers-storage:[{driver}@/run/crio/storage+/run/crio/runroot]");
        node.ok(&["skopeo", "inspect", "--raw", &format!("{store}{name}")]);
        node.try_to(&["skopeo", "inspect", "--raw", &format!("containers-storage:{name}")]).expect_err("another store");

        // What was there before comes back.
        ok("docker", &["save", "-o", &node.file("/run/other.tar").to_string_lossy(), &other_pause("other")]);
        node.ok(&["skopeo", "copy", "docker-archive:/run/other.tar", &format!("{store}{name}")]);
        // Its ID: newer releases of skopeo write other media types into the manifest that they copy.
        let image = || -> String {
            let manifest = node.ok(&["skopeo", "inspect", "--raw", &format!("{store}{name}")]);
            let manifest: serde_json::Value = serde_json::from_str(&manifest).expect("JSON");
            manifest["config"]["digest"].as_str().expect("a digest").to_owned()
        };
        let before = image();
        for names in [&["--as", "configured"][..], &[]] {
            assert_eq!(node.install(names).0, 0);
        }
        assert_ne!(image(), before);
        let (status, said) = node.install(&["--remove"]);
        assert!(status == 0 && said.ends_with(&format!("; put back: {name}; ok\n")), "{said}");
        assert_eq!(image(), before, "{tool}");
    }
}

/// Simulated: cri-dockerd, by a process with its flag. Docker is real.
#[test]
fn cri_dockerd() {
    if !ready(REAL) {
        return;
    }
    let node = node(&["podman"]);
    start_docker(&node);
    let help = r#"      --pod-infra-container-image string   The image. (default "registry.k8s.io/pause:3.9")"#;
    node.write("/run/answers/cri-dockerd --help", &format!("{help}\n"));
    stand_in(&node, "/usr/local/bin/cri-dockerd");
    let skipped = "containerd: is not running; skipped\n";
    let by_default =
        start_as(&node, "cri-dockerd", &["/usr/local/bin/cri-dockerd", "--container-runtime-endpoint", "fd://"]);
    let line = "Docker: registry.k8s.io/pause:3.9 is installed (before: nothing), checked by docker; ok\n";
    assert_eq!(node.install(&["--as", "configured"]), (0, format!("{skipped}{line}")));
    by_default.stop();
    start_as(
        &node,
        "cri-dockerd",
        &["/usr/local/bin/cri-dockerd", "--pod-infra-container-image=rancher/mirrored-pause:3.6"],
    );
    let name = "docker.io/rancher/mirrored-pause:3.6";
    let line = format!("Docker: {name} is installed (before: nothing), checked by docker; ok\n");
    assert_eq!(node.install(&["--as", "configured"]), (0, format!("{skipped}{line}")));
    assert_eq!(node.ok(&["docker", "run", "--rm", "--network=none", "rancher/mirrored-pause:3.6", "-v"]), VERSION);
}

/// A 32-bit engine means a 32-bit userland, whatever the kernel is. Simulated: CRI-O, by such a program.
#[test]
fn the_architecture_is_the_engines() {
    if !ready(REAL) || !cfg!(target_arch = "x86_64") {
        return;
    }
    if !is_installed("gcc") {
        return does_not_apply("there is no gcc, which builds an engine for i386");
    }
    let node = node(&["podman", "docker", "dockerd", "containerd"]);
    // With an argument, it prints a configuration by write(2) and ends; without one, it sleeps in pause(2).
    let source = r#"
        __asm__(".globl _start\n_start: pop %eax\n dec %eax\n jnz 2f\n1: mov $29, %eax\n int $0x80\n jmp 1b\n"
            "2: mov $4, %eax\n mov $1, %ebx\n mov $text, %ecx\n mov $22, %edx\n int $0x80\n"
            "mov $1, %eax\n mov $0, %ebx\n int $0x80\n text: .ascii \"pause_image = \\\"a/b:1\\\"\\n\"");
    "#;
    node.write("/run/crio.c", source);
    node.ok(&["gcc", "-m32", "-nostdlib", "-static", "-no-pie", "-o", "/usr/local/bin/crio", "/run/crio.c"]);
    start_as(&node, "crio", &["/usr/local/bin/crio"]);
    let (status, said) = node.install(&["--as", "configured"]);
    assert_eq!((status, said.as_str()), (1, "CRI-O: this installer has no pause for its architecture, i386\n"));
}

/// Some packages install no configuration file. containerd 1.6 then prints only its defaults.
#[test]
fn no_configuration_file() {
    if ready(REAL) {
        let node = node(&["podman", "docker", "dockerd"]);
        let daemon = node.start(&["containerd"]);
        daemon.until("containerd answers", || node.try_to(&["ctr", "version"]).is_ok());
        let default = if has_containerd_2() { "3.10" } else { "3.6" };
        let line = format!(
            "containerd: registry.k8s.io/pause:{default} is installed (before: nothing), {PIN}, checked by ctr; ok\n"
        );
        assert_eq!(node.install(&["--as", "configured"]), (0, line));
    }
}

/// If the configured name has a digest, no other image can have that name.
#[test]
fn a_configured_digest_is_refused() {
    if ready(REAL) {
        let node = node(&["podman", "docker", "dockerd"]);
        let name = format!("registry.k8s.io/pause:3.8@{}", digest("index"));
        node.start_containerd(&configured(&name));
        let line = format!(
            "containerd: the configured name has a digest, which no other image can have; configure a tag alone: {name}\n"
        );
        assert_eq!(node.install(&["--as", "configured"]), (1, line));
    }
}

/// Builds an image in Docker with our entrypoint but another digest; `title` becomes its label and name. Returns its
/// name.
pub fn other_pause(title: &str) -> String {
    let (name, label) = (format!("localhost/{title}:1"), format!("--label=org.opencontainers.image.title={title}"));
    ok("docker", &["build", "--quiet", "--build-arg=TARGETARCH=amd64", &label, "--tag", &name, "."]);
    name
}

pub fn node(hidden: &[&str]) -> Node {
    Node::new(Path::new("/"), hidden)
}

/// A configuration of containerd 1 with the sandbox image `name`.
pub fn configured(name: &str) -> String {
    format!("version = 2\n[plugins.\"io.containerd.grpc.v1.cri\"]\nsandbox_image = \"{name}\"\n")
}

pub fn start_docker(node: &Node) {
    let daemon = node.start(&["dockerd", "--storage-driver=vfs", "--iptables=false", "--bridge=none"]);
    daemon.until("dockerd answers", || node.try_to(&["docker", "version"]).is_ok());
}

/// Puts the stand-in for engines there, which prints what /run/answers has.
pub fn stand_in(node: &Node, path: &str) {
    node.ok(&["mkdir", "-p", "/run/answers", Path::new(path).parent().expect("a folder").to_str().expect("UTF-8")]);
    // Not by this process, because a program that a child of another test has open cannot be executed.
    ok("cp", &[env!("CARGO_BIN_EXE_stand-in"), &node.file(path).to_string_lossy()]);
}

/// Starts a simulated engine, and waits until its process has the engine's name.
pub fn start_as(node: &Node, name: &str, words: &[&str]) -> Daemon {
    let daemon = node.start(words);
    daemon.until("it runs", || node.try_to(&["pgrep", "-x", name]).is_ok());
    daemon
}

pub fn lines(said: &str) -> Vec<&str> {
    said.lines().collect()
}
