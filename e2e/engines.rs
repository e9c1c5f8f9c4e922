//! Starts the engines, and runs their clients.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Mutex, Once, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

#[path = "../tests/it/skip.rs"]
pub mod skip;

use self::skip::{has, is_installed};

/// The name that images have by default.
pub const NAME: &str = concat!("localhost/pause:", env!("CARGO_PKG_VERSION"));
/// Images of Debian's busybox, and of that with nginx and ipcmk.
pub const BUSYBOX: &str = "localhost/busybox:1";
pub const NGINX: &str = "localhost/nginx:1";

/// What those are made of.
const APPLICATIONS: &[&str] = &["busybox", "ipcmk", "nginx"];

/// Whether these programs are installed; a skip if not. Where they are, those that are engines run until the tests end,
/// with images of applications, and dist/ has ours.
pub fn ready(programs: &[&str]) -> bool {
    let config =
        "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\"]\nsandbox_image = \"registry.k8s.io/pause:3.6\"\n";
    ready_with(config, programs)
}

/// The same, with this configuration of containerd; the first call decides.
pub fn ready_with(containerd: &str, programs: &[&str]) -> bool {
    static READY: Once = Once::new();
    let all = programs.iter().chain(APPLICATIONS).all(|program| has(program));
    if all {
        READY.call_once(|| start_engines(containerd));
    }
    all
}

fn start_engines(containerd: &str) {
    ok("make", &["--silent", "dist", "image"]);
    ok("e2e/images.sh", &[]);
    if is_installed("containerd") {
        fs::write("/etc/containerd/config.toml", containerd).expect("a file");
        start("containerd", &[]);
        until("containerd answers", || run("ctr", &["version"]).is_ok());
    }
    if is_installed("dockerd") {
        start("dockerd", &["--containerd=/run/containerd/containerd.sock", "--add-runtime=crun=/usr/bin/crun"]);
        until("dockerd answers", || run("docker", &["version"]).is_ok());
        ok("docker", &["load", "-i", "dist/pause.tar.gz"]);
        ok("docker", &["import", "/run/busybox.tar", BUSYBOX]);
        ok("docker", &["import", "/run/nginx.tar", NGINX]);
    }
}

/// A file of dist/.
pub fn dist(file: &str) -> PathBuf {
    xtask::root().join("dist").join(file)
}

/// Starts a daemon, which ends with the PID namespace that e2e/isolated.sh makes; its PID. What it says is in /run.
pub fn start(program: &str, arguments: &[&str]) -> u32 {
    let log = fs::File::create(format!("/run/{program}.log")).expect("a file");
    let mut daemon = Command::new(program);
    daemon.args(arguments).stdin(Stdio::null()).stdout(log.try_clone().expect("a file")).stderr(log);
    daemon.spawn().expect("it is installed").id()
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
        let is_this =
            |row: &Value| [&row["engine"], &row["version"], &row["how"]] == [&self.engine, &self.version, &self.how];
        rows.retain(|row| !is_this(row));
        let result = if thread::panicking() { "failed" } else { "passed" };
        rows.push(json!({ "engine": self.engine, "version": self.version, "how": self.how, "result": result }));
        rows.sort_by_key(|row| ["engine", "version", "how"].map(|key| row[key].to_string()));
        let text = serde_json::to_string_pretty(&rows).expect("JSON") + "\n";
        xtask::write(&file, text.as_bytes(), 0o644).expect("docs/ can be written");
    }
}

/// What a program prints on stdout if it succeeds, otherwise all that it says.
pub fn run(program: &str, arguments: &[&str]) -> Result<String, String> {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(xtask::root()).stdin(Stdio::null());
    let output = command.output().map_err(|error| format!("{program}: {error}"))?;
    let [stdout, stderr] = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    match output.status.success() {
        true => Ok(stdout),
        false => Err(format!("{program} {arguments:?}: {}\n{stdout}{stderr}", output.status)),
    }
}

/// Whether a line of what an engine `said` is quoted in `readme`, where containers are called ID.
pub fn has_quoted(readme: &str, said: &str) -> bool {
    let readme = fs::read_to_string(xtask::root().join(readme)).expect("a file");
    let is_id = |word: &str| word.len() == 64 && word.chars().all(|digit| digit.is_ascii_hexdigit());
    said.lines().any(|line| {
        let ids = line.split([':', ' ', '"']).filter(|word| is_id(word));
        let line = ids.fold(line.to_owned(), |line, id| line.replace(id, "ID"));
        readme.lines().filter_map(|quoted| quoted.strip_prefix("    ")).any(|quoted| line.contains(quoted))
    })
}

/// The same, for what must succeed.
pub fn ok(program: &str, arguments: &[&str]) -> String {
    run(program, arguments).unwrap_or_else(|error| panic!("{error}"))
}

/// What a server says on a port of this machine; nothing if there is none.
pub fn get(port: u16) -> String {
    run("busybox", &["wget", "-q", "-O", "-", &format!("http://127.0.0.1:{port}/")]).unwrap_or_default()
}

/// Waits until it is so.
pub fn until(what: &str, so: impl Fn() -> bool) {
    found(what, || so().then_some(()));
}

/// What `look` finds, as soon as it does.
pub fn found<T>(what: &str, look: impl Fn() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "not within 60 s: {what}");
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
