//! The quadlets in deploy/podman: the units that a newer Podman generates from them, and the commands of those units.
//! There is no systemd here, so the test runs the commands itself.

use std::fs;

use build::root;
use kit::orphans::IN_A_POD;
use shared::compatibility::Row;
use shared::host::Host;
use shared::{NAME, NGINX, containerd, dist, ready, until};

#[test]
fn quadlets_become_units_whose_commands_run_a_pod() {
    let Some(testing) = containerd::newer_debian() else { return };
    if !ready(&["containerd", "runc"]) {
        return;
    }
    let host = Host::with_root(&testing, &[]);
    let version = host.ok(&["podman", "--version"]);
    let _row =
        Row::new("Podman", &version, "the units of web.pod and nginx.container in deploy/podman, without systemd");
    configure(&host);
    generate(&host);
    fs::copy(dist("pause.tar"), host.file("/run/pause.tar")).expect("a file");
    fs::copy("/run/nginx.tar", host.file("/run/nginx.tar")).expect("a file");
    host.ok(&["podman", "load", "-i", "/run/pause.tar"]);
    host.ok(&["podman", "import", "--change=ENV PATH=/bin:/usr/bin:/usr/sbin", "/run/nginx.tar", NGINX]);

    run(&host, "web-pod", "ExecStartPre");
    run(&host, "web-pod", "ExecStart");
    run(&host, "nginx", "ExecStart");
    holds_nginx(&host);
    run(&host, "nginx", "ExecStop");
    run(&host, "web-pod", "ExecStop");
    run(&host, "web-pod", "ExecStopPost");
    assert_eq!(host.ok(&["podman", "ps", "--all", "--quiet"]), "");
}

/// Makes a host with the files in deploy/podman.
fn configure(host: &Host) {
    host.tmpfs("/etc/containers/systemd");
    for (file, to) in [
        ("web.pod", "/etc/containers/systemd/web.pod"),
        ("nginx.container", "/etc/containers/systemd/nginx.container"),
        ("containers.conf", "/etc/containers/containers.conf.d/pause.conf"),
    ] {
        host.write(to, &fs::read_to_string(root().join("deploy/podman").join(file)).expect("a file"));
    }
    // A machine without CAP_SYS_RESOURCE, systemd and nftables needs these settings.
    host.write(
        "/etc/containers/containers.conf.d/tests.conf",
        "[containers]\ndefault_ulimits = [\"nofile=1024:1024\", \"nproc=1024:1024\"]\n\
         [network]\nfirewall_driver = \"none\"\n[engine]\ncgroup_manager = \"cgroupfs\"\nevents_logger = \"file\"\n",
    );
}

/// Makes the units in /run/units, as systemd does at boot.
fn generate(host: &Host) {
    host.ok(&["mkdir", "/run/units"]);
    let generator = "/usr/lib/systemd/system-generators/podman-system-generator";
    host.ok(&[generator, "/run/units", "/run/units", "/run/units"]);
    for unit in ["web-pod", "nginx"] {
        host.ok(&["systemd-analyze", "verify", "--man=no", &format!("/run/units/{unit}.service")]);
    }
    assert!(host.file("/run/units/multi-user.target.wants/web-pod.service").exists(), "it starts at boot");
    let nginx = fs::read_to_string(host.file("/run/units/nginx.service")).expect("a unit");
    assert!(nginx.contains("\nBindsTo=web-pod.service\n") && nginx.contains("\nRestart=always\n"), "{nginx}");
}

/// Runs a unit's command that has this key.
fn run(host: &Host, unit: &str, key: &str) {
    let text = fs::read_to_string(host.file(&format!("/run/units/{unit}.service"))).expect("a unit");
    let command = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).expect("a command");
    let command = command.replace("%t", "/run").replace("%N", unit);
    let words = command.split(' ').map(|word| word.trim_matches('"').replace("\\x20", " ")).collect::<Vec<_>>();
    host.ok(&words.iter().map(String::as_str).collect::<Vec<_>>());
}

fn holds_nginx(host: &Host) {
    assert_eq!(host.ok(&["podman", "inspect", "-f", "{{.ImageName}}", "web-infra"]).trim(), NAME);
    let processes = host.ok(&["podman", "exec", "nginx", "ps"]);
    assert!(processes.lines().any(|line| line.ends_with(" 1 root     /pause")), "{processes}");
    until("it serves", || host.try_to(&["podman", "exec", "nginx", "wget", "-qO-", "http://127.0.0.1"]).is_ok());
    assert_eq!(host.ok(&["podman", "exec", "nginx", "sh", "-c", IN_A_POD]), "reaped\n");
    // systemd watches this PID: conmon's, which waits for pause.
    assert!(fs::read_to_string(host.file("/run/web-pod.pid")).is_ok_and(|pid| pid.trim().parse::<u32>().is_ok()));
}
