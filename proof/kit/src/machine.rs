//! Describes the machine on which something was tested or measured.

use std::env::consts::ARCH;
use std::fs;
use std::thread::available_parallelism;

use serde::{Deserialize, Serialize};

use crate::cgroup;

/// A machine, as tables name it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// The version of Linux, without a distribution's suffix.
    pub kernel: String,
    /// The version of cgroups.
    pub cgroups: u8,
    /// The distribution.
    pub os: String,
    /// Rust's name of the architecture.
    pub architecture: String,
    /// The CPU's name in /proc/cpuinfo.
    pub cpu: String,
    /// How many CPUs this program may use.
    pub cpus: usize,
    /// MemTotal in /proc/meminfo.
    pub memory_bytes: u64,
    /// Whether it is a virtual machine.
    #[serde(rename = "virtual")]
    pub is_virtual: bool,
    /// Whether the virtual machine is QEMU.
    #[serde(rename = "qemu")]
    pub is_qemu: bool,
}

impl Machine {
    /// Describes this machine.
    pub fn here() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_else(|error| panic!("cannot read {path}: {error}"));
        let (cpus, memory, os) = (read("/proc/cpuinfo"), read("/proc/meminfo"), read("/etc/os-release"));
        let cpu = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        let kib: u64 = memory.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("MemTotal");
        let os = os.lines().find_map(|line| line.strip_prefix("PRETTY_NAME=")).expect("a name");
        Self {
            kernel: read("/proc/sys/kernel/osrelease").trim().split(['-', '+']).next().unwrap_or_default().to_owned(),
            cgroups: cgroup::version(),
            os: os.trim_matches('"').to_owned(),
            architecture: ARCH.to_owned(),
            cpu: cpu.map_or("unknown", |(_, cpu)| cpu).to_owned(),
            cpus: available_parallelism().expect("a number").get(),
            memory_bytes: kib * 1024,
            is_virtual: cpus.contains(" hypervisor"),
            is_qemu: is_qemu(),
        }
    }
}

/// Returns whether this machine is QEMU, like that of `make node`.
pub fn is_qemu() -> bool {
    fs::read_to_string("/sys/class/dmi/id/sys_vendor").is_ok_and(|vendor| vendor.trim() == "QEMU")
}
