//! Describes the machine of a run.

use std::env::consts::ARCH;
use std::fs;
use std::process::Command;

use anyhow::{Context, Result};

use crate::samples::Machine;

/// This machine, today.
pub fn this(cgroup: Option<u8>, quick: bool) -> Result<Machine> {
    let output = |program: &str, args: &[&str]| -> Result<String> {
        let output = Command::new(program).args(args).output().with_context(|| format!("cannot run {program}"))?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let cpus = fs::read_to_string("/proc/cpuinfo")?;
    let cpu = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let memory = fs::read_to_string("/proc/meminfo")?;
    let memory: u64 = memory.split_whitespace().nth(1).context("MemTotal")?.parse()?;
    let os = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let os = os.lines().find_map(|line| line.strip_prefix("PRETTY_NAME=")).unwrap_or("").trim_matches('"');
    Ok(Machine {
        date: output("date", &["--utc", "+%F"])?,
        cpu: cpu.map_or("unknown", |(_, cpu)| cpu).to_owned(),
        cpus: std::thread::available_parallelism()?.get(),
        memory_bytes: memory * 1024,
        is_virtual: cpus.contains(" hypervisor"),
        kernel: output("uname", &["-r"])?.split('-').next().unwrap_or_default().to_owned(),
        architecture: ARCH.to_owned(),
        os: os.to_owned(),
        rustc: output("rustc", &["--version"])?,
        cgroup,
        quick,
    })
}
