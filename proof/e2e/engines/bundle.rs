//! pause as an OCI runtime bundle, as engines run it that cannot be installed here.

use std::fs;
use std::process::{Command, Stdio};

use build::root;
use kit::messages::{TERMINATED, VERSION};
use kit::skip::{does_not_apply, is_installed};
use serde_json::{Value, json};
use shared::compatibility::Row;
use shared::documents::has_quoted;
use shared::{dist, ok, pause_is_ready, ready, run, until};

const TOOLS: &[&str] = &["runc", "skopeo", "umoci"];

/// Checks what deploy/crio/README.md quotes of CRI-O's runtime when something is wrong.
#[test]
fn what_goes_wrong_is_what_the_readme_quotes() {
    if !ready(TOOLS) {
        return;
    }
    let bundle = unpacked("wrong");
    let said = || run("runc", &["run", "--bundle", &bundle, "wrong"]).expect_err("it cannot");
    configure(&bundle, 0, &["/nope"]);
    assert!(has_quoted("deploy/crio/README.md", &said()), "{}", said());
    configure(&bundle, 0, &["/pause"]);
    fs::copy(dist("pause-s390x"), format!("{bundle}/rootfs/pause")).expect("a file");
    assert!(has_quoted("deploy/crio/README.md", &said()), "{}", said());
}

#[test]
fn as_kubeadm_runs_it() {
    if !ready(TOOLS) {
        return;
    }
    let _row = row("as kubeadm runs it");
    let bundle = unpacked("kubeadm");
    configure(&bundle, 999, &["/pause", "-v"]);
    assert_eq!(ok("runc", &["run", "--bundle", &bundle, "kubeadm"]), VERSION);
}

/// Runs pause in gVisor, which answers system calls itself. Debian's build sometimes panics, with any image, when a
/// program executes another one or writes to a pipe. So only pause runs here, and the test checks only its exit status.
#[test]
fn in_gvisor() {
    if !ready(TOOLS) {
        return;
    }
    if !is_installed("runsc") {
        return does_not_apply("gVisor is not installed; it is in the machine of make node");
    }
    let _row = Row::new("gVisor", &ok("runsc", &["--version"]), "a bundle, started and stopped");
    let bundle = unpacked("gvisor");
    configure(&bundle, 65535, &["/pause"]);
    let trace = "/run/gvisor-trace/";
    let debug_log = format!("--debug-log={trace}");
    let mut pause = Command::new("runsc");
    pause.args(["--network=none", "--debug", "--strace", &debug_log, "run", "--bundle", &bundle, "gvisor"]);
    pause.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut pause = pause.spawn().expect("runsc runs");
    // /proc does not show it, and SIGTERM kills it before it has installed its handlers: gVisor does not spare PID 1.
    until("it calls pause", || run("grep", &["-rqs", "pause E pause()", trace]).is_ok());
    ok("runsc", &["--network=none", "kill", "gvisor", "TERM"]);
    assert_eq!(pause.wait().expect("its status").code(), Some(0));
}

/// Checks that Kata runs the bundle that the commands in deploy/kata/README.md unpack.
#[test]
fn as_kata_runs_it() {
    if !ready(TOOLS) {
        return;
    }
    let _row = row("as Kata runs it");
    let bundle = unpacked("kata");
    let config = configure(&bundle, 65535, &["/pause"]);
    assert_eq!(config["process"]["args"], json!(["/pause"]));
    assert_eq!(config["process"]["user"]["uid"], 65535);
    stops("kata", &bundle);
}

fn row(how: &str) -> Row {
    Row::new("runc", &ok("runc", &["--version"]), how)
}

/// Unpacks the bundle into a directory for `name`, with the commands in deploy/kata/README.md. Returns its path.
fn unpacked(name: &str) -> String {
    let folder = format!("/run/{name}");
    let commands = fs::read_to_string(root().join("deploy/kata/README.md")).expect("a file");
    let commands: Vec<&str> = commands.lines().filter_map(|line| line.strip_prefix("    ")).collect();
    assert_eq!(commands.len(), 3, "{commands:?}");
    fs::create_dir(&folder).expect("a folder");
    fs::copy(dist("pause.tar"), format!("{folder}/pause.tar")).expect("a file");
    ok("sh", &["-euc", &format!("cd {folder}\n{}", commands.join("\n"))]);
    format!("{folder}/pause_bundle")
}

/// Sets the user and the command of the bundle, and that it has no terminal. Returns the old configuration.
fn configure(bundle: &str, id: u32, args: &[&str]) -> Value {
    let file = format!("{bundle}/config.json");
    let old: Value = serde_json::from_slice(&fs::read(&file).expect("a file")).expect("JSON");
    let mut new = old.clone();
    new["process"]["terminal"] = json!(false);
    new["process"]["user"] = json!({ "uid": id, "gid": id });
    new["process"]["args"] = json!(args);
    // `umoci unpack --rootless` configures a user namespace with only this user; engines use the host's.
    new["linux"]["uidMappings"] = json!([]);
    new["linux"]["gidMappings"] = json!([]);
    new["linux"]["namespaces"].as_array_mut().expect("a list").retain(|namespace| namespace["type"] != "user");
    fs::write(&file, new.to_string()).expect("a file");
    old
}

/// Runs the bundle, and stops it once pause has installed its handlers.
fn stops(name: &str, bundle: &str) {
    let mut runc = Command::new("runc");
    runc.args(["run", "--bundle", bundle, name]).stdin(Stdio::null()).stderr(Stdio::piped());
    let runc = runc.spawn().expect("runc runs");
    until("its handlers are installed", || {
        let state: Value = serde_json::from_str(&run("runc", &["state", name]).unwrap_or_default()).unwrap_or_default();
        pause_is_ready(&state["pid"].to_string())
    });
    ok("runc", &["kill", name, "TERM"]);
    let end = runc.wait_with_output().expect("it ends");
    assert_eq!((end.status.code(), String::from_utf8_lossy(&end.stderr).as_ref()), (Some(0), TERMINATED));
}
