//! pods in CRI-O, driven with crictl: the images that it lists, the process that holds a pod, and its end.

use std::fs;

use kit::messages::TERMINATED;
use kit::orphans::IN_A_POD;
use serde_json::{Value, json};
use shared::runtime::Kind::CriO;
use shared::runtime::Oci::Runc;
use shared::runtime::Runtime;
use shared::{BUSYBOX, NAME, digest};

#[test]
fn drives_cri_o_1_36() {
    let Some(runtime) = Runtime::start(CriO("1.36"), Runc) else { return };
    let host = &runtime.host;
    let line = format!("CRI-O: {NAME} is installed (before: the same), pinned; ok\n");
    assert_eq!(host.install(&[]), (0, line));
    let version = host.ok(&["crictl", "--version"]);
    let _row = runtime.row("crictl", &version, "pods with and without a shared PID namespace, ended by SIGTERM");
    let images: Value = serde_json::from_str(&runtime.crictl(&["images", "-o", "json"])).expect("JSON");
    let ours = images["images"].as_array().expect("images").iter().find(|image| image["repoTags"][0] == NAME);
    assert_eq!(ours.expect("our image")["pinned"], true);
    runtime.import_as(BUSYBOX, BUSYBOX);
    for (name, pid) in [("shared", 0), ("separate", 1)] {
        let pod = json!({
            "metadata": { "name": name, "uid": name, "namespace": "default", "attempt": 0 },
            "log_directory": "/run/logs",
            "linux": { "security_context": { "namespace_options": { "network": 0, "pid": pid } } },
        });
        let container = json!({
            "metadata": { "name": "application" },
            "image": { "image": BUSYBOX },
            // As PID 1 it needs a handler: CRI-O waits for its end as long as crictl waits.
            "command": ["/bin/busybox", "sh", "-c", "trap exit TERM; /bin/busybox sleep 1000000 & wait"],
            "linux": { "security_context": { "namespace_options": { "network": 0, "pid": pid } } },
        });
        host.write("/run/pod.json", &pod.to_string());
        host.write("/run/container.json", &container.to_string());
        let id = runtime.crictl(&["runp", "/run/pod.json"]);
        let pause = runtime.crictl(&["inspectp", "-o", "go-template", "--template", "{{.info.pid}}", &id]);
        let program = format!("/proc/{pause}/exe");
        let runs = || fs::read_link(host.file(&program)).is_ok_and(|program| program.ends_with("pause"));
        host.until("runc has executed pause", runs);
        let sum = host.ok(&["sha256sum", &program]);
        assert!(digest("pause-amd64").ends_with(sum.split(' ').next().expect("a digest")), "{sum}");
        let application = runtime.crictl(&["create", &id, "/run/container.json", "/run/pod.json"]);
        runtime.crictl(&["start", &application]);
        if pid == 0 {
            assert_eq!(runtime.crictl(&["exec", "-s", &application, "sh", "-c", IN_A_POD]), "reaped");
        }
        runtime.crictl(&["stopp", &id]);
        assert!(!host.file(&program).exists(), "pause has ended");
        let said = fs::read_to_string(host.file(&format!("/run/logs/{id}.log"))).expect("its log");
        assert!(said.contains(TERMINATED.trim()), "{said}");
        runtime.crictl(&["rmp", &id]);
    }
}
