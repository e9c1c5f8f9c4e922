//! Runs the tests with which containerd judges itself.

use std::fs;
use std::path::Path;

use shared::containerd::of_2;
use shared::engines::built;
use shared::host::Host;

use crate::critest::serve_images;
use crate::{Outcome, Outcomes, Part, kept};

/// The configuration that the tests expect: their directories, and a shim that fails on demand.
const CONFIG: &str = "\
version = 3
root = '/var/lib/containerd-test'
state = '/run/containerd-test'
[grpc]
address = '/run/containerd-test/containerd.sock'
[plugins.'io.containerd.cri.v1.runtime']
drain_exec_sync_io_timeout = '10s'
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc-fp]
cni_conf_dir = '/tmp/failpoint-cni-net.d'
cni_max_conf_num = 1
pod_annotations = ['io.containerd.runtime.v2.shim.failpoint.*']
runtime_type = 'runc-fp.v1'
[plugins.'io.containerd.nri.v1.nri']
disable = false
socket_path = '/var/run/nri-test.sock'
plugin_path = '/no/pre-launched/nri/plugins'
[plugins.'io.containerd.snapshotter.v1.overlayfs']
slow_chown = true
";

/// The network of these shims.
const FAILING_NETWORK: &str = r#"{ "cniVersion": "1.0.0", "name": "containerd-net-failpoint", "plugins": [{
    "type": "cni-bridge-fp", "bridge": "cni-fp", "isGateway": true, "promiscMode": true,
    "ipam": { "type": "host-local", "ranges": [[{ "subnet": "10.89.0.0/16" }]], "routes": [{ "dst": "0.0.0.0/0" }] },
    "capabilities": { "io.kubernetes.cri.pod-annotations": true }
}] }"#;

/// Runs these tests, or all, with the pause in an archive.
pub fn run(part: &Part, pause: &Path, only: &[String]) -> Outcomes {
    let engines = [of_2().expect("it is built"), vec![built(part.programs[0]).expect("it is built")]].concat();
    let host = Host::with_engines(&engines, &["docker", "dockerd", "podman"]);
    host.ok(&["cp", "/usr/local/bin/cni-bridge-fp", "/usr/local/bin/loopback-v2", "/opt/cni/bin"]);
    host.write("/tmp/failpoint-cni-net.d/10-failpoint.conflist", FAILING_NETWORK);
    host.write("/etc/containerd/config.toml", CONFIG);
    serve_images(&host, pause);
    // Some tests start a containerd that sets an OOM score for its sandboxes, which not every machine permits.
    host.tmpfs("/usr/local/sbin");
    let runc = build::root().join("proof/e2e/shared/runc.sh");
    let path = "PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    host.write_program("/usr/local/sbin/runc", &format!("#!/bin/sh\n{path} exec {} \"$@\"\n", runc.display()));
    let with_path = format!("export PATH=/usr/local/sbin:{}; ", path.trim_start_matches("PATH="));
    // Tests end containerd, look once per second whether it has ended, and expect it to start again. They also count
    // its open descriptors. Unlike other shells, busybox's can close those above 9.
    let keep = with_path.clone()
        + "for file in /proc/self/fd/*; do fd=${file##*/}; [ $fd -lt 3 ] || eval \"exec $fd>&-\"; done; "
        + "while :; do containerd --log-level=debug; sleep 3; done";
    let containerd = host.start(&["busybox", "sh", "-c", &keep]);
    let address = "--address=/run/containerd-test/containerd.sock";
    containerd.until("containerd answers", || host.try_to(&["ctr", address, "version"]).is_ok());

    let all = if only.is_empty() { String::new() } else { format!("^({})$", only.join("|")) };
    // Not to a pipe, which processes that the tests leave behind may keep open.
    let script = with_path + "exec integration.test \"$@\" >/run/report 2>&1 </dev/null";
    let run = format!("-test.run={all}");
    let endpoint = "--cri-endpoint=unix:///run/containerd-test/containerd.sock";
    let options = ["-test.v=test2json", "-test.timeout=29m", &run, endpoint, "--build-dir=/usr/local/bin"];
    let ended = host.try_to(&[&["sh", "-c", &script, "sh"], &options[..]].concat());
    let report = fs::read(host.file("/run/report")).expect("a report");
    fs::write(kept::report(part, pause), &report).expect("a file");
    let outcomes = outcomes(&String::from_utf8_lossy(&report));
    assert!(!outcomes.is_empty(), "no test was run: {ended:?}");
    outcomes
}

/// Returns how each test ended, from the lines that a Go test binary marks for test2json. A test without an end has
/// failed.
fn outcomes(report: &str) -> Outcomes {
    let mut outcomes = Outcomes::new();
    for line in report.split('\x16').skip(1).filter_map(|marked| marked.lines().next()) {
        let (outcome, rest) = match line.trim_start().split_once(": ") {
            Some(("--- PASS", rest)) => (Outcome::Passed, rest),
            Some(("--- SKIP", rest)) => (Outcome::Skipped, rest),
            Some(("--- FAIL", rest)) => (Outcome::Failed, rest),
            _ if line.starts_with("=== RUN") => (Outcome::Failed, line.trim_start_matches("=== RUN").trim()),
            _ => continue,
        };
        let name = rest.split(' ').next().unwrap_or_default();
        if !name.contains('/') {
            outcomes.insert(name.to_owned(), outcome);
        }
    }
    outcomes
}
