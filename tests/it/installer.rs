//! Tests of the installer that need no engine: what it contains and what it refuses. proof/e2e contains the rest.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use build::root;
use kit::process::{End, command, run};
use kit::skip::{has, skip};
use nix::unistd::geteuid;
use tempfile::TempDir;
use xtask::dist;

use crate::image::built;

const SHELLS: [&[&str]; 3] = [&["dash"], &["busybox", "sh"], &["bash"]];

/// Checks also that no line exceeds the 4,095 characters that a terminal accepts (termios(3)).
#[test]
fn it_is_small_and_fits_into_a_terminal() {
    assert!(built("pause-install.sh.gz").len() <= 20_000);
    assert!(script().lines().all(|line| line.len() < 4096));
    assert!(script().is_ascii());
}

/// Runs the command in deploy/cloud-init/README.md with an installer for two platforms. AWS limits user data to 16,384
/// bytes.
#[test]
fn as_user_data_for_cloud_init_it_is_small_enough_for_aws() {
    let folder = tempfile::tempdir().expect("a folder");
    let two = dist::image("linux/amd64,linux/arm64").expect("it builds");
    let two = dist::bytes_of(&two, "pause-install.sh.gz").expect("a file");
    fs::write(folder.path().join("pause-install.sh.gz"), two).expect("a file");
    let deploy = root().join("deploy/cloud-init");
    fs::copy(deploy.join("user-data.yaml"), folder.path().join("user-data.yaml")).expect("a file");
    let readme = fs::read_to_string(deploy.join("README.md")).expect("a file");
    let made = readme.lines().find_map(|line| line.strip_prefix("    ")).expect("a command");
    let mut made = command(["sh", "-euc", made]);
    made.current_dir(folder.path());
    assert_eq!(run(made), End::silent(0));
    let size = fs::metadata(folder.path().join("user-data.gz")).expect("a file").len();
    assert!(size <= 16_384, "{size} bytes");
}

/// Checks that the script contains all comments, because administrators read what root will run.
#[test]
fn the_compressed_script_is_the_script() {
    let folder = tempfile::tempdir().expect("a folder");
    let compressed = folder.path().join("pause-install.sh.gz");
    fs::write(&compressed, built("pause-install.sh.gz")).expect("a file");
    let unpacked = run(command(["gzip", "-dc", compressed.to_str().expect("UTF-8")]));
    assert_eq!(unpacked.stdout, script());
    for part in ["main", "trust", "engines/containerd"] {
        let part = fs::read_to_string(root().join("installer").join(part).with_extension("sh")).expect("a file");
        assert!(script().contains(&part), "comments included");
    }
}

const CONFLICT: &str = "conflicting options; see --help";

#[test]
fn each_mistake_is_one_line() {
    let folder = Folder::new();
    for (arguments, line) in [
        (&["--bogus"][..], "unknown option --bogus; see --help"),
        (&["--as"], "--as needs a value; see --help"),
        (&["--as", "UPPER:1"], "not the name of an image: UPPER:1"),
        (&["--as", "a b:1"], "not the name of an image: a b:1"),
        (&["--as", "a|b:1"], "not the name of an image: a|b:1"),
        (&["--as", ""], "--as needs a value; see --help"),
        (&["--as", "-x"], "not the name of an image: -x"),
        (&["--as", "a:"], "not the name of an image: a:"),
        (&["--as", "a//b:1"], "not the name of an image: a//b:1"),
        (&["--as", "a:b:1"], "not the name of an image: a:b:1"),
        (&["--as", "a\nb:1"], "not the name of an image: a\nb:1"),
        (&["--as", "registry.example/a:1\nb"], "not the name of an image: registry.example/a:1\nb"),
        (&["--as", "a:1", "--as", "a@b@sha256:0"], "not the name of an image: a@b@sha256:0"),
        (&["--engine"], "--engine needs a value; see --help"),
        (&["--wait"], "--wait needs a value; see --help"),
        (&["--wait", "1m"], "not a number of seconds: 1m"),
        (&["--wait", "09"], "not a number of seconds: 09"),
        (&["--wait", "-1"], "not a number of seconds: -1"),
        (&["--wait", "1000000"], "not a number of seconds: 1000000"),
        (&["--remove", "--check"], CONFLICT),
        (&["--remove", "--as", "a:1"], CONFLICT),
        (&["--at-boot", "--remove"], CONFLICT),
        (&["--remove", "--wait", "1"], CONFLICT),
        (&["--check", "--at-boot"], CONFLICT),
        (&["--check", "--as", "a:1", "--wait", "1"], CONFLICT),
        (&["--engine", "Docker"], "unknown engine Docker; see --help"),
        (&["--engine", "containerd k3s"], "unknown engine containerd k3s; see --help"),
        (&["--engine", ""], "--engine needs a value; see --help"),
        (&["--socket", "/run/a.sock"], "--socket and --config need --engine"),
        (&["--config", "/etc/a.toml"], "--socket and --config need --engine"),
        (&["--socket", "a.sock"], "--socket needs an absolute path without unusual characters: a.sock"),
        (&["--config", "/a b"], "--config needs an absolute path without unusual characters: /a b"),
        (&["--config", "/a%h"], "--config needs an absolute path without unusual characters: /a%h"),
    ] {
        folder.refuses(&[], arguments, line);
    }
}

#[test]
fn not_root() {
    if is_root() && has("setpriv") {
        Folder::new().refuses(&["setpriv", "--reuid=65534", "--clear-groups"], &[], "run this as root");
    }
}

#[test]
fn damaged_payload() {
    if is_root() {
        let folder = Folder::new();
        fs::write(folder.installer(), script().replacen("H4sI", "H4sJ", 1)).expect("a file");
        folder.refuses(&[], &[], "this file is damaged: get it again");
        let (before, _) = script().split_once("H4sI").expect("a payload");
        fs::write(folder.installer(), format!("{before}END\n}}\nmain\n}}")).expect("a file");
        folder.refuses(&[], &[], "this file is damaged: get it again");
    }
}

/// Simulates an interrupted paste or transfer: the whole script would refuse the option, but a part of it does not get
/// that far. (If only line 1 arrived, a shell cannot know that something is missing.)
#[test]
fn nothing_runs_of_a_script_that_was_cut_off() {
    let folder = Folder::new();
    let script = script();
    let after_lines = script.match_indices('\n').map(|(at, _)| at + 1).skip(1);
    let cuts = after_lines.map(|length| (length, &SHELLS[..1]));
    for (length, shells) in cuts.chain((script.len() - 80..script.len()).map(|length| (length, &SHELLS[..]))) {
        fs::write(folder.installer(), &script[..length]).expect("a file");
        for shell in shells.iter().filter(|shell| has(shell[0])) {
            let said = folder.run(shell, &[], &["--bogus"]);
            assert!(!said.stderr.contains("pause-install:"), "{length} bytes: {said:?}");
            assert!(said.stdout.is_empty() && said.code != Some(0), "{length} bytes: {said:?}");
        }
    }
    // A pasted script may have one more newline.
    for end in ["", "\n"] {
        fs::write(folder.installer(), script.to_owned() + end).expect("a file");
        folder.refuses(&[], &["--bogus"], "unknown option --bogus; see --help");
    }
}

/// A directory that contains only the installer.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let folder = tempfile::Builder::new().permissions(mode(0o755)).tempdir().expect("a folder");
        let folder = Self(folder);
        fs::write(folder.installer(), script()).expect("a file");
        folder
    }

    fn installer(&self) -> PathBuf {
        self.0.path().join("pause-install.sh")
    }

    fn run(&self, shell: &[&str], wrapper: &[&str], arguments: &[&str]) -> End {
        let mut start: Command = command(wrapper.iter().chain(shell));
        start.arg(self.installer()).args(arguments);
        start.env("TMPDIR", self.0.path());
        run(start)
    }

    /// Checks that the installer prints `line` in each shell, exits with 1, and leaves nothing behind.
    fn refuses(&self, wrapper: &[&str], arguments: &[&str], line: &str) {
        for shell in SHELLS {
            if has(shell[0]) {
                let said = self.run(shell, wrapper, arguments);
                assert_eq!(said, End::saying(1, &format!("pause-install: {line}\n")), "{shell:?} {arguments:?}");
            }
        }
        assert_eq!(fs::read_dir(self.0.path()).expect("a folder").count(), 1, "the installer");
    }
}

fn is_root() -> bool {
    if !geteuid().is_root() {
        skip("not root");
    }
    geteuid().is_root()
}

fn script() -> &'static str {
    str::from_utf8(built("pause-install.sh")).expect("text")
}

fn mode(mode: u32) -> fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(mode)
}
