//! Starts the engines and runs their clients. [`compatibility`] records what was run.

pub mod compatibility;
pub mod cost;

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use build::root;
use kit::process::is_ready;
use kit::skip::{does_not_apply, has, is_installed};
use kit::wait::within;
use procfs::process::Process;

/// The default name of our image.
pub const NAME: &str = concat!("localhost/pause:", env!("CARGO_PKG_VERSION"));
/// An image of Debian's busybox, under the name of the image that users pull.
pub const BUSYBOX: &str = "docker.io/library/busybox:latest";
/// The same with ipcmk and nginx, which it runs.
pub const NGINX: &str = "docker.io/library/nginx:latest";
/// Makes `podman import` and `docker import` set the command of that image.
pub const RUNS_NGINX: &str = "--change=CMD [\"nginx\", \"-g\", \"daemon off;\"]";

/// The programs in these images.
const APPLICATIONS: &[&str] = &["busybox", "ipcmk", "nginx"];

/// Whether these programs are installed; a skip if they are not. If they are, all installed engines run until the tests
/// end and have the images of applications, and dist/ has our image.
pub fn ready(programs: &[&str]) -> bool {
    let config =
        "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\"]\nsandbox_image = \"registry.k8s.io/pause:3.6\"\n";
    ready_with(config, programs)
}

/// The same, with this configuration of containerd. Only the first call starts the engines.
pub fn ready_with(containerd: &str, programs: &[&str]) -> bool {
    static READY: Once = Once::new();
    let all = programs.iter().chain(APPLICATIONS).all(|program| has(program));
    if all {
        READY.call_once(|| start_engines(containerd));
    }
    all
}

fn start_engines(containerd: &str) {
    if is_installed("cargo") {
        ok("make", &["--silent", "image"]);
    }
    ok("proof/e2e/images.sh", &[]);
    if is_installed("containerd") {
        fs::write("/etc/containerd/config.toml", containerd).expect("a file");
        start("containerd", &[]).until("containerd answers", || run("ctr", &["version"]).is_ok());
    }
    if is_installed("dockerd") {
        let flags = ["--containerd=/run/containerd/containerd.sock", "--add-runtime=crun=/usr/bin/crun"];
        start("dockerd", &flags).until("dockerd answers", || run("docker", &["version"]).is_ok());
        ok("docker", &["load", "-i", "dist/pause.tar.gz"]);
        ok("docker", &["import", "/run/busybox.tar", BUSYBOX]);
        ok("docker", &["import", RUNS_NGINX, "/run/nginx.tar", NGINX]);
    }
}

/// Whether cargo is installed, which make needs. The machine of `make node` lacks it; its dist/ was made outside.
pub fn has_cargo() -> bool {
    let found = is_installed("cargo");
    if !found {
        does_not_apply("there is no cargo, which make needs");
    }
    found
}

/// A file of dist/.
pub fn dist(file: &str) -> PathBuf {
    root().join("dist").join(file)
}

/// A daemon that a test has started. It goes on when this is dropped.
pub struct Daemon {
    child: Mutex<Child>,
    log: String,
}

/// Starts a daemon, which ends with the PID namespace that proof/e2e/isolated.sh makes. Its log is a file in /run.
pub fn start(program: &str, arguments: &[&str]) -> Daemon {
    static STARTED: AtomicU32 = AtomicU32::new(0);
    let log = format!("/run/{program}-{}.log", STARTED.fetch_add(1, Ordering::Relaxed));
    let file = fs::File::create(&log).expect("a file");
    let mut daemon = Command::new(program);
    daemon.args(arguments).current_dir(root()).stdin(Stdio::null());
    daemon.stdout(file.try_clone().expect("a file")).stderr(file);
    Daemon { child: Mutex::new(daemon.spawn().expect("it is installed")), log }
}

impl Daemon {
    /// Its PID; that of nsenter, if the daemon is on a node.
    pub fn pid(&self) -> u32 {
        self.child().id()
    }

    /// All that it has said.
    pub fn said(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).expect("its log")).into_owned()
    }

    /// Waits until `so` is true, as [`until`] does, but no longer than the daemon runs.
    pub fn until(&self, what: &str, so: impl Fn() -> bool) {
        self.found(what, || so().then_some(()));
    }

    /// The same for [`found`].
    pub fn found<T>(&self, what: &str, look: impl Fn() -> Option<T>) -> T {
        found(what, || {
            let runs = self.end().is_none(); // asked first, because what it did last counts
            let found = look();
            if found.is_none() && !runs {
                self.must_run(what);
            }
            found
        })
    }

    /// Panics with its last words if it has ended, and so `what` will not come true.
    pub fn must_run(&self, what: &str) {
        if let Some(status) = self.end() {
            let said = self.said();
            let lines: Vec<&str> = said.lines().collect();
            let last = lines[lines.len().saturating_sub(20)..].join("\n");
            panic!("not so: {what}: the daemon has ended, {status}; the end of {}:\n{last}", self.log);
        }
    }

    /// Ends what nsenter has started, by SIGTERM, and waits until it is gone.
    pub fn stop(self) {
        let children = format!("/proc/{0}/task/{0}/children", self.pid());
        let pid = self.found("nsenter has started it", || {
            fs::read_to_string(&children).ok().map(|pid| pid.trim().to_owned()).filter(|pid| !pid.is_empty())
        });
        ok("kill", &[&pid]);
        until("it is gone", || self.end().is_some());
    }

    /// Kills it.
    pub fn kill(&self) {
        let mut child = self.child();
        _ = child.kill();
        _ = child.wait();
    }

    fn end(&self) -> Option<ExitStatus> {
        self.child().try_wait().expect("its status")
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs a program. Returns what it prints on stdout if it succeeds, otherwise all its output.
pub fn run(program: &str, arguments: &[&str]) -> Result<String, String> {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root()).stdin(Stdio::null());
    let output = command.output().map_err(|error| format!("{program}: {error}"))?;
    let [stdout, stderr] = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    match output.status.success() {
        true => Ok(stdout),
        false => Err(format!("{program} {arguments:?}: {}\n{stdout}{stderr}", output.status)),
    }
}

/// Whether `readme` quotes a line of what an engine `said`, with ID in place of the container's ID.
pub fn has_quoted(readme: &str, said: &str) -> bool {
    let readme = fs::read_to_string(root().join(readme)).expect("a file");
    let is_id = |word: &str| word.len() == 64 && word.chars().all(|digit| digit.is_ascii_hexdigit());
    said.lines().any(|line| {
        let ids = line.split([':', ' ', '"']).filter(|word| is_id(word));
        let line = ids.fold(line.to_owned(), |line, id| line.replace(id, "ID"));
        readme.lines().filter_map(|quoted| quoted.strip_prefix("    ")).any(|quoted| line.contains(quoted))
    })
}

/// The same as [`run`], for a program that must succeed.
pub fn ok(program: &str, arguments: &[&str]) -> String {
    run(program, arguments).unwrap_or_else(|error| panic!("{error}"))
}

/// docs/pod-by-hand.md.
pub fn by_hand() -> String {
    fs::read_to_string(root().join("docs/pod-by-hand.md")).expect("a file")
}

/// What `ps` shows in a pod of Kubernetes, as docs/pod-by-hand.md prints it, normalized.
pub fn processes_of_a_pod() -> String {
    let page = by_hand();
    let printed = kit::markdown::blocks(&page).into_iter().find(|block| block.language == "text");
    normalized(&printed.expect("a block of text").lines.join("\n"))
}

/// `printed` without what differs from run to run: IDs, PIDs other than 1, and repeated lines of equal processes.
pub fn normalized(printed: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in printed.lines() {
        let is_id = |word: &str| word.len() == 64 && word.chars().all(|digit| digit.is_ascii_hexdigit());
        let is_pid = |word: &str| line.starts_with(' ') && word != "1" && word.parse::<u32>().is_ok();
        let words = line.split_whitespace().enumerate().map(|(index, word)| match word {
            id if is_id(id) => "ID",
            pid if index == 0 && is_pid(pid) => "PID",
            // In the column STAT, N says that these tests, and so the engines, were started by nice.
            "SN" | "ZN" | "RN" if index == 1 => &word[..1],
            word => word,
        });
        lines.push(words.collect::<Vec<_>>().join(" "));
    }
    lines.dedup_by(|next, line| next == line && line.starts_with("PID "));
    lines.join("\n")
}

/// Whether pause runs under this PID and has its handlers. (Before that, the runtime's own process has this PID.)
pub fn pause_is_ready(pid: &str) -> bool {
    let process = pid.trim().parse().ok().and_then(|pid| Process::new(pid).ok());
    process.is_some_and(|process| {
        process.exe().is_ok_and(|program| program.ends_with("pause"))
            && process.status().is_ok_and(|status| is_ready(&status))
    })
}

/// What a server on a port of this machine answers; empty if there is none.
pub fn get(port: u16) -> String {
    run("busybox", &["wget", "-q", "-O", "-", &format!("http://127.0.0.1:{port}/")]).unwrap_or_default()
}

/// Waits until `so` is true.
pub fn until(what: &str, so: impl Fn() -> bool) {
    found(what, || so().then_some(()));
}

/// Waits until `look` finds something, and returns it.
pub fn found<T>(what: &str, look: impl Fn() -> Option<T>) -> T {
    within(patience(), what, look)
}

/// The seconds after which what has not happened will not happen.
pub fn patience() -> u64 {
    if is_emulated() { 600 } else { 60 }
}

/// Whether this machine is QEMU, like that of `make node`.
pub fn is_emulated() -> bool {
    fs::read_to_string("/sys/class/dmi/id/sys_vendor").is_ok_and(|vendor| vendor.trim() == "QEMU")
}

/// The digest of `name` in digests.txt.
pub fn digest(name: &str) -> String {
    let digests = fs::read_to_string(root().join("digests.txt")).expect("digests.txt");
    let line = digests.lines().find_map(|line| line.strip_suffix(name)?.strip_suffix("  "));
    format!("sha256:{}", line.expect("a line of digests.txt"))
}
