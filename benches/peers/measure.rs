//! One sample of each thing that is measured. All run as PID 1 of a PID namespace of their own.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};
use std::{iter, thread};

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::Signal;
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;
use perf_event::events::Software;
use perf_event::{Builder, Counter};

use crate::cgroup::{Cgroup, Group};
use crate::memory::Memory;
use crate::peer::Peer;
use crate::support::{Process, state, within_10_s};

/// Names and values: nanoseconds, bytes or a number, as the name says.
pub type Sample = Vec<(String, u64)>;

/// Memory of an instance, averaged over `n`, with what the kernel charges from `execve` on: what depends on the
/// program. (Task and kernel stack were made before, by who forks.)
pub fn instances(memory: &Memory, peer: &Peer, n: usize) -> Result<Sample> {
    let group = memory.counted()?;
    let procs = group.procs().display().to_string();
    let start = || Process::pid1(start_with("echo 0 >\"$0\"; exec \"$@\"", &procs, peer, Stdio::null()));
    let first = start(); // has the group's own memory charged, and what is shared
    settle(&first);
    let before = group.usage()?;
    let processes: Vec<Process> = iter::repeat_with(start).take(n).collect();
    processes.iter().for_each(settle);
    // Before what takes back from it what is in the page cache.
    let last = processes.last().context("no instance")?;
    let field = |file: &str, fields: &[&str]| kib(last, file, fields).map(|kib| kib * 1024);
    let mut sample = Sample::from([
        (format!("rss_bytes_of_{n}"), field("smaps_rollup", &["Rss:"])?),
        (format!("private_bytes_of_{n}"), field("smaps_rollup", &["Private_Clean:", "Private_Dirty:"])?),
        (format!("shared_bytes_of_{n}"), field("smaps_rollup", &["Shared_Clean:", "Shared_Dirty:"])?),
        (format!("page_tables_bytes_of_{n}"), field("status", &["VmPTE:"])?),
    ]);
    let after = group.usage()?;
    sample.push((format!("instance_bytes_of_{n}"), (after.all - before.all) / n as u64));
    sample.push((format!("instance_kernel_bytes_of_{n}"), (after.kernel - before.kernel) / n as u64));
    Ok(sample)
}

/// The node with `n` pods: all the memory that their processes cost it, and how long it takes to start them one after
/// the other.
pub fn node(memory: &Memory, peer: &Peer, n: usize) -> Result<Sample> {
    let group = memory.counted()?;
    let inside = group.enter()?;
    let first = Process::pid1(plain(peer)?); // as above
    settle(&first);
    let mut processes = Vec::with_capacity(n);
    let before = group.usage()?;
    let start = Instant::now();
    for _ in 0..n {
        processes.push(Process::pid1(plain(peer)?));
    }
    processes.iter().for_each(settle);
    let took = start.elapsed();
    let after = group.usage()?;
    drop(inside);
    Ok(vec![
        (format!("node_bytes_of_{n}"), after.all - before.all),
        (format!("node_start_ns_of_{n}"), took.as_nanos() as u64),
    ])
}

/// From `execve` on, where perf stat(1) begins, until it and its children sleep: the time that they have a CPU, which other
/// load does not lengthen. (A start waits for nothing: its file is in memory.)
pub fn start(peer: &Peer) -> Result<Sample> {
    let mut clock = start_clock()?;
    let process = Process::pid1(plain(peer)?);
    settle(&process);
    Ok(vec![("start_ns".to_owned(), clock.read()?)])
}

/// CPU time of what this thread starts, from the moment in `execve` when the new program has replaced the old one
/// (perf_event_open(2), enable_on_exec).
pub fn start_clock() -> Result<Counter> {
    let mut clock = Builder::new(Software::TASK_CLOCK);
    clock.include_kernel().include_hv().inherit(true).enable_on_exec(true);
    clock.build().context("perf_event_open is refused")
}

/// From the start of `-v` to its end.
pub fn version(peer: &Peer) -> Result<Sample> {
    let argument = peer.version.context("no way to ask for its version")?;
    let mut command = command(&peer.program);
    command.arg(argument).stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let status = command.status()?;
    let took = start.elapsed();
    ensure!(status.success(), "{} {argument} fails", peer.name);
    Ok(vec![("version_ns".to_owned(), took.as_nanos() as u64)])
}

/// From SIGTERM to the end.
pub fn stop(peer: &Peer) -> Result<Sample> {
    let process = Process::pid1(plain(peer)?);
    settle(&process);
    let start = Instant::now();
    process.signal(Signal::SIGTERM);
    let end = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    while waitid(Id::Pid(Pid::from_raw(process.id())), end)? == WaitStatus::StillAlive {
        if start.elapsed() > Duration::from_secs(10) {
            bail!("{} does not end on SIGTERM within 10 s", peer.name);
        }
    }
    Ok(vec![("stop_ns".to_owned(), start.elapsed().as_nanos() as u64)])
}

/// What PID 1 does for a storm of `n` orphans.
pub fn storm(peer: &Peer, n: usize) -> Result<Sample> {
    let process = Process::pid1(plain(peer)?);
    settle(&process);
    let own = process.children().len();
    let (cpu, switches) = (cpu_ns(&process), process.context_switches());
    for _ in 0..n / 1000 {
        process.orphans(1, 1000);
        within_10_s("all are reaped", || (process.children().len() == own).then_some(()));
    }
    settle(&process);
    Ok(vec![
        (format!("storm_cpu_ns_of_{n}"), cpu_ns(&process) - cpu),
        (format!("storm_switches_of_{n}"), process.context_switches() - switches),
    ])
}

/// The longest time that one of 1,000 orphans is seen as a zombie, by who looks all the time.
pub fn visible_zombie(peer: &Peer) -> Result<Sample> {
    let process = Process::pid1(plain(peer)?);
    settle(&process);
    let own = process.children().len();
    let over = AtomicBool::new(false);
    let longest = thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let (mut since, mut longest) = (HashMap::new(), Duration::ZERO);
            while !over.load(Relaxed) {
                for pid in process.children() {
                    if state(&pid) == Some('Z') {
                        longest = longest.max(since.entry(pid).or_insert_with(Instant::now).elapsed());
                    }
                }
            }
            longest
        });
        process.orphans(10, 100);
        within_10_s("all are reaped", || (process.children().len() == own).then_some(()));
        over.store(true, Relaxed);
        watch.join().expect("no panic")
    });
    Ok(vec![("visible_zombie_ns".to_owned(), longest.as_nanos() as u64)])
}

/// While PID 1 is frozen.
pub fn frozen_zombies(peer: &Peer) -> Result<Sample> {
    Ok(vec![("frozen_zombies".to_owned(), zombies(peer, Group::freeze)?)])
}

/// While PID 1 has 1 ms of CPU in a second.
pub fn starved_zombies(peer: &Peer) -> Result<Sample> {
    Ok(vec![("starved_zombies".to_owned(), zombies(peer, Group::least_quota)?)])
}

/// How many of 500 orphans are zombies once all have died, while PID 1 hardly runs.
fn zombies(peer: &Peer, hold_up: fn(&Group)) -> Result<u64> {
    let process = Process::pid1(plain(peer)?);
    settle(&process);
    let own = process.children();
    let cgroup = Cgroup::new(); // goes before the process, which could not end while frozen
    cgroup.pid1.admit(process.id());
    hold_up(&cgroup.pid1);
    process.orphans(1, 500);
    Ok(within_10_s("all orphans are dead", || {
        let orphans: Vec<String> = process.children().into_iter().filter(|pid| !own.contains(pid)).collect();
        orphans.iter().all(|pid| state(pid) == Some('Z')).then_some(orphans.len() as u64)
    }))
}

/// `peer`, started by `script`, a shell's, that has `zero` as `$0`.
pub fn start_with(script: &str, zero: &str, peer: &Peer, stdin: Stdio) -> Command {
    let mut command = command("sh");
    command.args(["-c", script, zero]).arg(&peer.program).args(&peer.args);
    command.stdin(stdin).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn plain(peer: &Peer) -> Result<Command> {
    let null = File::options().read(true).write(true).open("/dev/null")?;
    let mut command = command(&peer.program);
    command.args(&peer.args).stdin(null.try_clone()?).stdout(null.try_clone()?).stderr(null);
    Ok(command)
}

/// With the environment that engines give, not cargo's: a dynamic loader looks for libraries wherever that says.
fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    command
}

/// Waits until it sleeps, and so do its children.
fn settle(process: &Process) {
    within_10_s("it sleeps", || settled(process).then_some(()));
}

pub fn settled(process: &Process) -> bool {
    let sleeps = |pid: &String| state(pid) == Some('S');
    sleeps(&process.id().to_string()) && process.children().iter().all(sleeps)
}

/// The time that it has had a CPU (Documentation/scheduler/sched-stats.rst of the kernel).
fn cpu_ns(process: &Process) -> u64 {
    let schedstat = fs::read_to_string(format!("/proc/{}/schedstat", process.id())).unwrap_or_default();
    schedstat.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0)
}

/// The sum of `fields` of `file` in /proc, for it and its children.
fn kib(process: &Process, file: &str, fields: &[&str]) -> Result<u64> {
    let mut sum = 0;
    for pid in process.children().iter().chain([&process.id().to_string()]) {
        let text = fs::read_to_string(format!("/proc/{pid}/{file}"))?;
        for line in text.lines() {
            let mut words = line.split_whitespace();
            if words.next().is_some_and(|word| fields.contains(&word)) {
                sum += words.next().unwrap_or("0").parse::<u64>()?;
            }
        }
    }
    Ok(sum)
}
