//! cgroups, v1 or v2. Sources: cgroup-v2.rst and cgroup-v1/*.rst in the kernel's admin guide.

use std::fs;
use std::io::{self, ErrorKind, Read};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::exit;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard};
use std::thread;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use signal_hook::consts::{SIGINT, SIGTERM};

use crate::skip::skip;
use crate::wait::within_10_s;

/// The controllers that a pod uses.
const OF_A_POD: &[&str] = &["cpu", "freezer", "memory", "pids"];
/// The controller that counts memory.
const OF_MEMORY: &[&str] = &["memory"];

/// The groups of a pod: one for PID 1 and one for the other processes, inside a common one.
pub struct Cgroup {
    /// For PID 1. The inner groups come first, because they must be dropped first.
    pub pid1: Group,
    /// For all other processes.
    pub rest: Group,
    /// The group that contains both.
    pub pod: Group,
}

impl Cgroup {
    /// Creates the groups.
    pub fn new() -> Self {
        let pod = Group::below_the_root(OF_A_POD).expect("a cgroup");
        let [pid1, rest] = ["pid1", "rest"].map(|name| pod.inner(name).expect("a cgroup"));
        Self { pid1, rest, pod }
    }
}

impl Default for Cgroup {
    fn default() -> Self {
        Self::new()
    }
}

/// One group: in v2, or the same path in the hierarchies of several v1 controllers. Dropping it kills its processes and
/// removes it.
pub struct Group {
    /// Relative to the root of the hierarchy.
    path: String,
    controllers: &'static [&'static str],
}

/// The memory of a group, in bytes.
#[derive(Clone, Copy)]
pub struct Memory {
    /// The total.
    pub all: u64,
    /// The part that the kernel itself uses.
    pub kernel: u64,
}

/// Keeps this program in a group. Dropping it moves the program back.
pub struct Inside(PathBuf);

impl Group {
    /// Creates a group that counts memory and uses no other controller.
    pub fn of_memory() -> io::Result<Self> {
        Self::below_the_root(OF_MEMORY)
    }

    fn below_the_root(controllers: &'static [&'static str]) -> io::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        delegate("", controllers)?;
        Self::new(format!("{}{}", prefix(), COUNT.fetch_add(1, Relaxed)), controllers)
    }

    /// Creates a group inside this one.
    pub fn inner(&self, name: &str) -> io::Result<Self> {
        delegate(&self.path, self.controllers)?;
        Self::new(format!("{}/{name}", self.path), self.controllers)
    }

    fn new(path: String, controllers: &'static [&'static str]) -> io::Result<Self> {
        let _not_while_all_go = lock();
        for folder in folders(&path, controllers) {
            fs::create_dir(&folder)?;
        }
        Ok(Self { path, controllers })
    }

    /// Moves a process here.
    pub fn admit(&self, pid: i32) {
        for folder in folders(&self.path, self.controllers) {
            write(&folder.join("cgroup.procs"), &pid.to_string());
        }
    }

    /// Returns the file to which a process writes 0 to move itself into the group's memory controller.
    pub fn memory_procs(&self) -> PathBuf {
        self.file("memory", "cgroup.procs")
    }

    /// Moves this program into the group's memory controller until the returned value is dropped.
    pub fn enter_memory(&self) -> Inside {
        let now = memory_folder_of(Path::new("/proc/self")).join("cgroup.procs");
        write(&self.memory_procs(), "0");
        Inside(now)
    }

    /// Limits the number of tasks in the group, including zombies, to `count`.
    pub fn limit_pids(&self, count: u32) {
        write(&self.file("pids", "pids.max"), &count.to_string());
    }

    /// Limits the memory of the group, including the kernel's, and allows no swap.
    pub fn limit_memory(&self, bytes: u64) {
        let bytes = bytes.to_string();
        if is_v2() {
            write(&self.file("memory", "memory.max"), &bytes);
            write_if_there(&self.file("memory", "memory.swap.max"), "0");
        } else {
            write(&self.file("memory", "memory.limit_in_bytes"), &bytes);
            write_if_there(&self.file("memory", "memory.memsw.limit_in_bytes"), &bytes);
        }
    }

    /// Returns the memory that cannot be reclaimed.
    pub fn memory_in_use(&self) -> Memory {
        in_use(&folder("memory", &self.path))
    }

    /// Sets the smallest CPU quota: 1 ms per second.
    pub fn least_quota(&self) {
        if is_v2() {
            write(&self.file("cpu", "cpu.max"), "1000 1000000");
        } else {
            write(&self.file("cpu", "cpu.cfs_period_us"), "1000000");
            write(&self.file("cpu", "cpu.cfs_quota_us"), "1000");
        }
    }

    /// Freezes all processes of the group, without their noticing.
    pub fn freeze(&self) {
        let (file, frozen, done) = match is_v2() {
            true => ("cgroup.freeze", "1", ("cgroup.events", "frozen 1")),
            false => ("freezer.state", "FROZEN", ("freezer.state", "FROZEN")),
        };
        write(&self.file("freezer", file), frozen);
        within_10_s("it is frozen", || read(&self.file("freezer", done.0)).contains(done.1).then_some(()));
    }

    /// Lets all processes of the group continue.
    pub fn thaw(&self) {
        let (file, thawed) = if is_v2() { ("cgroup.freeze", "0") } else { ("freezer.state", "THAWED") };
        write_if_there(&self.file("freezer", file), thawed);
    }

    /// Kills all processes of the group.
    fn kill_all(&self) {
        let procs = folders(&self.path, self.controllers).pop().expect("a hierarchy").join("cgroup.procs");
        within_10_s("all in the cgroup are gone", || {
            let pids = fs::read_to_string(&procs).unwrap_or_default();
            pids.split_whitespace().for_each(kill_one);
            pids.is_empty().then_some(())
        });
    }

    fn remove(&self) {
        self.thaw();
        self.kill_all();
        for folder in folders(&self.path, self.controllers) {
            within_10_s("the cgroup is removed", || match fs::remove_dir(&folder) {
                Err(error) if error.kind() == ErrorKind::ResourceBusy => None,
                _ => Some(()),
            });
        }
    }

    fn file(&self, controller: &str, name: &str) -> PathBuf {
        folder(controller, &self.path).join(name)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.remove();
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        _ = fs::write(&self.0, "0");
    }
}

/// Returns [`Group::memory`] and [`Group::memory_in_use`] of a process's group, whoever created that. `process` is its
/// directory in a /proc.
pub fn memory_of(process: &Path) -> (u64, Memory) {
    let group = memory_folder_of(process);
    (charged(&group), in_use(&group))
}

fn memory_folder_of(process: &Path) -> PathBuf {
    let groups = read(&process.join("cgroup"));
    let of_memory = groups.lines().find_map(|line| {
        let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
        let right = if is_v2() { controllers.is_empty() } else { controllers == "memory" };
        right.then(|| path.trim_start_matches('/'))
    });
    folder("memory", of_memory.expect("a group of memory"))
}

fn charged(group: &Path) -> u64 {
    number(&read(&group.join(if is_v2() { "memory.current" } else { "memory.usage_in_bytes" })))
}

/// Returns the memory in use. The kernel charges memory to a group in batches of 64 pages per CPU; what makes it return
/// unused parts (setting a limit, then none) also drops caches.
fn in_use(group: &Path) -> Memory {
    let kernel = if is_v2() {
        write(&group.join("memory.high"), "0");
        write(&group.join("memory.high"), "max");
        let stat = read(&group.join("memory.stat"));
        number(stat.lines().find_map(|line| line.strip_prefix("kernel ")).unwrap_or("0"))
    } else {
        write(&group.join("memory.force_empty"), "0");
        number(&read(&group.join("memory.kmem.usage_in_bytes")))
    };
    Memory { all: charged(group), kernel }
}

/// Returns whether the groups of a pod can be created; reports a skip if not.
pub fn can_be_made() -> bool {
    let probe = format!("{}probe", prefix());
    let make = |folder: &PathBuf| fs::create_dir(folder).and_then(|()| fs::remove_dir(folder));
    let made = delegate("", OF_A_POD).and_then(|()| folders(&probe, OF_A_POD).iter().try_for_each(make));
    if let Err(error) = &made {
        skip(&format!("cannot create a cgroup ({error}); run as root on a machine that has cgroups"));
    }
    made.is_ok()
}

/// Kills everything that this process has started and removes the pods' groups that it has created. Afterwards no more
/// can be created.
fn remove_all() {
    std::mem::forget(lock());
    let Ok(tasks) = fs::read_dir("/proc/self/task") else { return };
    for task in tasks.flatten() {
        let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        children.split_whitespace().for_each(kill_one);
    }
    let Ok(all) = fs::read_dir(folder("pids", "")) else { return };
    for name in all.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()) {
        if name.starts_with(&prefix()) {
            for path in [format!("{name}/pid1"), format!("{name}/rest"), name] {
                drop(Group { path, controllers: OF_A_POD });
            }
        }
    }
}

/// Makes Ctrl-C, too, end everything that was started and remove everything that was created.
pub fn clean_up_on_signals() {
    let (mut signals, end) = UnixStream::pair().expect("two sockets");
    for signal in [SIGINT, SIGTERM] {
        signal_hook::low_level::pipe::register(signal, end.try_clone().expect("a descriptor")).expect("a handler");
    }
    thread::spawn(move || {
        signals.read_exact(&mut [0]).expect("a signal");
        remove_all();
        exit(130);
    });
}

/// Returns the version of cgroups: 1 or 2.
pub fn version() -> u8 {
    1 + u8::from(is_v2())
}

fn is_v2() -> bool {
    Path::new("/sys/fs/cgroup/cgroup.controllers").exists()
}

fn kill_one(pid: &str) {
    _ = kill(Pid::from_raw(pid.parse().expect("a PID")), Signal::SIGKILL);
}

/// Returns the prefix of the names of this process's groups.
fn prefix() -> String {
    format!("pause-pod-{}-", std::process::id())
}

fn lock() -> MutexGuard<'static, ()> {
    static MAKING: Mutex<()> = Mutex::new(());
    MAKING.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Passes controllers on to the groups in `path`, which v2 requires. (Freezing needs no controller there.)
fn delegate(path: &str, controllers: &[&str]) -> io::Result<()> {
    if !is_v2() {
        return Ok(());
    }
    let passed: Vec<String> =
        controllers.iter().filter(|&&name| name != "freezer").map(|name| format!("+{name}")).collect();
    fs::write(folder("", path).join("cgroup.subtree_control"), passed.join(" "))
}

fn folders(path: &str, controllers: &[&str]) -> Vec<PathBuf> {
    match is_v2() {
        true => vec![folder("", path)],
        false => controllers.iter().map(|controller| folder(controller, path)).collect(),
    }
}

fn folder(controller: &str, path: &str) -> PathBuf {
    let root = Path::new("/sys/fs/cgroup");
    if is_v2() { root.join(path) } else { root.join(controller).join(path) }
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("cannot read {}: {error}", file.display()))
}

fn number(text: &str) -> u64 {
    text.trim().parse().unwrap_or_else(|_| panic!("not a number: {text}"))
}

fn write(file: &Path, value: &str) {
    fs::write(file, value).unwrap_or_else(|error| panic!("cannot write {value} to {}: {error}", file.display()));
}

fn write_if_there(file: &Path, value: &str) {
    if file.exists() {
        write(file, value);
    }
}
