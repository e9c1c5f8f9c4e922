//! Control groups, of version 1 or 2, that are gone when the run is. Sources: cgroup-v2.rst and
//! cgroup-v1/memory.rst of the kernel's admin guide.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::support::within_10_s;

/// Where the groups with the memory controller are, and where those that can be frozen.
pub struct Cgroups {
    memory: Group,
    v2: bool,
    freezer: Option<Group>,
}

impl Cgroups {
    /// One group for the run in each hierarchy that it needs.
    pub fn new() -> Result<Self> {
        let (v1, v2) = (Path::new("/sys/fs/cgroup/memory"), Path::new("/sys/fs/cgroup"));
        let pure = v2.join("cgroup.controllers").exists();
        let name = format!("pause-bench-{}", std::process::id());
        let memory = Group::new(if pure { v2 } else { v1 }.join(&name))?;
        if pure {
            memory.write("cgroup.subtree_control", "+memory")?;
        }
        let freezer = if pure { None } else { Group::new(v2.join("unified").join(&name)).ok() };
        Ok(Self { memory, v2: pure, freezer })
    }

    /// 1 or 2, of the memory controller.
    pub fn version(&self) -> u8 {
        1 + u8::from(self.v2)
    }

    /// A new group whose memory is counted.
    pub fn counted(&self) -> Result<Counted<'_>> {
        Ok(Counted { group: Group::new(self.memory.0.join("counted"))?, all: self })
    }

    /// A new group that can be frozen, if there can be one.
    pub fn freezable(&self) -> Result<Option<Group>> {
        let parent = self.freezer.as_ref().or(self.v2.then_some(&self.memory));
        parent.map(|parent| Group::new(parent.0.join("frozen"))).transpose()
    }
}

/// A group whose memory is counted.
pub struct Counted<'a> {
    group: Group,
    all: &'a Cgroups,
}

/// What a group has, in bytes.
#[derive(Clone, Copy)]
pub struct Usage {
    pub all: u64,
    pub kernel: u64,
}

impl Counted<'_> {
    /// Write a PID there, or 0 for the writer, to put it in.
    pub fn procs(&self) -> PathBuf {
        self.group.0.join("cgroup.procs")
    }

    /// Puts this program in until what is returned goes.
    pub fn enter(&self) -> Result<Inside> {
        let groups = fs::read_to_string("/proc/self/cgroup").context("/proc/self/cgroup")?;
        let of = |line: &str| {
            let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
            let right = if self.all.v2 { controllers.is_empty() } else { controllers == "memory" };
            right.then(|| path.trim_start_matches('/').to_owned())
        };
        let path = groups.lines().find_map(of).context("no group of memory in /proc/self/cgroup")?;
        let root = self.all.memory.0.parent().context("a group in a hierarchy")?;
        let inside = Inside(root.join(path).join("cgroup.procs"));
        self.group.write("cgroup.procs", "0")?;
        Ok(inside)
    }

    /// The memory that cannot be taken back. The kernel takes it from a group's account in batches of 64 pages for each
    /// CPU; what makes it give those back (here a limit, then no limit) also lets caches go.
    pub fn usage(&self) -> Result<Usage> {
        if self.all.v2 {
            self.group.write("memory.high", "0")?;
            self.group.write("memory.high", "max")?;
            let stat = self.group.read("memory.stat")?;
            let kernel = stat.lines().find_map(|line| line.strip_prefix("kernel ")).unwrap_or("0");
            Ok(Usage { all: self.group.number("memory.current")?, kernel: kernel.parse()? })
        } else {
            self.group.write("memory.force_empty", "0")?;
            let number = |file| self.group.number(file);
            Ok(Usage { all: number("memory.usage_in_bytes")?, kernel: number("memory.kmem.usage_in_bytes")? })
        }
    }
}

/// This program is elsewhere until this goes.
pub struct Inside(PathBuf);

impl Drop for Inside {
    fn drop(&mut self) {
        _ = fs::write(&self.0, "0");
    }
}

/// A group; it is removed, once it is empty, when this goes.
pub struct Group(PathBuf);

impl Group {
    fn new(path: PathBuf) -> Result<Self> {
        fs::create_dir(&path).with_context(|| format!("cannot make the control group {}", path.display()))?;
        Ok(Self(path))
    }

    /// Puts `pid` in, and freezes it.
    pub fn freeze(&self, pid: i32) -> Result<()> {
        self.write("cgroup.procs", &pid.to_string())?;
        self.write("cgroup.freeze", "1")?;
        within_10_s("the group is frozen", || self.read("cgroup.events").ok()?.contains("frozen 1").then_some(()));
        Ok(())
    }

    fn write(&self, file: &str, text: &str) -> Result<()> {
        let file = self.0.join(file);
        fs::write(&file, text).with_context(|| format!("cannot write {text} to {}", file.display()))
    }

    fn read(&self, file: &str) -> Result<String> {
        let file = self.0.join(file);
        fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))
    }

    fn number(&self, file: &str) -> Result<u64> {
        Ok(self.read(file)?.trim().parse()?)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if self.0.join("cgroup.freeze").exists() {
            _ = self.write("cgroup.freeze", "0");
        }
        // What was in it was killed, and takes a moment to go.
        for _ in 0..10_000 {
            if fs::remove_dir(&self.0).is_ok() {
                break;
            }
            thread::sleep(Duration::from_millis(1));
        }
    }
}
