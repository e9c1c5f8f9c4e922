//! The installer for nodes, as far as no engine is needed: what it is made of and what it refuses. e2e/ has the rest.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use kit::process::{End, command, run};
use kit::skip::{has, skip};
use nix::unistd::geteuid;
use tempfile::TempDir;

const SHELLS: [&[&str]; 2] = [&["dash"], &["busybox", "sh"]];

#[test]
fn it_fits_into_user_data_and_into_a_terminal() {
    let script = script();
    assert!(script.len() <= 16_384, "{}", script.len());
    assert!(script.lines().all(|line| line.len() < 4096));
    assert!(script.is_ascii());
}

#[test]
fn shellcheck_finds_nothing() {
    if has("shellcheck") {
        let node = Node::new();
        let found = run(command(["shellcheck".into(), node.installer()]));
        assert_eq!(found, End::silent(0));
    }
}

#[test]
fn each_mistake_is_one_line() {
    let node = Node::new();
    for (arguments, line) in [
        (&["--bogus"][..], "unknown option --bogus; see --help"),
        (&["--as"], "--as needs a name"),
        (&["--as", "UPPER:1"], "not the name of an image: UPPER:1"),
        (&["--as", "a b:1"], "not the name of an image: a b:1"),
        (&["--as", "a|b:1"], "not the name of an image: a|b:1"),
        (&["--as", "a@sha256:0"], "not the name of an image: a@sha256:0"),
        (&["--as", "no-tag"], "write the tag out: no-tag:TAG"),
    ] {
        node.refuses(&[], arguments, line);
    }
}

#[test]
fn no_engine() {
    if is_root() {
        let line = "no engine is found: none of ctr, k3s, crio, docker, podman is in PATH";
        Node::new().refuses(&[], &[], line);
        Node::new().refuses(&[], &["--check"], line);
        Node::new().refuses(&[], &["--as", "registry.example:5000/pause:RC_1"], line);
    }
}

#[test]
fn not_root() {
    if is_root() && has("setpriv") {
        Node::new().refuses(&["setpriv", "--reuid=65534", "--clear-groups"], &[], "run this as root");
    }
}

#[test]
fn unsupported_architecture() {
    if is_root() && cfg!(target_arch = "x86_64") {
        Node::new().refuses(&["setarch", "i686"], &[], "pause is not made for this architecture: i686");
    }
}

#[test]
fn damaged_payload() {
    if is_root() {
        let node = Node::new();
        fs::write(node.installer(), script().replacen("H4sI", "H4sJ", 1)).expect("a file");
        node.refuses(&[], &[], "this file is damaged: get it again");
        let (before, _) = script().split_once("H4sI").expect("a payload");
        fs::write(node.installer(), format!("{before}END\n}}\nmain\n")).expect("a file");
        node.refuses(&[], &[], "this file is damaged: get it again");
    }
}

/// An interrupted paste or transfer: whole, it would refuse the option; in part, it does not come that far.
#[test]
fn nothing_runs_before_the_last_line() {
    let node = Node::new();
    let script = script();
    let lines: Vec<&str> = script.split_inclusive('\n').collect();
    for length in 0..lines.len() {
        fs::write(node.installer(), lines[..length].concat()).expect("a file");
        let said = node.run(&["dash"], &[], &["--bogus"]);
        assert!(!said.stderr.contains("pause-install:"), "{length} lines: {said:?}");
        assert_eq!(said.stdout, "", "{length} lines");
    }
}

/// A machine with the installer and the tools that it uses, and no engine.
struct Node(TempDir);

impl Node {
    fn new() -> Self {
        let folder = tempfile::Builder::new().permissions(mode(0o755)).tempdir().expect("a folder");
        let node = Self(folder);
        fs::create_dir(node.0.path().join("bin")).expect("a folder");
        let tools = ["base64", "busybox", "cat", "cp", "dash", "grep", "gzip", "head", "id", "mkdir", "mktemp", "rm"];
        for tool in tools.into_iter().chain(["sed", "setarch", "setpriv", "sha256sum", "tar", "uname"]) {
            let found = std::env::var("PATH").expect("a path");
            let found = found.split(':').map(|path| PathBuf::from(path).join(tool)).find(|path| path.exists());
            if let Some(found) = found {
                symlink(found, node.0.path().join("bin").join(tool)).expect("a link");
            }
        }
        fs::write(node.installer(), script()).expect("a file");
        node
    }

    fn installer(&self) -> PathBuf {
        self.0.path().join("pause-install.sh")
    }

    fn run(&self, shell: &[&str], wrapper: &[&str], arguments: &[&str]) -> End {
        let mut start: Command = command(wrapper.iter().chain(shell));
        start.arg(self.installer()).args(arguments);
        start.env("PATH", self.0.path().join("bin")).env("TMPDIR", self.0.path());
        run(start)
    }

    /// That it says `line` and ends with 1, in each shell, and leaves nothing.
    fn refuses(&self, wrapper: &[&str], arguments: &[&str], line: &str) {
        for shell in SHELLS {
            if has(shell[0]) {
                let said = self.run(shell, wrapper, arguments);
                assert_eq!(said, End::saying(1, &format!("pause-install: {line}\n")), "{shell:?} {arguments:?}");
            }
        }
        assert_eq!(fs::read_dir(self.0.path()).expect("a folder").count(), 2, "the tools and the installer");
    }
}

fn is_root() -> bool {
    if !geteuid().is_root() {
        skip("not root");
    }
    geteuid().is_root()
}

fn script() -> &'static str {
    static BUILT: LazyLock<String> = LazyLock::new(|| xtask::image::installer_as_named().expect("it builds"));
    &BUILT
}

fn mode(mode: u32) -> fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(mode)
}
