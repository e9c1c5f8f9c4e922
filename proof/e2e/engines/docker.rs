//! pause in Docker: the pod in deploy/docker, and the flags that users set.

use kit::messages::{TERMINATED, WARNING};
use kit::orphans::IN_A_POD;
use kit::skip::does_not_apply;
use shared::compatibility::Row;
use shared::daemon::start as start_daemon;
use shared::documents::has_quoted;
use shared::{NAME, digest, ok, pause_is_ready, ready, run, until};

const DOCKER: &[&str] = &["crun", "docker", "dockerd", "runc"];

/// Checks what a pause container is for.
#[test]
fn it_holds_a_pod_of_nginx_and_an_application() {
    if !ready(DOCKER) {
        return;
    }
    let _row = row("the pod in deploy/docker");
    ok("env", &["PORT=8081", "sh", "deploy/docker/pod.sh"]);
    let served = || get(8081) == "hello from pod\n";
    until("nginx serves the application on the published port of pause", served);

    for container in ["nginx", "app"] {
        let processes = ok("docker", &["exec", container, "ps"]);
        assert!(processes.lines().any(|line| line.ends_with(" 1 65535    /pause")), "{processes}");
        for other in ["nginx: master process", "httpd -f"] {
            assert!(processes.contains(other), "{other} seen from {container}: {processes}");
        }
        assert_eq!(ok("docker", &["exec", container, "hostname"]), "pod\n");
    }
    let queues = || ok("docker", &["exec", "app", "wc", "-l", "/proc/sysvipc/msg"]);
    let before = queues();
    ok("docker", &["exec", "nginx", "ipcmk", "-Q"]);
    assert_ne!(queues(), before, "one container sees the message queue of another");
    ok("docker", &["exec", "nginx", "touch", "/dev/shm/shared"]);
    ok("docker", &["exec", "app", "ls", "/dev/shm/shared"]);
    assert_eq!(ok("docker", &["exec", "app", "sh", "-c", IN_A_POD]), "reaped\n");

    let address = || ok("docker", &["exec", "app", "ip", "-4", "address", "show", "dev", "eth0"]);
    let before = address();
    ok("docker", &["stop", "nginx"]);
    assert_eq!(ok("docker", &["exec", "app", "wget", "-qO-", "http://127.0.0.1:2368"]), "hello from pod\n");
    assert_eq!(get(8081), "", "nginx is stopped");
    ok("docker", &["start", "nginx"]);
    until("nginx serves again", served);
    assert_eq!(address(), before);

    stops_at_once("pause");
    for container in ["nginx", "app"] {
        until("the containers that shared its PID namespace have ended", || state(container, "Status") == "exited");
        assert_eq!(state(container, "ExitCode"), "137", "{container}");
    }
    ok("docker", &["rm", "pause", "nginx", "app"]);
}

#[test]
fn it_runs_without_privileges() {
    if !ready(DOCKER) {
        return;
    }
    let _row = row("--cap-drop=ALL, --read-only, no new privileges, with runc and with crun");
    for runtime in ["runc", "crun"] {
        let hardened = ["--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"];
        ok("docker", &[&["run", "-d", "--name", runtime, "--runtime", runtime], &hardened[..], &[NAME]].concat());
        let pid = state(runtime, "Pid");
        until("it sleeps", || pause_is_ready(&pid));
        stops_at_once(runtime);
        ok("docker", &["rm", runtime]);
    }
}

#[test]
fn under_init_it_warns_and_stops() {
    if !ready(DOCKER) {
        return;
    }
    let _row = row("--init");
    ok("docker", &["run", "-d", "--name=init", "--init", NAME]);
    until("it is started by init", || log("init") == WARNING);
    stops_at_once("init");
    ok("docker", &["rm", "init"]);
}

/// Checks both ways in which Docker stores images: with graph drivers, or in containerd, which is Docker 29's default.
#[test]
fn in_both_image_stores() {
    if !ready(DOCKER) {
        return;
    }
    if version().starts_with("20.") {
        return does_not_apply("Docker 20.10 has one image store");
    }
    for (store, snapshotter) in [("graph driver", "false"), ("containerd", "true")] {
        let _row = row(&format!("{store} as the image store: loaded, started and stopped"));
        let folder = format!("/run/docker-{snapshotter}");
        let host = format!("--host=unix://{folder}/sock");
        let script = format!(
            "mkdir -p {folder} && exec unshare --net dockerd --feature containerd-snapshotter={snapshotter} {host} \
             --data-root=/var/lib/docker-{snapshotter} --exec-root={folder}/exec --pidfile={folder}/pid \
             --containerd=/run/containerd/containerd.sock --containerd-namespace=docker-{snapshotter} \
             --bridge=none --iptables=false --ip6tables=false"
        );
        let daemon = start_daemon("sh", &["-c", &script]);
        let docker = |words: &[&str]| run("docker", &[&[host.as_str()], words].concat());
        let docker_ok = |words: &[&str]| docker(words).unwrap_or_else(|error| panic!("{error}"));
        daemon.until("dockerd answers", || docker(&["version"]).is_ok());
        let driver = docker_ok(&["info", "-f", "{{.DriverStatus}}"]);
        assert_eq!(driver.contains("io.containerd.snapshotter"), snapshotter == "true", "{driver}");
        docker_ok(&["load", "-i", "dist/pause.tar.gz"]);
        let id = docker_ok(&["image", "inspect", "-f", "{{.Id}}", NAME]);
        assert_eq!(id.trim() == digest("index"), snapshotter == "true", "{id}: only containerd keeps all platforms");
        docker_ok(&["run", "-d", "--name=stored", "--network=none", NAME]);
        let pid = docker_ok(&["inspect", "-f", "{{.State.Pid}}", "stored"]);
        until("it sleeps", || pause_is_ready(&pid));
        docker_ok(&["stop", "stored"]);
        assert_eq!(docker_ok(&["inspect", "-f", "{{.State.ExitCode}}", "stored"]), "0\n");
        docker_ok(&["rm", "stored"]);
        ok("sh", &["-c", &format!("kill $(cat {folder}/pid)")]);
    }
}

/// Checks what deploy/docker/README.md quotes when something is wrong.
#[test]
fn what_goes_wrong_is_what_the_readme_quotes() {
    if !ready(DOCKER) {
        return;
    }
    let readme = "deploy/docker/README.md";
    let missing = run("docker", &["run", "--rm", concat!("localhost:1/pause:", env!("CARGO_PKG_VERSION"))])
        .expect_err("no such image");
    assert!(has_quoted(readme, &missing), "{missing}");
    ok("docker", &["build", "--quiet", "--build-arg=TARGETARCH=s390x", "--tag=localhost/pause:s390x", "."]);
    let elsewhere = run("docker", &["run", "--rm", "localhost/pause:s390x"]).expect_err("another architecture");
    assert!(has_quoted(readme, &elsewhere), "{elsewhere}");
    let wrong = run("docker", &["run", "--rm", "--entrypoint=/nope", NAME]).expect_err("no such file");
    assert!(has_quoted(readme, &wrong), "{wrong}");
}

fn row(how: &str) -> Row {
    Row::new("Docker", &version(), how)
}

fn version() -> String {
    ok("docker", &["version", "-f", "{{.Server.Version}}"])
}

/// Stops a container with SIGTERM. If that took 10 s, docker would send SIGKILL, and the exit code would be 137.
fn stops_at_once(name: &str) {
    ok("docker", &["stop", name]);
    assert_eq!(state(name, "ExitCode"), "0", "{name}");
    assert!(log(name).ends_with(TERMINATED), "{name}: {}", log(name));
}

fn state(container: &str, key: &str) -> String {
    ok("docker", &["inspect", "-f", &format!("{{{{.State.{key}}}}}"), container]).trim().to_owned()
}

fn log(container: &str) -> String {
    ok("sh", &["-c", "docker logs \"$0\" 2>&1 >/dev/null", container])
}

/// Returns what a server on a port of this machine answers; empty if there is none.
pub fn get(port: u16) -> String {
    run("busybox", &["wget", "-q", "-O", "-", &format!("http://127.0.0.1:{port}/")]).unwrap_or_default()
}
