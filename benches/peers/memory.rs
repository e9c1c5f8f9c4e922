//! Control groups whose memory is counted, of version 1 or 2, that are gone when the run is. Sources: cgroup-v2.rst and
//! cgroup-v1/memory.rst of the kernel's admin guide.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::cgroup::is_v2;

/// The run's own group, in which the others are.
pub struct Memory {
    group: Group,
    v2: bool,
}

impl Memory {
    pub fn new() -> Result<Self> {
        let v2 = is_v2();
        let root = Path::new(if v2 { "/sys/fs/cgroup" } else { "/sys/fs/cgroup/memory" });
        if v2 {
            write(&root.join("cgroup.subtree_control"), "+memory")?;
        }
        let group = Group::new(root.join(format!("pause-bench-{}", std::process::id())))?;
        if v2 {
            write(&group.0.join("cgroup.subtree_control"), "+memory")?;
        }
        Ok(Self { group, v2 })
    }

    /// 1 or 2, of control groups.
    pub fn version(&self) -> u8 {
        1 + u8::from(self.v2)
    }

    /// A new group whose memory is counted.
    pub fn counted(&self) -> Result<Counted<'_>> {
        Ok(Counted { group: Group::new(self.group.0.join("counted"))?, all: self })
    }
}

/// A group whose memory is counted.
pub struct Counted<'a> {
    group: Group,
    all: &'a Memory,
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
        let root = self.all.group.0.parent().context("a group in a hierarchy")?;
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
struct Group(PathBuf);

impl Group {
    fn new(path: PathBuf) -> Result<Self> {
        fs::create_dir(&path).with_context(|| format!("cannot make the control group {}", path.display()))?;
        Ok(Self(path))
    }

    fn write(&self, file: &str, text: &str) -> Result<()> {
        write(&self.0.join(file), text)
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
        // What was in it was killed, and takes a moment to go.
        for _ in 0..10_000 {
            if fs::remove_dir(&self.0).is_ok() {
                break;
            }
            thread::sleep(Duration::from_millis(1));
        }
    }
}

fn write(file: &Path, text: &str) -> Result<()> {
    fs::write(file, text).with_context(|| format!("cannot write {text} to {}", file.display()))
}
