//! pause as the sandbox image of containerd 1 and 2, with the files of deploy/, through CRI, as a kubelet uses it.

use std::fs;

use k8s_cri::v1::NamespaceMode;
use shared::compatibility::{Origin, Row};
use shared::cri::{Containerd, FIRST_OF_POD, POD, Pod, config_of_1, config_of_2, with_containerd_2};
use shared::documents::has_quoted;
use shared::engines::all_built;
use shared::{NAME, containerd, dist, ok, ready};

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
    let version = Row::version(&host.version);
    let title = format!("containerd through CRI, deploy/{deploy}{how_else}");
    let row = |how: &str| Row::of(origin, &title, &version, how);
    {
        let _row = row("what goes wrong is what deploy/ quotes");
        what_goes_wrong_is_what_the_readme_quotes(host, deploy).await;
    }
    let (status, said) = host.install(&[]);
    assert_eq!(status, 0, "{said}");
    // The first sandbox unpacks the image, and the snapshot stays: the installer leaves this to CRI's snapshotter.
    let first = host.run("first", POD).await.expect("a sandbox");
    host.remove(&first).await;
    let before = host.traces();
    {
        let kinds = "network of the node and of a CNI bridge, PID namespace per container, pod and node";
        let _row = row(&format!("{kinds}, as user 0, 999 and 65535"));
        it_runs_as_every_kind_of_sandbox(host).await;
    }
    let left: Vec<String> = host.traces().difference(&before).cloned().collect();
    assert_eq!(left, [""; 0], "pods have left this behind");
    if deploy == "containerd-2" {
        let _row = row("a user namespace without the user of the image");
        without_the_user_of_the_image(host, deploy).await;
    }
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

/// Checks that pods run as another user in a pod's own user namespace that has one user less than a kubelet gives it.
async fn without_the_user_of_the_image(host: &mut Containerd, deploy: &str) {
    let less = Pod { network: NamespaceMode::Pod, pid: NamespaceMode::Pod, users: Some(65535), user: None };
    let refused = host.run("less", less).await.expect_err("there is no user 65535");
    assert!(has_quoted(&format!("deploy/{deploy}/README.md"), &refused), "{refused}");
    let id = host.run("another", Pod { user: Some(65534), ..less }).await.expect("a sandbox");
    assert_eq!(host.status(&id).await.0.status().expect("it runs").ruid, FIRST_OF_POD + 65534);
    host.remove(&id).await;
}
