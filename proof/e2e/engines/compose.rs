//! The pod of deploy/docker as a Compose project, and what happens to it when pause or Docker restarts.

use std::path::{Path, PathBuf};

use build::root;
use shared::compatibility::Row;
use shared::daemon::Daemon;
use shared::host::Host;
use shared::{BUSYBOX, NAME, NGINX, containerd, dist, ok, ready, until};

#[test]
fn a_pod_as_a_compose_project_comes_back() {
    let Some(testing) = containerd::newer_debian() else { return };
    if !ready(&["containerd", "dockerd", "runc"]) {
        return;
    }
    let pod = Pod::on_a_host(&testing);
    let version = ok("docker", &["version", "-f", "{{.Server.Version}}"]);
    let compose = pod.compose(&["version", "--short"]);
    let _row = Row::new(
        &format!("Docker, Compose {}", compose.trim()),
        &version,
        "compose.yaml in deploy/docker; pause killed; compose restart pause; Docker restarted with live-restore",
    );
    let docker = pod.start_docker();
    pod.compose(&["up", "--detach"]);
    pod.serves();
    let processes = pod.host.ok(&["docker", "exec", "pod-app-1", "ps"]);
    assert!(processes.lines().any(|line| line.ends_with(" 1 65535    /pause")), "{processes}");
    comes_back_when_pause_is_killed(&pod);
    restarts_with_pause(&pod);

    let before = pod.pids();
    docker.stop();
    let docker = pod.start_docker();
    assert_eq!(pod.pids(), before, "live-restore");
    pod.serves();

    pod.compose(&["down"]);
    assert_eq!(pod.host.ok(&["docker", "ps", "-aq"]), "");
    docker.stop();
}

/// Checks that the containers that joined pause's PID namespace end with it. Docker may fail to restart them, because
/// it does not wait for pause.
fn comes_back_when_pause_is_killed(pod: &Pod) {
    let killed = pod.pids().swap_remove(0);
    pod.host.ok(&["kill", "-KILL", &killed]);
    let restarting = || pod.host.ok(&["docker", "ps", "--quiet", "--filter=status=restarting"]);
    until("Docker has restarted what it can", || {
        !["0", &killed].contains(&pod.pids()[0].as_str()) && restarting().is_empty()
    });
    pod.compose(&["up", "--detach"]);
    pod.serves();
}

fn restarts_with_pause(pod: &Pod) {
    let before = pod.pids();
    let said = pod.compose(&["restart", "pause"]);
    for container in ["pod-nginx-1", "pod-app-1"] {
        assert!(said.contains(&format!("Container {container}  Restarting")), "depends_on restarts it: {said}");
    }
    pod.serves();
    assert!(pod.pids().iter().zip(&before).all(|(new, old)| new != old), "{before:?}");
}

/// A host with containerd and the images, and a newer Debian's Docker Compose.
struct Pod {
    host: Host,
    compose: [String; 4],
}

impl Pod {
    fn on_a_host(testing: &Path) -> Self {
        let host = Host::new(&[]);
        host.start_containerd("version = 2\n");
        for image in ["busybox.tar", "nginx.tar"] {
            std::fs::copy(format!("/run/{image}"), host.file(&format!("/run/{image}"))).expect("a file");
        }
        let file = |path: &str| testing.join(path).to_string_lossy().into_owned();
        let libraries = file("usr/lib/x86_64-linux-gnu");
        let loader = format!("{libraries}/ld-linux-x86-64.so.2");
        let compose =
            [loader, "--library-path".to_owned(), libraries, file("usr/libexec/docker/cli-plugins/docker-compose")];
        let pod = Self { host, compose };
        let docker = pod.start_docker();
        pod.host.ok(&["docker", "load", "-i", &dist("pause.tar.gz").to_string_lossy()]);
        pod.host.ok(&["docker", "import", "/run/busybox.tar", BUSYBOX]);
        pod.host.ok(&["docker", "import", "/run/nginx.tar", NGINX]);
        docker.stop();
        pod
    }

    /// Starts dockerd with the settings in deploy/docker.
    fn start_docker(&self) -> Daemon {
        let config = deploy("daemon.json");
        let flags = ["--containerd=/run/containerd/containerd.sock", "--storage-driver=vfs", "--iptables=false"];
        let docker = self.host.start(&[&["dockerd", "--config-file", &config], &flags[..]].concat());
        docker.until("dockerd answers", || self.host.try_to(&["docker", "version"]).is_ok());
        docker
    }

    /// Runs Compose, and returns all that it prints.
    fn compose(&self, arguments: &[&str]) -> String {
        let script = format!("PAUSE={NAME} NGINX={NGINX} APP={BUSYBOX} PORT=8081 exec \"$@\" 2>&1");
        let file = deploy("compose.yaml");
        let compose = self.compose.iter().map(String::as_str).chain(["--project-name=pod", "--file", &file]);
        let words: Vec<&str> =
            ["sh", "-c", &script, "sh"].into_iter().chain(compose).chain(arguments.iter().copied()).collect();
        self.host.ok(&words)
    }

    fn serves(&self) {
        let get = ["wget", "-q", "-O", "-", "http://127.0.0.1:8081/"];
        until("nginx serves the application", || self.host.busybox(&get).as_deref() == Ok("hello from pod\n"));
    }

    /// Returns the PIDs of pause, nginx and the application; 0 for one that is not running.
    fn pids(&self) -> Vec<String> {
        let inspect = ["docker", "inspect", "-f", "{{.State.Pid}}", "pod-pause-1", "pod-nginx-1", "pod-app-1"];
        self.host.ok(&inspect).lines().map(str::to_owned).collect()
    }
}

fn deploy(file: &str) -> String {
    let path: PathBuf = root().join("deploy/docker").join(file);
    path.to_string_lossy().into_owned()
}
