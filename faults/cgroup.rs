//! The cgroups of a pod, of version 1 or 2: one for PID 1 and one for the rest, in one of their own. (The benchmark uses
//! them, too.)

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::skip::skip;
use crate::support::within_10_s;

const CONTROLLERS: [&str; 4] = ["cpu", "freezer", "memory", "pids"];

/// A cgroup with two in it; removed, with all that runs there, when this goes.
pub struct Cgroup {
    pub pod: Group,
    pub pid1: Group,
    pub rest: Group,
}

/// One cgroup, by its path below the root.
pub struct Group(String);

impl Cgroup {
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let pod = format!("{}{}", prefix(), COUNT.fetch_add(1, Relaxed));
        let group = |path: String| {
            let _not_while_all_go = lock();
            for folder in folders(&path) {
                fs::create_dir(&folder).expect("a cgroup");
            }
            Group(path)
        };
        delegate("").expect("controllers");
        let cgroup =
            Self { pod: group(pod.clone()), pid1: group(format!("{pod}/pid1")), rest: group(format!("{pod}/rest")) };
        delegate(&pod).expect("controllers");
        cgroup
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        remove(&self.pod.0);
    }
}

impl Group {
    /// Moves a process here.
    pub fn admit(&self, pid: i32) {
        for folder in folders(&self.0) {
            write(&folder.join("cgroup.procs"), &pid.to_string());
        }
    }

    /// Lets at most `count` tasks exist here, zombies among them.
    pub fn limit_pids(&self, count: u32) {
        write(&self.file("pids", "pids.max"), &count.to_string());
    }

    /// How many forks that limit has refused.
    pub fn refused_forks(&self) -> u64 {
        let events = fs::read_to_string(self.file("pids", "pids.events")).expect("a count");
        events.trim().trim_start_matches("max ").parse().expect("a number")
    }

    /// Of all memory, the kernel's for it too; with nothing swapped out.
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

    /// In bytes.
    pub fn memory(&self) -> u64 {
        let file = if is_v2() { "memory.current" } else { "memory.usage_in_bytes" };
        fs::read_to_string(self.file("memory", file)).expect("a count").trim().parse().expect("a number")
    }

    /// The least that a share of CPU can be: what others leave.
    pub fn least_share(&self) {
        let (file, least) = if is_v2() { ("cpu.weight", "1") } else { ("cpu.shares", "2") };
        write(&self.file("cpu", file), least);
    }

    /// The least that an allowance of CPU can be: 1 ms in each second.
    pub fn least_quota(&self) {
        if is_v2() {
            write(&self.file("cpu", "cpu.max"), "1000 1000000");
        } else {
            write(&self.file("cpu", "cpu.cfs_period_us"), "1000000");
            write(&self.file("cpu", "cpu.cfs_quota_us"), "1000");
        }
    }

    /// Stops all that is here, unseen by it.
    pub fn freeze(&self) {
        let (file, frozen, done) = match is_v2() {
            true => ("cgroup.freeze", "1", ("cgroup.events", "frozen 1")),
            false => ("freezer.state", "FROZEN", ("freezer.state", "FROZEN")),
        };
        write(&self.file("freezer", file), frozen);
        within_10_s("it is frozen", || {
            fs::read_to_string(self.file("freezer", done.0)).expect("a state").contains(done.1).then_some(())
        });
    }

    pub fn thaw(&self) {
        thaw(&self.0);
    }

    /// Kills all that is here.
    pub fn kill_all(&self) {
        kill_all(&self.0);
    }

    fn file(&self, controller: &str, name: &str) -> PathBuf {
        folder(controller, &self.0).join(name)
    }
}

/// Whether there can be any; a skip if there cannot.
pub fn can_be_made() -> bool {
    let probe = format!("{}probe", prefix());
    let make = |folder: &PathBuf| fs::create_dir(folder).and_then(|()| fs::remove_dir(folder));
    let made = delegate("").and_then(|()| folders(&probe).iter().try_for_each(make));
    if let Err(error) = &made {
        skip(&format!("no cgroup can be made ({error}); run as root on a machine that has them"));
    }
    made.is_ok()
}

/// Kills and removes whatever this process has started and made, for good: no more can be made.
pub fn remove_all() {
    std::mem::forget(lock());
    let Ok(tasks) = fs::read_dir("/proc/self/task") else { return };
    for task in tasks.flatten() {
        let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        children.split_whitespace().for_each(kill_one);
    }
    let Ok(all) = fs::read_dir(folder("pids", "")) else { return };
    for name in all.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()) {
        if name.starts_with(&prefix()) {
            remove(&name);
        }
    }
}

fn remove(pod: &str) {
    for part in ["pid1", "rest", ""] {
        let path = format!("{pod}/{part}");
        thaw(&path);
        kill_all(&path);
        for folder in folders(&path) {
            within_10_s("the cgroup is removed", || match fs::remove_dir(&folder) {
                Err(error) if error.kind() == ErrorKind::ResourceBusy => None,
                _ => Some(()),
            });
        }
    }
}

fn thaw(path: &str) {
    let (file, thawed) = if is_v2() { ("cgroup.freeze", "0") } else { ("freezer.state", "THAWED") };
    write_if_there(&folder("freezer", path).join(file), thawed);
}

fn kill_all(path: &str) {
    within_10_s("all in the cgroup are gone", || {
        let pids = fs::read_to_string(folder("pids", path).join("cgroup.procs")).unwrap_or_default();
        pids.split_whitespace().for_each(kill_one);
        pids.is_empty().then_some(())
    });
}

fn kill_one(pid: &str) {
    _ = kill(Pid::from_raw(pid.parse().expect("a PID")), Signal::SIGKILL);
}

/// Of the cgroups of this process.
fn prefix() -> String {
    format!("pause-pod-{}-", std::process::id())
}

fn lock() -> MutexGuard<'static, ()> {
    static MAKING: Mutex<()> = Mutex::new(());
    MAKING.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// With version 2, groups have the controllers that the one above passes on.
fn delegate(path: &str) -> io::Result<()> {
    match is_v2() {
        true => fs::write(folder("", path).join("cgroup.subtree_control"), "+cpu +memory +pids"),
        false => Ok(()),
    }
}

fn folders(path: &str) -> Vec<PathBuf> {
    match is_v2() {
        true => vec![folder("", path)],
        false => CONTROLLERS.map(|controller| folder(controller, path)).into(),
    }
}

fn folder(controller: &str, path: &str) -> PathBuf {
    let root = Path::new("/sys/fs/cgroup");
    if is_v2() { root.join(path) } else { root.join(controller).join(path) }
}

/// Whether the controllers are in version 2.
pub fn is_v2() -> bool {
    Path::new("/sys/fs/cgroup/cgroup.controllers").exists()
}

fn write(file: &Path, value: &str) {
    fs::write(file, value).unwrap_or_else(|error| panic!("{} does not take {value}: {error}", file.display()));
}

fn write_if_there(file: &Path, value: &str) {
    if file.exists() {
        write(file, value);
    }
}
