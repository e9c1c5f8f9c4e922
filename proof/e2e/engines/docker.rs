//! pause in Docker: the pod of deploy/docker, and the flags that users set.

use kit::messages::{TERMINATED, VERSION, WARNING};
use kit::orphans::IN_A_POD;
use kit::skip::does_not_apply;
use shared::compatibility::Row;
use shared::daemon::start as start_daemon;
use shared::documents::has_quoted;
use shared::{BUSYBOX, NAME, digest, ok, pause_is_ready, ready, run, until};

const DOCKER: &[&str] = &["crun", "docker", "dockerd", "runc"];

/// The purpose of a pause container.
#[test]
fn it_holds_a_pod_of_nginx_and_an_application() {
    if !ready(DOCKER) {
        return;
    }
    let _row = row("the pod of deploy/docker");
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
fn it_runs_under_every_restriction() {
    if !ready(DOCKER) {
        return;
    }
    let _row = row(
        "--cap-drop=ALL, --user=0, the least --memory, --pids-limit=1, runc, crun: started and stopped; -v as 999:999",
    );
    for (name, flags) in [
        ("hardened", &["--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"][..]),
        ("user-0", &["--user=0"]),
        ("pids", &["--pids-limit=1"]),
        ("runc", &["--runtime=runc"]),
        ("crun", &["--runtime=crun"]),
    ] {
        start(name, flags);
        stops_at_once(name);
        ok("docker", &["rm", name]);
    }
    // Docker does not accept less than 6 MiB, and newer releases of runc need more to start anything.
    let starts = |memory: &&str| {
        let flags = ["run", "-d", "--name=memory", memory, NAME];
        run("docker", &flags).map_err(|_| ok("docker", &["rm", "-f", "memory"])).is_ok()
    };
    let least = ["--memory=6m", "--memory=8m", "--memory=12m", "--memory=16m"].iter().find(|memory| starts(memory));
    least.expect("runc starts it with one of these");
    sleeps("memory");
    stops_at_once("memory");
    ok("docker", &["rm", "memory"]);
    let kubeadm = ["--user=999:999", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"];
    let version = ok("docker", &[&["run", "--rm"], &kubeadm[..], &[NAME, "-v"]].concat());
    assert_eq!(version, VERSION);
}

#[test]
fn under_init_it_warns_and_stops() {
    if !ready(DOCKER) {
        return;
    }
    let _row = row("--init");
    start("init", &["--init"]);
    until("it is started by init", || log("init").starts_with("Warning: pause should be the first process\n"));
    ok("docker", &["stop", "init"]);
    assert_eq!(state("init", "ExitCode"), "0");
    assert_eq!(log("init"), format!("{WARNING}{TERMINATED}"));
    ok("docker", &["rm", "init"]);
}

#[test]
fn a_restart_policy_starts_it_again() {
    if !ready(DOCKER) {
        return;
    }
    let _row = row("--restart=always");
    start("restarted", &["--restart=always"]);
    until("it is started again", || {
        _ = run("docker", &["run", "--rm", "--pid=container:restarted", BUSYBOX, "kill", "1"]);
        let count = ok("docker", &["inspect", "-f", "{{.RestartCount}}", "restarted"]);
        count != "0\n" && state("restarted", "Running") == "true"
    });
    stops_at_once("restarted");
    ok("docker", &["rm", "restarted"]);
}

#[test]
fn orphans_that_die_while_it_is_paused_leave_no_zombie() {
    if !ready(DOCKER) {
        return;
    }
    let _row = row("docker pause while orphans die");
    start("paused", &[]);
    ok("docker", &["run", "-d", "--name=orphans", "--pid=container:paused", BUSYBOX, "sleep", "600"]);
    ok("docker", &["pause", "paused"]);
    let reaped = run("docker", &["exec", "orphans", "sh", "-c", IN_A_POD]);
    ok("docker", &["unpause", "paused"]);
    assert_eq!(reaped.as_deref(), Ok("reaped\n"));
    stops_at_once("paused");
    ok("docker", &["rm", "paused", "orphans"]);
}

/// Docker stores images with graph drivers, or in containerd, as Docker 29 does by default.
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

/// deploy/docker/README.md quotes what a user sees when something is wrong.
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

/// Starts a container and waits until pause has its handlers: PID 1 loses a signal that comes before that.
fn start(name: &str, flags: &[&str]) {
    ok("docker", &[&["run", "-d", "--name", name], flags, &[NAME]].concat());
    sleeps(name);
}

fn sleeps(name: &str) {
    let pid = state(name, "Pid");
    until("it sleeps", || pause_is_ready(&pid) || name == "init");
}

/// Stops a container by SIGTERM. If that took 10 s, docker would send SIGKILL, and the exit code would be 137.
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

/// What a server on a port of this machine answers; empty if there is none.
pub fn get(port: u16) -> String {
    run("busybox", &["wget", "-q", "-O", "-", &format!("http://127.0.0.1:{port}/")]).unwrap_or_default()
}
