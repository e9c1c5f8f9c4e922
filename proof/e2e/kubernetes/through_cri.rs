//! pause as the sandbox image of containerd 1 and 2, with the files of deploy/, through CRI, as a kubelet uses it.

use std::fs;
use std::path::Path;

use k8s_cri::v1::*;
use kit::orphans::IN_A_POD;
use shared::compatibility::{Origin, Row};
use shared::containerd::TOO_OLD;
use shared::cri::{Containerd, FIRST_OF_POD, POD, Pod, config_of_1, config_of_2, with_containerd_2};
use shared::documents::has_quoted;
use shared::engines::all_built;
use shared::{BUSYBOX, NAME, containerd, dist, ok, ready, until};

/// The tests use containerd, runc and a CNI plugin, Docker for the containers' image, and tools to inspect them.
const PROGRAMS: [&str; 6] = ["containerd", "dockerd", "findmnt", "/usr/lib/cni/bridge", "runc", "skopeo"];

#[tokio::test]
async fn containerd_1_6() {
    let Some(engines) = containerd::of_1() else { return };
    if !ready(&PROGRAMS) {
        return;
    }
    let cni = "[plugins.\"io.containerd.grpc.v1.cri\".cni]\nbin_dir = \"/usr/lib/cni\"\n"; // Debian's
    all("containerd-1", "", Origin::Package, Containerd::start(&engines, &(config_of_1() + cni)).await).await;
}

#[tokio::test]
async fn containerd_2_4() {
    if let Some((host, how)) = with_containerd_2(&PROGRAMS).await {
        all("containerd-2", how, Origin::Module, host).await;
    }
}

#[tokio::test]
#[ignore = "make engines runs it"]
async fn containerd_1_7() {
    of_version("1.7").await;
}

#[tokio::test]
#[ignore = "make engines runs it"]
async fn containerd_2_0() {
    of_version("2.0").await;
}

#[tokio::test]
#[ignore = "make engines runs it"]
async fn containerd_2_3() {
    of_version("2.3").await;
}

async fn of_version(version: &str) {
    let engines = all_built(&[&format!("containerd-{version}"), "runc-1.5", "cni-plugins-1.9", "cri-tools-1.37"]);
    let Some(engines) = engines.filter(|_| ready(&PROGRAMS)) else { return };
    let (deploy, config) = match version.starts_with("1.") {
        true => ("containerd-1", config_of_1()),
        false => ("containerd-2", config_of_2()),
    };
    all(deploy, "", Origin::Module, Containerd::start(&engines, &config).await).await;
}

async fn all(deploy: &str, how_else: &str, origin: Origin, mut host: Containerd) {
    let host = &mut host;
    host.import(BUSYBOX);
    let version = Row::version(&host.version);
    // Debian 12's containerd does not know pinned images: there the kubelet keeps the image that its flag names.
    let (spared, how) = match version.starts_with("1.6.") {
        true => (NAME, "kept when all unused images but --pod-infra-container-image are removed"),
        _ => ("", "kept when all unused images are removed"),
    };
    let title = format!("containerd through CRI, deploy/{deploy}{how_else}");
    let row = |how: &str| Row::of(origin, &title, &version, how);
    {
        let _row = row("installed by the paste installer");
        what_goes_wrong_is_what_the_readme_quotes(host, deploy).await;
        it_is_installed(host, spared.is_empty()).await;
    }
    // The first sandbox unpacks the image, and the snapshot stays: the installer leaves this to CRI's own snapshotter.
    let first = host.run("first", POD).await.expect("a sandbox");
    host.remove(&first).await;
    let before = host.traces();
    {
        let kinds = "network of the node and of a CNI bridge, PID namespace per container, pod and node";
        let _row = row(&format!("{kinds}, as user 0, 999 and 65535"));
        it_runs_as_every_kind_of_sandbox(host).await;
    }
    if deploy == "containerd-2" {
        let _row = row("a user namespace of the pod's own (hostUsers: false)");
        in_a_user_namespace_of_its_own(host, deploy).await;
    }
    {
        let _row = row("the pod's IP stays when all its containers have died");
        the_ip_outlives_the_containers(host).await;
    }
    {
        let _row = row("orphans in a shared PID namespace");
        containers_are_in_the_pid_namespace_they_asked_for(host).await;
    }
    {
        let _row = row("100 sandboxes started and stopped");
        a_hundred_at_once(host).await;
    }
    let left: Vec<String> = host.traces().difference(&before).cloned().collect();
    assert_eq!(left, [""; 0], "pods have left this behind");
    let _row = row(how);
    garbage_collection_keeps_it(host, spared).await;
}

async fn what_goes_wrong_is_what_the_readme_quotes(host: &mut Containerd, deploy: &str) {
    let readme = format!("deploy/{deploy}/README.md");
    let missing = host.run("missing", POD).await.expect_err("no such image");
    assert!(has_quoted(&readme, &missing), "{missing}");

    // An image that is only for another architecture.
    let archive = format!("docker-archive:{}:{NAME}", host.file("/run/s390x.tar").display());
    ok("skopeo", &["--override-arch=s390x", "copy", "oci-archive:dist/pause.tar", &archive]);
    let elsewhere = host.try_to(&["ctr", "-n", "k8s.io", "images", "import", "/run/s390x.tar"]);
    let elsewhere = elsewhere.expect_err("not for this architecture");
    assert!(has_quoted(&readme, &elsewhere), "{elsewhere}");

    // An image that claims to be for this architecture, but whose program is for another.
    ok("docker", &["build", "--quiet", "--build-arg=TARGETARCH=s390x", "--tag=localhost/pause:s390x", "."]);
    host.import("localhost/pause:s390x");
    host.ok(&["ctr", "-n", "k8s.io", "images", "tag", "--force", "localhost/pause:s390x", NAME]);
    host.hears_of(&[NAME]).await;
    let id = host.run("wrong", POD).await.expect("a sandbox, which ends at once");
    host.sees_the_end_of(&id).await;
    let version = ["ctr", "-n", "k8s.io", "run", "--rm", NAME, deploy, "/pause", "-v"]; // hosts share their cgroups
    let wrong = host.try_to(&version).expect_err("a program of another architecture");
    assert!(has_quoted(&readme, &wrong), "{wrong}");
    host.remove(&id).await;
    host.ok(&["ctr", "-n", "k8s.io", "images", "rm", "localhost/pause:s390x", NAME]);
}

async fn it_is_installed(host: &mut Containerd, pins: bool) {
    if pins {
        the_installer_pins_it_under_any_name(host).await;
    }
    let pin = if pins { "pinned" } else { TOO_OLD };
    let expected = format!("containerd: {NAME} is installed (before: nothing), {pin}; ok\n");
    assert_eq!(host.install(&[]), (0, expected));
}

/// The installer pins it by a label, because it is not the configured image.
async fn the_installer_pins_it_under_any_name(host: &mut Containerd) {
    let name = "registry.example/pause:9";
    assert_eq!(host.install(&["--as", name]).0, 0);
    let images = host.images().await;
    assert!(images.iter().any(|image| image.pinned && image.repo_tags == [name]), "{images:?}");
    host.ok(&["ctr", "-n", "k8s.io", "images", "rm", name]);
}

async fn it_runs_as_every_kind_of_sandbox(host: &mut Containerd) {
    let ours = xtask::sha256(&fs::read(dist("pause-amd64")).expect("a file"));
    for network in [NamespaceMode::Node, NamespaceMode::Pod] {
        for pid in [NamespaceMode::Container, NamespaceMode::Pod, NamespaceMode::Node] {
            for user in [None, Some(0), Some(999), Some(65535)] {
                let pod = Pod { network, pid, user, users: None };
                let id = host.run("kind", pod).await.expect("a sandbox");
                let (pause, ip) = host.status(&id).await;
                let program = fs::read(host.file(&format!("/proc/{}/exe", pause.pid))).expect("a file");
                assert_eq!(xtask::sha256(&program), ours, "{pod:?}");
                let status = pause.status().expect("it runs");
                assert_eq!(i64::from(status.ruid), user.unwrap_or(65535), "{pod:?}");
                assert_eq!(status.seccomp, Some(2), "a filter: {pod:?}");
                let nspid = status.nspid.expect("PIDs").last().copied();
                assert_eq!(nspid == Some(1), pid != NamespaceMode::Node, "{pod:?}");
                assert_eq!(ip.starts_with("10.88."), network == NamespaceMode::Pod, "{pod:?}: {ip}");
                host.remove(&id).await;
                assert!(!pause.is_alive(), "{pod:?}");
            }
        }
    }
}

async fn in_a_user_namespace_of_its_own(host: &mut Containerd, deploy: &str) {
    let all = Pod { pid: NamespaceMode::Pod, users: Some(65536), ..POD };
    // A pod on the network of its host cannot have a user namespace.
    let all = Pod { network: NamespaceMode::Pod, ..all };
    let id = host.run("users", all).await.expect("a sandbox");
    let (pause, _) = host.status(&id).await;
    assert_eq!(pause.status().expect("it runs").ruid, FIRST_OF_POD + 65535);
    let container = host.start_container(&id, "app", all, &["sleep", "600"]).await;
    assert_eq!(host.exec(&container, &["sh", "-c", IN_A_POD]).await.as_deref(), Ok("reaped\n"));
    host.remove(&id).await;

    // With one user less, the namespace lacks the image's user 65535; pods must run as another one.
    let less = Pod { users: Some(65535), ..all };
    let refused = host.run("less", less).await.expect_err("there is no user 65535");
    assert!(has_quoted(&format!("deploy/{deploy}/README.md"), &refused), "{refused}");
    let id = host.run("another", Pod { user: Some(65534), ..less }).await.expect("a sandbox");
    assert_eq!(host.status(&id).await.0.status().expect("it runs").ruid, FIRST_OF_POD + 65534);
    host.remove(&id).await;
}

async fn the_ip_outlives_the_containers(host: &mut Containerd) {
    let pod = Pod { network: NamespaceMode::Pod, ..POD };
    let id = host.run("ip", pod).await.expect("a sandbox");
    let (pause, ip) = host.status(&id).await;
    let server = ["sh", "-c", "echo served >/tmp/index.html && exec httpd -f -p 80 -h /tmp"];
    for name in ["first", "second"] {
        let served = |host: &Containerd| host.busybox(&["wget", "-q", "-O", "-", &format!("http://{ip}/")]);
        let containers = [
            host.start_container(&id, name, pod, &server).await,
            host.start_container(&id, &format!("{name}-other"), pod, &["sleep", "600"]).await,
        ];
        until("the pod serves its host", || served(host).as_deref() == Ok("served\n"));
        for container_id in containers {
            let request = StopContainerRequest { container_id, timeout: 0 };
            host.runtime.stop_container(request).await.expect("it dies");
        }
        served(host).expect_err("the server is dead");
        host.busybox(&["ping", "-c", "1", &ip]).expect("the pod's IP answers");
        assert!(pause.is_alive());
        assert_eq!(host.status(&id).await.1, ip);
    }
    host.remove(&id).await;
    host.busybox(&["ping", "-c", "1", "-W", "1", &ip]).expect_err("the IP is gone");
}

async fn containers_are_in_the_pid_namespace_they_asked_for(host: &mut Containerd) {
    let mine = fs::read_link(host.file("/proc/1/ns/pid")).expect("a link");
    for pid in [NamespaceMode::Container, NamespaceMode::Pod, NamespaceMode::Node] {
        let pod = Pod { pid, ..POD };
        let id = host.run("pid", pod).await.expect("a sandbox");
        let container = host.start_container(&id, "app", pod, &["sleep", "600"]).await;
        let first = host.exec(&container, &["cat", "/proc/1/cmdline"]).await.expect("PID 1");
        let namespace = host.exec(&container, &["readlink", "/proc/self/ns/pid"]).await.expect("a link");
        assert_eq!(Path::new(namespace.trim()) == mine, pid == NamespaceMode::Node);
        match pid {
            NamespaceMode::Container => assert_eq!(first, "sleep\x00600\0"),
            NamespaceMode::Pod => {
                assert_eq!(first, "/pause\0");
                assert_eq!(host.exec(&container, &["sh", "-c", IN_A_POD]).await.as_deref(), Ok("reaped\n"));
            }
            _ => {}
        }
        host.remove(&id).await;
    }
}

async fn a_hundred_at_once(host: &mut Containerd) {
    let mut ids = Vec::new();
    for number in 0..100 {
        ids.push(host.run(&format!("pod-{number}"), Pod { pid: NamespaceMode::Pod, ..POD }).await.expect("a sandbox"));
    }
    for id in ids {
        host.remove(&id).await;
    }
}

/// Removes unused images as the kubelet does when the disk is full. It keeps `spared`, the image that
/// `--pod-infra-container-image` names.
async fn garbage_collection_keeps_it(host: &mut Containerd, spared: &str) {
    for image in host.images().await {
        if !image.pinned && !image.repo_tags.iter().any(|name| name == spared) {
            let image = Some(ImageSpec { image: image.id, ..Default::default() });
            host.images.remove_image(RemoveImageRequest { image }).await.expect("it is removed");
        }
    }
    let left: Vec<String> = host.images().await.into_iter().flat_map(|image| image.repo_tags).collect();
    assert_eq!(left, [NAME], "{BUSYBOX} is gone, and ours is there");
    let id = host.run("after", POD).await.expect("a sandbox");
    host.remove(&id).await;
}
