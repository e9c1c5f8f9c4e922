//! pause as the sandbox image of containerd 1 and 2, with the files of deploy/, through CRI, as a kubelet uses it.

use std::fs;
use std::path::Path;

use k8s_cri::v1::*;

use crate::node::{self, Containerd, FIRST_OF_POD, OOM, POD, Pod, TOO_OLD};
use engines::compatibility::Row;
use engines::{BUSYBOX, NAME, dist, has_quoted, ok, ready, until};
use kit::orphans::IN_A_POD;

/// The tests use containerd, runc and a CNI plugin, Docker for the containers' image, and tools to inspect them.
const PROGRAMS: [&str; 6] = ["containerd", "dockerd", "findmnt", "/usr/lib/cni/bridge", "runc", "skopeo"];

#[tokio::test]
async fn containerd_1() {
    let Some(root) = node::containerd_1() else { return };
    if !ready(&PROGRAMS) {
        return;
    }
    let added = format!("{OOM}[plugins.\"io.containerd.grpc.v1.cri\".cni]\nbin_dir = \"/usr/lib/cni\"\n"); // Debian's
    let node = Containerd::start(&root, &(node::config("containerd-1") + &added)).await;
    all("containerd-1", "", node).await;
}

#[tokio::test]
async fn containerd_2() {
    if let Some((node, how)) = node::with_containerd_2(&PROGRAMS).await {
        all("containerd-2", how, node).await;
    }
}

async fn all(deploy: &str, how_else: &str, mut node: Containerd) {
    let node = &mut node;
    node.import(BUSYBOX);
    let version = node.version.clone();
    // Debian 12's containerd does not know pinned images: there the kubelet keeps the image that its flag names.
    let (spared, how) = match deploy {
        "containerd-1" => (NAME, "kept when all unused images but --pod-infra-container-image are removed"),
        _ => ("", "kept when all unused images are removed"),
    };
    let row = |how: &str| Row::new(&format!("containerd through CRI, deploy/{deploy}{how_else}"), &version, how);
    {
        let _row = row("installed by the paste installer");
        what_goes_wrong_is_what_the_readme_quotes(node, deploy).await;
        if spared.is_empty() {
            the_installer_pins_it_under_any_name(node).await;
        }
        let pin = if spared.is_empty() { "pinned" } else { TOO_OLD };
        let expected = format!("containerd: {NAME} is installed (before: nothing), {pin}, checked by ctr; ok\n");
        assert_eq!(node.install(&[]), (0, expected));
    }
    // The first sandbox unpacks the image, and the snapshot stays: the installer leaves this to CRI's own snapshotter.
    let first = node.run("first", POD).await.expect("a sandbox");
    node.remove(&first).await;
    let before = node.traces();
    {
        let kinds = "network of the node and of a CNI bridge, PID namespace per container, pod and node";
        let _row = row(&format!("{kinds}, as user 0, 999 and 65535"));
        it_runs_as_every_kind_of_sandbox(node).await;
    }
    if spared.is_empty() {
        let _row = row("a user namespace of the pod's own (hostUsers: false)");
        in_a_user_namespace_of_its_own(node, deploy).await;
    }
    {
        let _row = row("the pod's IP stays when all its containers have died");
        the_ip_outlives_the_containers(node).await;
    }
    {
        let _row = row("orphans in a shared PID namespace");
        containers_are_in_the_pid_namespace_they_asked_for(node).await;
    }
    {
        let _row = row("100 sandboxes started and stopped");
        a_hundred_at_once(node).await;
    }
    let left: Vec<String> = node.traces().difference(&before).cloned().collect();
    assert_eq!(left, [""; 0], "pods have left this behind");
    let _row = row(how);
    garbage_collection_keeps_it(node, spared).await;
}

async fn what_goes_wrong_is_what_the_readme_quotes(node: &mut Containerd, deploy: &str) {
    let readme = format!("deploy/{deploy}/README.md");
    let missing = node.run("missing", POD).await.expect_err("no such image");
    assert!(has_quoted(&readme, &missing), "{missing}");

    // An image that is only for another architecture.
    let archive = format!("docker-archive:{}:{NAME}", node.file("/run/s390x.tar").display());
    ok("skopeo", &["--override-arch=s390x", "copy", "oci-archive:dist/pause.tar", &archive]);
    let elsewhere = node.try_to(&["ctr", "-n", "k8s.io", "images", "import", "/run/s390x.tar"]);
    let elsewhere = elsewhere.expect_err("not for this architecture");
    assert!(has_quoted(&readme, &elsewhere), "{elsewhere}");

    // An image that claims to be for this architecture, but whose program is for another.
    ok("docker", &["build", "--quiet", "--build-arg=TARGETARCH=s390x", "--tag=localhost/pause:s390x", "."]);
    node.import("localhost/pause:s390x");
    node.ok(&["ctr", "-n", "k8s.io", "images", "tag", "--force", "localhost/pause:s390x", NAME]);
    node.hears_of(&[NAME]).await;
    let id = node.run("wrong", POD).await.expect("a sandbox, which ends at once");
    node.sees_the_end_of(&id).await;
    let version = ["ctr", "-n", "k8s.io", "run", "--rm", NAME, deploy, "/pause", "-v"]; // nodes share their cgroups
    let wrong = node.try_to(&version).expect_err("a program of another architecture");
    assert!(has_quoted(&readme, &wrong), "{wrong}");
    node.remove(&id).await;
    node.ok(&["ctr", "-n", "k8s.io", "images", "rm", "localhost/pause:s390x", NAME]);
}

/// The installer pins it by a label, because it is not the configured image.
async fn the_installer_pins_it_under_any_name(node: &mut Containerd) {
    let name = "registry.example/pause:9";
    assert_eq!(node.install(&["--as", name]).0, 0);
    let images = node.images().await;
    assert!(images.iter().any(|image| image.pinned && image.repo_tags == [name]), "{images:?}");
    node.ok(&["ctr", "-n", "k8s.io", "images", "rm", name]);
}

async fn it_runs_as_every_kind_of_sandbox(node: &mut Containerd) {
    let ours = xtask::sha256(&fs::read(dist("pause-amd64")).expect("a file"));
    for network in [NamespaceMode::Node, NamespaceMode::Pod] {
        for pid in [NamespaceMode::Container, NamespaceMode::Pod, NamespaceMode::Node] {
            for user in [None, Some(0), Some(999), Some(65535)] {
                let pod = Pod { network, pid, user, users: None };
                let id = node.run("kind", pod).await.expect("a sandbox");
                let (pause, ip) = node.status(&id).await;
                let program = fs::read(node.file(&format!("/proc/{}/exe", pause.pid))).expect("a file");
                assert_eq!(xtask::sha256(&program), ours, "{pod:?}");
                let status = pause.status().expect("it runs");
                assert_eq!(i64::from(status.ruid), user.unwrap_or(65535), "{pod:?}");
                assert_eq!(status.seccomp, Some(2), "a filter: {pod:?}");
                let nspid = status.nspid.expect("PIDs").last().copied();
                assert_eq!(nspid == Some(1), pid != NamespaceMode::Node, "{pod:?}");
                assert_eq!(ip.starts_with("10.88."), network == NamespaceMode::Pod, "{pod:?}: {ip}");
                node.remove(&id).await;
                assert!(!pause.is_alive(), "{pod:?}");
            }
        }
    }
}

async fn in_a_user_namespace_of_its_own(node: &mut Containerd, deploy: &str) {
    let all = Pod { pid: NamespaceMode::Pod, users: Some(65536), ..POD };
    // A pod on the network of its node cannot have a user namespace.
    let all = Pod { network: NamespaceMode::Pod, ..all };
    let id = node.run("users", all).await.expect("a sandbox");
    let (pause, _) = node.status(&id).await;
    assert_eq!(pause.status().expect("it runs").ruid, FIRST_OF_POD + 65535);
    let container = node.start_container(&id, "app", all, &["sleep", "600"]).await;
    assert_eq!(node.exec(&container, &["sh", "-c", IN_A_POD]).await.as_deref(), Ok("reaped\n"));
    node.remove(&id).await;

    // With one user less, the namespace lacks the image's user 65535; pods must run as another one.
    let less = Pod { users: Some(65535), ..all };
    let refused = node.run("less", less).await.expect_err("there is no user 65535");
    assert!(has_quoted(&format!("deploy/{deploy}/README.md"), &refused), "{refused}");
    let id = node.run("another", Pod { user: Some(65534), ..less }).await.expect("a sandbox");
    assert_eq!(node.status(&id).await.0.status().expect("it runs").ruid, FIRST_OF_POD + 65534);
    node.remove(&id).await;
}

async fn the_ip_outlives_the_containers(node: &mut Containerd) {
    let pod = Pod { network: NamespaceMode::Pod, ..POD };
    let id = node.run("ip", pod).await.expect("a sandbox");
    let (pause, ip) = node.status(&id).await;
    let server = ["sh", "-c", "echo served >/tmp/index.html && exec httpd -f -p 80 -h /tmp"];
    for name in ["first", "second"] {
        let served = |node: &Containerd| node.busybox(&["wget", "-q", "-O", "-", &format!("http://{ip}/")]);
        let containers = [
            node.start_container(&id, name, pod, &server).await,
            node.start_container(&id, &format!("{name}-other"), pod, &["sleep", "600"]).await,
        ];
        until("the pod serves the node", || served(node).as_deref() == Ok("served\n"));
        for container_id in containers {
            let request = StopContainerRequest { container_id, timeout: 0 };
            node.runtime.stop_container(request).await.expect("it dies");
        }
        served(node).expect_err("the server is dead");
        node.busybox(&["ping", "-c", "1", &ip]).expect("the pod's IP answers");
        assert!(pause.is_alive());
        assert_eq!(node.status(&id).await.1, ip);
    }
    node.remove(&id).await;
    node.busybox(&["ping", "-c", "1", "-W", "1", &ip]).expect_err("the IP is gone");
}

async fn containers_are_in_the_pid_namespace_they_asked_for(node: &mut Containerd) {
    let mine = fs::read_link(node.file("/proc/1/ns/pid")).expect("a link");
    for pid in [NamespaceMode::Container, NamespaceMode::Pod, NamespaceMode::Node] {
        let pod = Pod { pid, ..POD };
        let id = node.run("pid", pod).await.expect("a sandbox");
        let container = node.start_container(&id, "app", pod, &["sleep", "600"]).await;
        let first = node.exec(&container, &["cat", "/proc/1/cmdline"]).await.expect("PID 1");
        let namespace = node.exec(&container, &["readlink", "/proc/self/ns/pid"]).await.expect("a link");
        assert_eq!(Path::new(namespace.trim()) == mine, pid == NamespaceMode::Node);
        match pid {
            NamespaceMode::Container => assert_eq!(first, "sleep\x00600\0"),
            NamespaceMode::Pod => {
                assert_eq!(first, "/pause\0");
                assert_eq!(node.exec(&container, &["sh", "-c", IN_A_POD]).await.as_deref(), Ok("reaped\n"));
            }
            _ => {}
        }
        node.remove(&id).await;
    }
}

async fn a_hundred_at_once(node: &mut Containerd) {
    let mut ids = Vec::new();
    for number in 0..100 {
        ids.push(node.run(&format!("pod-{number}"), Pod { pid: NamespaceMode::Pod, ..POD }).await.expect("a sandbox"));
    }
    for id in ids {
        node.remove(&id).await;
    }
}

/// Removes unused images as the kubelet does when the disk is full. It keeps `spared`, the image that
/// `--pod-infra-container-image` names.
async fn garbage_collection_keeps_it(node: &mut Containerd, spared: &str) {
    for image in node.images().await {
        if !image.pinned && !image.repo_tags.iter().any(|name| name == spared) {
            let image = Some(ImageSpec { image: image.id, ..Default::default() });
            node.images.remove_image(RemoveImageRequest { image }).await.expect("it is removed");
        }
    }
    let left: Vec<String> = node.images().await.into_iter().flat_map(|image| image.repo_tags).collect();
    assert_eq!(left, [NAME], "{BUSYBOX} is gone, and ours is there");
    let id = node.run("after", POD).await.expect("a sandbox");
    node.remove(&id).await;
}
