//! Starts the engines, and runs their clients.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// The name that images have by default.
pub const NAME: &str = concat!("localhost/pause:", env!("CARGO_PKG_VERSION"));
/// An image of Debian's busybox, for a second container.
pub const BUSYBOX: &str = "localhost/busybox:1";

/// containerd and Docker, which run until the tests end, and dist/, once they are there.
pub fn ready() -> &'static Path {
    static READY: LazyLock<PathBuf> = LazyLock::new(|| {
        let config =
            "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\"]\nsandbox_image = \"registry.k8s.io/pause:3.6\"\n";
        fs::write("/etc/containerd/config.toml", config).expect("a file");
        // For a machine without CAP_SYS_RESOURCE and systemd, whose two versions of cgroups crun does not take.
        let config = "[containers]\ndefault_ulimits = [\"nofile=1024:1024\", \"nproc=1024:1024\"]\n\
                      [engine]\nruntime = \"runc\"\ncgroup_manager = \"cgroupfs\"\nevents_logger = \"file\"\n";
        fs::write("/run/containers.conf", config).expect("a file");
        start("containerd", &[]);
        until("containerd answers", || run("ctr", &["version"]).is_ok());
        start("dockerd", &["--bridge=none", "--iptables=false", "--containerd=/run/containerd/containerd.sock"]);
        until("dockerd answers", || run("docker", &["version"]).is_ok());
        run("make", &["--silent", "dist", "image"]).expect("the image");
        fs::create_dir_all("/run/busybox/bin").expect("a folder");
        fs::copy("/bin/busybox", "/run/busybox/bin/busybox").expect("busybox-static");
        run("tar", &["-cf", "/run/busybox.tar", "-C", "/run/busybox", "."]).expect("a tar");
        run("docker", &["import", "/run/busybox.tar", BUSYBOX]).expect("an image");
        xtask::root().join("dist")
    });
    &READY
}

/// Starts a daemon; what it says is in /run.
#[expect(clippy::zombie_processes, reason = "it ends with the PID namespace that e2e/isolated.sh makes")]
pub fn start(program: &str, arguments: &[&str]) {
    let log = fs::File::create(format!("/run/{program}.log")).expect("a file");
    let mut daemon = Command::new(program);
    daemon.args(arguments).stdin(Stdio::null()).stdout(log.try_clone().expect("a file")).stderr(log);
    daemon.spawn().expect("it is installed");
}

/// A row of the compatibility table: what a test that holds this has run, and whether it passed.
pub struct Row {
    engine: String,
    version: String,
    how: String,
}

impl Row {
    /// `version` is a text that has the engine's version in it, as the engine prints it.
    pub fn new(engine: &str, version: &str, how: &str) -> Self {
        let version = version.split([' ', '\n', '"', ',']).find(|word| word.contains('.') && word.contains(DIGITS));
        let version = version.expect("a version").trim_start_matches('v').to_owned();
        Self { engine: engine.to_owned(), version, how: how.to_owned() }
    }
}

const DIGITS: [char; 10] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'];

impl Drop for Row {
    fn drop(&mut self) {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _held = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let file = xtask::root().join("docs/compatibility.json");
        let old = fs::read(&file).ok().and_then(|old| serde_json::from_slice(&old).ok());
        let mut rows: Vec<Value> = old.unwrap_or_default();
        rows.retain(|row| row["engine"] != self.engine || row["how"] != self.how);
        let result = if thread::panicking() { "failed" } else { "passed" };
        rows.push(json!({ "engine": self.engine, "version": self.version, "how": self.how, "result": result }));
        rows.sort_by_key(|row| row["engine"].to_string() + &row["how"].to_string());
        let text = serde_json::to_string_pretty(&rows).expect("JSON") + "\n";
        xtask::write(&file, text.as_bytes(), 0o644).expect("docs/ can be written");
    }
}

/// What a program prints on stdout if it succeeds, otherwise all that it says.
pub fn run(program: &str, arguments: &[&str]) -> Result<String, String> {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(xtask::root())
        .stdin(Stdio::null())
        .env("CONTAINERS_CONF", "/run/containers.conf");
    let output = command.output().map_err(|error| format!("{program}: {error}"))?;
    let [stdout, stderr] = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    match output.status.success() {
        true => Ok(stdout),
        false => Err(format!("{program} {arguments:?}: {}\n{stdout}{stderr}", output.status)),
    }
}

/// The same, for what must succeed.
pub fn ok(program: &str, arguments: &[&str]) -> String {
    run(program, arguments).unwrap_or_else(|error| panic!("{error}"))
}

/// Waits until it is so.
pub fn until(what: &str, so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !so() {
        assert!(Instant::now() < deadline, "not within 30 s: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// The digest of digests.txt for `name`.
pub fn digest(name: &str) -> String {
    let digests = fs::read_to_string(xtask::root().join("digests.txt")).expect("digests.txt");
    let line = digests.lines().find_map(|line| line.strip_suffix(name)?.strip_suffix("  "));
    format!("sha256:{}", line.expect("a line of digests.txt"))
}

/// Run in a pod that shares its PID namespace: 100 orphans, all reaped by a PID 1 that is /pause.
pub const ORPHANS: &str = r#"
    [ "$(/bin/busybox tr -d '\0' </proc/1/cmdline)" = /pause ] || exit 1
    i=0
    while [ $i -lt 100 ]; do (/bin/busybox true &); i=$((i + 1)); done
    i=0
    while /bin/busybox grep -q ') Z 1 ' /proc/[0-9]*/stat 2>/dev/null; do
        i=$((i + 1))
        [ $i -lt 500 ] || exit 2
        /bin/busybox usleep 10000
    done
    echo reaped"#;
