//! pause in Podman: the files of deploy/podman, with and without root, and `podman kube play`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use build::root;
use kit::orphans::IN_A_POD;
use shared::compatibility::Row;
use shared::documents::{has_quoted, normalized, processes_of_a_pod};
use shared::{BUSYBOX, NAME, NGINX, RUNS_NGINX, ok, ready, run, until};

/// deploy/podman/containers.conf names the infra image. [`images`] puts it where the user would.
#[test]
fn a_pod_takes_it_from_containers_conf() {
    if !images() {
        return;
    }
    let _row = row("podman pod create with deploy/podman");
    holds_a_pod("configured", &["podman"], &["--network=none"]);
}

#[test]
fn a_pod_takes_it_from_flags() {
    if !images() {
        return;
    }
    let _row = row("--infra-image with crun, with runc");
    let infra = ["--network=none", "--infra-image", NAME, "--infra-command=/pause"];
    for runtime in ["crun", "runc"] {
        holds_a_pod(&format!("flags-{runtime}"), &["podman", "--runtime", runtime], &infra);
    }
}

#[test]
fn a_pod_without_root() {
    if !images() {
        return;
    }
    let _row = row("podman pod create with deploy/podman, without root");
    fs::create_dir_all("/run/rootless/xdg").expect("a folder");
    ok("chown", &["-R", "65534:65534", "/run/rootless"]);
    fs::copy(root().join("dist/pause.tar"), "/run/rootless/pause.tar").expect("a file");
    let podman = "setpriv --reuid=65534 --regid=65534 --clear-groups \
                  env --chdir=/run/rootless HOME=/run/rootless XDG_RUNTIME_DIR=/run/rootless/xdg podman";
    let podman: Vec<&str> = podman.split_whitespace().collect();
    ok(podman[0], &[&podman[1..], &["load", "-i", "/run/rootless/pause.tar"]].concat());
    ok(podman[0], &[&podman[1..], &["import", "/run/busybox.tar", BUSYBOX]].concat());
    holds_a_pod("rootless", &podman, &["--network=none"]);
}

#[test]
fn kube_play_of_a_pod_with_a_shared_pid_namespace() {
    if !images() {
        return;
    }
    let _row = row("podman kube play");
    ok("podman", &["kube", "play", "deploy/podman/pod.yaml"]);
    let sidecar = |command: &[&str]| run("podman", &[&["exec", "pod-sidecar"], command].concat());
    until("it has the processes that the document shows", || {
        // Podman starts the containers in its own order.
        let sorted = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
        let processes = sidecar(&["ps", "-o", "pid,args"]).expect("it runs");
        sorted(&normalized(&processes)) == sorted(&processes_of_a_pod())
    });
    until("localhost answers", || sidecar(&["wget", "-qO-", "http://localhost"]).as_deref() == Ok("served by nginx\n"));
    let log = sidecar(&["timeout", "10", "cat", "/var/log/nginx/access.log"]).expect("the log that nginx writes");
    assert!(log.contains("\"GET / HTTP/1.1\" 200"), "{log}");
    assert_eq!(sidecar(&["sh", "-c", IN_A_POD]).as_deref(), Ok("reaped\n"));
    stops(&["podman"], "pod");
}

/// Checks what deploy/podman/README.md quotes when something is wrong.
#[test]
fn what_goes_wrong_is_what_the_readme_quotes() {
    if !images() {
        return;
    }
    let readme = "deploy/podman/README.md";
    let create = ["pod", "create", "--network=none"];
    let said = |flags: &[&str]| run("podman", &[&create, flags].concat()).expect_err("it cannot");
    let missing = said(&[concat!("--infra-image=localhost:1/pause:", env!("CARGO_PKG_VERSION"))]);
    assert!(has_quoted(readme, &missing), "{missing}");

    ok("podman", &[&create, &["--name=command", "--infra-command=/nope"][..]].concat());
    let wrong = run("podman", &["pod", "start", "command"]).expect_err("there is no such file");
    assert!(has_quoted(readme, &wrong), "{wrong}");

    let (from, to) = ("oci-archive:dist/pause.tar", "containers-storage:localhost/pause:s390x");
    ok("skopeo", &["--override-arch=s390x", "copy", from, to]);
    ok("podman", &[&create, &["--name=elsewhere", "--infra-image=localhost/pause:s390x"][..]].concat());
    let start = "exec 2>&1; podman pod start elsewhere; podman logs \"$0\" || :";
    let infra = ok("podman", &["pod", "inspect", "-f", "{{.InfraContainerID}}", "elsewhere"]);
    let said = ok("sh", &["-c", start, infra.trim()]);
    assert!(has_quoted(readme, &said), "{said}");
    ok("podman", &["pod", "rm", "--force", "command", "elsewhere"]);
}

/// Checks a pod without the image's user 65535: Podman runs the infra container as the pod's root.
#[test]
fn a_pod_with_few_users_of_its_own() {
    if !images() {
        return;
    }
    let _row = row("the pod's own user namespace, with 1000 users");
    let maps = ["uid", "gid"].map(|kind| format!("--{kind}map=0:200000:1000"));
    holds_a_pod("users", &["podman"], &["--network=none", "--infra-image", NAME, &maps[0], &maps[1]]);
}

/// Creates a pod, checks that pause reaps its orphans, and stops it.
fn holds_a_pod(name: &str, podman: &[&str], flags: &[&str]) {
    let podman_ok = |arguments: &[&str]| ok(podman[0], &[&podman[1..], arguments].concat());
    podman_ok(&[&["pod", "create", "--share=pid,ipc,uts,net", "--name", name], flags].concat());
    let orphans = ["run", "--rm", "--pod", name, BUSYBOX, "/bin/busybox", "sh", "-c", IN_A_POD];
    assert_eq!(podman_ok(&orphans), "reaped\n");
    stops(podman, name);
}

/// Stops and removes a pod. If SIGTERM did not end pause within 10 s, Podman would send SIGKILL, and the exit code
/// would be 137.
fn stops(podman: &[&str], pod: &str) {
    let podman_ok = |arguments: &[&str]| ok(podman[0], &[&podman[1..], arguments].concat());
    let infra = podman_ok(&["pod", "inspect", "-f", "{{.InfraContainerID}}", pod]);
    let image = podman_ok(&["inspect", "-f", "{{.ImageName}}", infra.trim()]);
    assert_eq!(image.trim(), NAME);
    podman_ok(&["pod", "stop", pod]);
    assert_eq!(podman_ok(&["inspect", "-f", "{{.State.ExitCode}}", infra.trim()]), "0\n");
    // Podman 4.3 can find /dev/shm busy for a moment.
    until("the pod is gone", || {
        _ = run(podman[0], &[&podman[1..], &["pod", "rm", "--force", pod]].concat());
        run(podman[0], &[&podman[1..], &["pod", "exists", pod]].concat()).is_err()
    });
}

fn row(how: &str) -> Row {
    Row::new("Podman", &ok("podman", &["--version"]), how)
}

fn images() -> bool {
    static LOADED: LazyLock<()> = LazyLock::new(|| {
        if !Path::new("/run/systemd/system").exists() {
            // A machine without systemd and CAP_SYS_RESOURCE needs these settings.
            let config = "[containers]\ndefault_ulimits = [\"nofile=1024:1024\", \"nproc=1024:1024\"]\n\
                          [engine]\ncgroup_manager = \"cgroupfs\"\nevents_logger = \"file\"\n";
            fs::write("/etc/containers/containers.conf.d/tests.conf", config).expect("a file");
        }
        let config = root().join("deploy/podman/containers.conf");
        fs::copy(config, "/etc/containers/containers.conf.d/pause.conf").expect("a file");
        // As adduser would do.
        fs::write("/run/subordinate", "nobody:100000:65536\n").expect("a file");
        for file in ["/etc/subuid", "/etc/subgid"] {
            ok("touch", &[file]);
            ok("mount", &["--bind", "/run/subordinate", file]);
        }
        ok("podman", &["load", "-i", "dist/pause.tar"]);
        let path = "--change=ENV PATH=/bin:/usr/bin:/usr/sbin";
        ok("podman", &["import", path, "/run/busybox.tar", BUSYBOX]);
        ok("podman", &["import", path, RUNS_NGINX, "/run/nginx.tar", NGINX]);
    });
    let ready = ready(&["conmon", "crun", "newuidmap", "podman", "runc", "skopeo"]);
    if ready {
        *LOADED;
    }
    ready
}
