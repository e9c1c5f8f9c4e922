//! The installer, on the engines of a node.

use std::process::Command;

use build::root;
use engines::{NAME, digest, ok, ready};
use kit::messages::VERSION;

const NODE: &[&str] = &["containerd", "dockerd", "podman"];
const CONFIGURED: &str = "registry.k8s.io/pause:3.6";

#[test]
fn from_nothing_to_a_running_pod() {
    if !ready(NODE) {
        return;
    }
    let shadowed = format!("(before: {})", digest("index"));
    let (status, said) = install("dash", &["--check", "--as", "configured"], &[]);
    assert!(status, "{said}");
    assert!(said.contains(&format!("containerd: configured: {CONFIGURED}; {CONFIGURED} is not present")), "{said}");

    for (shell, before) in [("dash", "(before: nothing)"), ("busybox", shadowed.as_str())] {
        let (status, said) = install(shell, &["--as", "configured"], &[]);
        assert!(status, "{said}");
        let line =
            format!("containerd: {CONFIGURED} is installed {before}; pinned; it is the configured sandbox image");
        assert!(said.lines().any(|said| said == line), "{shell}: {said}");
    }
    let (_, said) = install("busybox", &["--check", "--as", "configured"], &[]);
    assert!(said.contains(&format!("{CONFIGURED} is present for linux/amd64, pinned")), "{said}");
    ok("ctr", &["-n", "k8s.io", "run", "--rm", CONFIGURED, "version", "/pause", "-v"]);

    // Another name, and each engine has it under that name alone.
    let name = "registry.example:5000/a/pause:9";
    let (status, said) = install("busybox", &["--as", name], &[]);
    assert!(status, "{said}");
    for (engine, list) in [
        ("docker", &["image", "inspect", "-f", "{{.Architecture}}", name][..]),
        ("podman", &["image", "inspect", "-f", "{{.Architecture}}", name]),
    ] {
        assert_eq!(ok(engine, list), "amd64\n");
        let version = ok(engine, &["run", "--rm", "--network=none", name, "-v"]);
        assert_eq!(version, VERSION, "{engine}");
    }
    let images = ok("ctr", &["-n", "k8s.io", "images", "ls", &format!("name=={name}")]);
    assert!(images.contains("io.cri-containerd.pinned=pinned"), "{images}");
}

#[test]
fn an_engine_that_is_not_running_is_one_line() {
    if !ready(NODE) {
        return;
    }
    let (status, said) =
        install("dash", &[], &[("CONTAINERD_ADDRESS", "/run/none"), ("DOCKER_HOST", "unix:///run/none")]);
    assert!(!status);
    assert!(said.contains("containerd: is not running: ctr: "), "{said}");
    assert!(said.contains("Docker: is not running: "), "{said}");
    assert!(said.contains(&format!("Podman: {NAME} is installed")), "{said}");
    assert_eq!(said.lines().count(), 3, "{said}");
}

/// Whether it succeeded in `shell`, and all that it said.
fn install(shell: &str, arguments: &[&str], environment: &[(&str, &str)]) -> (bool, String) {
    let mut sh = Command::new(shell);
    sh.args((shell == "busybox").then_some("sh"))
        .arg("dist/pause-install.sh")
        .args(arguments)
        .envs(environment.iter().copied())
        .current_dir(root());
    let output = sh.output().expect("the shell runs");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}
