//! pause as the sandbox image of CRI-O, with the file of deploy/crio, driven with crictl.

use std::fs;

use build::root;
use kit::orphans::IN_A_POD;
use serde_json::{Value, json};
use shared::compatibility::Row;
use shared::engines::built;
use shared::host::Host;
use shared::{BUSYBOX, NAME, crio, digest, ok, ready};

#[test]
fn it_holds_pods() {
    let Some(host) = with_our_image() else { return };
    let version = host.ok(&["crio", "--version"]);
    let _row = Row::new("CRI-O, deploy/crio", &version, "pods with and without a shared PID namespace, pinned image");
    let images: Value = serde_json::from_str(&crictl(&host, &["images", "-o", "json"])).expect("JSON");
    let ours = images["images"].as_array().expect("images").iter().find(|image| image["repoTags"][0] == NAME);
    assert_eq!(ours.expect("our image")["pinned"], true);
    import_busybox_as(&host, BUSYBOX);
    for (name, pid) in [("shared", 0), ("separate", 1)] {
        let pod = json!({
            "metadata": { "name": name, "uid": name, "namespace": "default", "attempt": 0 },
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
        let id = crictl(&host, &["runp", "/run/pod.json"]);
        let pause = crictl(&host, &["inspectp", "-o", "go-template", "--template", "{{.info.pid}}", &id]);
        let program = format!("/proc/{pause}/exe");
        let runs = || fs::read_link(host.file(&program)).is_ok_and(|program| program.ends_with("pause"));
        host.until("runc has executed pause", runs);
        let sum = host.ok(&["sha256sum", &program]);
        assert!(digest("pause-amd64").ends_with(sum.split(' ').next().expect("a digest")), "{sum}");
        let application = crictl(&host, &["create", &id, "/run/container.json", "/run/pod.json"]);
        crictl(&host, &["start", &application]);
        if pid == 0 {
            assert_eq!(crictl(&host, &["exec", "-s", &application, "sh", "-c", IN_A_POD]), "reaped");
        }
        crictl(&host, &["stopp", &id]);
        assert!(!host.file(&program).exists(), "pause has ended");
        crictl(&host, &["rmp", &id]);
    }
}

/// A host with CRI-O that uses the file of deploy/crio, with crictl, and with our image, which the installer has put
/// there.
pub fn with_our_image() -> Option<Host> {
    let tools = built("cri-tools-1.37")?;
    let host = crio::host(&["containerd", "docker", "dockerd", "podman"])?;
    if !ready(&["conmon", "dockerd", "skopeo"]) {
        return None;
    }
    host.install_programs(&tools);
    host.write("/etc/crio/crio.conf", &crio::config());
    let ours = fs::read_to_string(root().join("deploy/crio/10-pause.conf")).expect("a file");
    host.write("/etc/crio/crio.conf.d/10-pause.conf", &ours);
    crio::start(&host, &[]);
    let line = format!("CRI-O: {NAME} is installed (before: nothing), pinned, checked by crictl; ok\n");
    assert_eq!(host.install(&[]), (0, line));
    Some(host)
}

/// Gives CRI-O an image of busybox, under this name.
pub fn import_busybox_as(host: &Host, name: &str) {
    ok("docker", &["save", "-o", &host.file("/run/image.tar").to_string_lossy(), BUSYBOX]);
    host.ok(&["skopeo", "copy", "docker-archive:/run/image.tar", &format!("containers-storage:{name}")]);
}

fn crictl(host: &Host, words: &[&str]) -> String {
    let socket = "unix:///run/crio/crio.sock";
    host.ok(&[&["crictl", "-r", socket, "-i", socket, "--timeout=60s"], words].concat()).trim().to_owned()
}
