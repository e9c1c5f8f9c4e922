//! The quadlets of deploy/podman: the units that a newer Podman generates from them, and the commands of those units.
//! There is no systemd here, so the test runs the commands itself.

use std::fs;

use build::root;
use engines::compatibility::Row;
use engines::{NAME, NGINX, dist, ready, until};
use kit::orphans::IN_A_POD;

use crate::node::{self, Node};

#[test]
fn quadlets_become_units_whose_commands_run_a_pod() {
    let Some(testing) = node::newer_debian() else { return };
    if !ready(&["containerd", "runc"]) {
        return;
    }
    let node = Node::new(&testing, &[]);
    let version = node.ok(&["podman", "--version"]);
    let _row =
        Row::new("Podman", &version, "the units of web.pod and nginx.container of deploy/podman, without systemd");
    node.tmpfs("/etc/containers/systemd");
    for (file, to) in [
        ("web.pod", "/etc/containers/systemd/web.pod"),
        ("nginx.container", "/etc/containers/systemd/nginx.container"),
        ("containers.conf", "/etc/containers/containers.conf.d/pause.conf"),
    ] {
        node.write(to, &fs::read_to_string(root().join("deploy/podman").join(file)).expect("a file"));
    }
    // A machine without CAP_SYS_RESOURCE, systemd and nftables needs these settings.
    node.write(
        "/etc/containers/containers.conf.d/tests.conf",
        "[containers]\ndefault_ulimits = [\"nofile=1024:1024\", \"nproc=1024:1024\"]\n\
         [network]\nfirewall_driver = \"none\"\n[engine]\ncgroup_manager = \"cgroupfs\"\nevents_logger = \"file\"\n",
    );
    // As systemd calls it at boot.
    node.ok(&["mkdir", "/run/units"]);
    let generator = "/usr/lib/systemd/system-generators/podman-system-generator";
    node.ok(&[generator, "/run/units", "/run/units", "/run/units"]);
    let units = ["web-pod", "nginx"];
    for unit in units {
        node.ok(&["systemd-analyze", "verify", "--man=no", &format!("/run/units/{unit}.service")]);
    }
    assert!(node.file("/run/units/multi-user.target.wants/web-pod.service").exists(), "it starts at boot");
    let nginx = fs::read_to_string(node.file("/run/units/nginx.service")).expect("a unit");
    assert!(nginx.contains("\nBindsTo=web-pod.service\n") && nginx.contains("\nRestart=always\n"), "{nginx}");

    fs::copy(dist("pause.tar"), node.file("/run/pause.tar")).expect("a file");
    fs::copy("/run/nginx.tar", node.file("/run/nginx.tar")).expect("a file");
    node.ok(&["podman", "load", "-i", "/run/pause.tar"]);
    node.ok(&["podman", "import", "--change=ENV PATH=/bin:/usr/bin:/usr/sbin", "/run/nginx.tar", NGINX]);
    let run = |unit: &str, key: &str| {
        let text = fs::read_to_string(node.file(&format!("/run/units/{unit}.service"))).expect("a unit");
        let command = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).expect("a command");
        let command = command.replace("%t", "/run").replace("%N", unit);
        let words = command.split(' ').map(|word| word.trim_matches('"').replace("\\x20", " ")).collect::<Vec<_>>();
        node.ok(&words.iter().map(String::as_str).collect::<Vec<_>>());
    };
    run("web-pod", "ExecStartPre");
    run("web-pod", "ExecStart");
    run("nginx", "ExecStart");
    assert_eq!(node.ok(&["podman", "inspect", "-f", "{{.ImageName}}", "web-infra"]).trim(), NAME);
    let processes = node.ok(&["podman", "exec", "nginx", "ps"]);
    assert!(processes.lines().any(|line| line.ends_with(" 1 root     /pause")), "{processes}");
    until("it serves", || node.try_to(&["podman", "exec", "nginx", "wget", "-qO-", "http://127.0.0.1"]).is_ok());
    assert_eq!(node.ok(&["podman", "exec", "nginx", "sh", "-c", IN_A_POD]), "reaped\n");
    // systemd watches this PID, that of conmon, which waits for pause.
    assert!(fs::read_to_string(node.file("/run/web-pod.pid")).is_ok_and(|pid| pid.trim().parse::<u32>().is_ok()));

    run("nginx", "ExecStop");
    run("web-pod", "ExecStop");
    run("web-pod", "ExecStopPost");
    assert_eq!(node.ok(&["podman", "ps", "--all", "--quiet"]), "");
}
