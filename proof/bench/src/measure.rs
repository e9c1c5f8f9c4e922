//! Takes one sample of each quantity. Each program runs as PID 1 of its own PID namespace.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};
use std::{iter, thread};

use anyhow::{Context, Result, bail, ensure};
use figures::samples::Samples;
use kit::cgroup::{Cgroup, Group};
use kit::peers::Peer;
use kit::process::{Process, state};
use kit::wait::within_10_s;
use nix::sys::signal::Signal;
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;
use perf_event::events::Software;
use perf_event::{Builder, Counter};

use crate::subjects::Subject;

/// Measures the memory of an instance, averaged over `n`: what the kernel charges from `execve` on, which is the part
/// that depends on the program. (fork has already created the task and the kernel stack.)
pub fn instances(subject: &Subject, n: usize, samples: &mut Samples) -> Result<()> {
    let group = Group::of_memory()?;
    let procs = group.memory_procs().display().to_string();
    let start = || Process::pid1(start_with("echo 0 >\"$0\"; exec \"$@\"", &procs, &subject.peer, Stdio::null()));
    let first = start(); // so that `before` includes the memory of the group itself, and shared memory
    settle(&first);
    let before = group.memory_in_use();
    let processes: Vec<Process> = iter::repeat_with(start).take(n).collect();
    processes.iter().for_each(settle);
    // Read these first: memory_in_use drops the page cache.
    let last = processes.last().context("no instance")?;
    let field = |file: &str, fields: &[&str]| kib(last, file, fields).map(|kib| kib * 1024);
    let sample = samples.instances.entry(n).or_default();
    sample.rss_bytes.push(field("smaps_rollup", &["Rss:"])?);
    sample.private_bytes.push(field("smaps_rollup", &["Private_Clean:", "Private_Dirty:"])?);
    sample.shared_bytes.push(field("smaps_rollup", &["Shared_Clean:", "Shared_Dirty:"])?);
    sample.page_tables_bytes.push(field("status", &["VmPTE:"])?);
    let after = group.memory_in_use();
    sample.all_bytes.push((after.all - before.all) / n as u64);
    sample.kernel_bytes.push((after.kernel - before.kernel) / n as u64);
    Ok(())
}

/// Measures all the memory that the processes of `n` pods cost, and the time to start them one after another.
pub fn pods(subject: &Subject, n: usize, samples: &mut Samples) -> Result<()> {
    let group = Group::of_memory()?;
    let inside = group.enter_memory();
    let first = Process::pid1(plain(subject)?); // as above
    settle(&first);
    let mut processes = Vec::with_capacity(n);
    let before = group.memory_in_use();
    let start = Instant::now();
    for _ in 0..n {
        processes.push(Process::pid1(plain(subject)?));
    }
    processes.iter().for_each(settle);
    let took = start.elapsed();
    let after = group.memory_in_use();
    drop(inside);
    let sample = samples.pods.entry(n).or_default();
    sample.all_bytes.push(after.all - before.all);
    sample.start_ns.push(took.as_nanos() as u64);
    Ok(())
}

/// Measures CPU time from `execve`, where perf stat(1) begins, until it and its children sleep. Other load does not
/// lengthen it. (A start never waits: its file is in memory.)
pub fn start(subject: &Subject, samples: &mut Samples) -> Result<()> {
    let mut clock = start_clock()?;
    let process = Process::pid1(plain(subject)?);
    settle(&process);
    samples.start_ns.push(clock.read()?);
    Ok(())
}

/// Makes a clock of the CPU time of what this thread starts, from the moment when `execve` has replaced the old program
/// (perf_event_open(2), enable_on_exec).
pub fn start_clock() -> Result<Counter> {
    let mut clock = Builder::new(Software::TASK_CLOCK);
    clock.include_kernel().include_hv().inherit(true).enable_on_exec(true);
    clock.build().context("perf_event_open is refused")
}

/// Measures elapsed time from the start of `-v` to its end.
pub fn version(subject: &Subject, samples: &mut Samples) -> Result<()> {
    let argument = subject.version.context("no way to ask for its version")?;
    let mut command = command(&subject.peer.program);
    command.arg(argument).stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let status = command.status()?;
    let took = start.elapsed();
    ensure!(status.success(), "{} {argument} fails", subject.peer.name);
    samples.version_ns.push(took.as_nanos() as u64);
    Ok(())
}

/// Measures elapsed time from SIGTERM to its end.
pub fn stop(subject: &Subject, samples: &mut Samples) -> Result<()> {
    let process = Process::pid1(plain(subject)?);
    settle(&process);
    let start = Instant::now();
    process.signal(Signal::SIGTERM);
    let end = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    while waitid(Id::Pid(Pid::from_raw(process.id())), end)? == WaitStatus::StillAlive {
        if start.elapsed() > Duration::from_secs(10) {
            bail!("{} does not end on SIGTERM within 10 s", subject.peer.name);
        }
    }
    samples.stop_ns.push(start.elapsed().as_nanos() as u64);
    Ok(())
}

/// Measures CPU time and context switches of PID 1 for a storm of `n` orphans.
pub fn storm(subject: &Subject, n: usize, samples: &mut Samples) -> Result<()> {
    let process = Process::pid1(plain(subject)?);
    settle(&process);
    let own = process.children().len();
    let (cpu, switches) = (cpu_ns(&process), process.context_switches());
    for _ in 0..n / 1000 {
        process.orphans(1, 1000);
        within_10_s("all are reaped", || (process.children().len() == own).then_some(()));
    }
    settle(&process);
    let sample = samples.storms.entry(n).or_default();
    sample.cpu_ns.push(cpu_ns(&process) - cpu);
    sample.switches.push(process.context_switches() - switches);
    Ok(())
}

/// Measures the longest time that one of 1,000 orphans is visible as a zombie to a thread that checks continuously.
pub fn visible_zombie(subject: &Subject, samples: &mut Samples) -> Result<()> {
    let process = Process::pid1(plain(subject)?);
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
    samples.visible_zombie_ns.push(longest.as_nanos() as u64);
    Ok(())
}

/// Counts zombies while PID 1 is frozen.
pub fn frozen_zombies(subject: &Subject, samples: &mut Samples) -> Result<()> {
    samples.frozen_zombies.push(zombies(subject, Group::freeze)?);
    Ok(())
}

/// Counts zombies while PID 1 has 1 ms of CPU per second.
pub fn starved_zombies(subject: &Subject, samples: &mut Samples) -> Result<()> {
    samples.starved_zombies.push(zombies(subject, Group::least_quota)?);
    Ok(())
}

/// Counts how many of 500 orphans are zombies once all have died, while `hold_up` keeps PID 1 from running.
fn zombies(subject: &Subject, hold_up: fn(&Group)) -> Result<u64> {
    let process = Process::pid1(plain(subject)?);
    settle(&process);
    let own = process.children();
    let cgroup = Cgroup::new(); // dropped, and so thawed, before the process, which could not end while frozen
    cgroup.pid1.admit(process.id());
    hold_up(&cgroup.pid1);
    process.orphans(1, 500);
    Ok(within_10_s("all orphans are dead", || {
        let orphans: Vec<String> = process.children().into_iter().filter(|pid| !own.contains(pid)).collect();
        orphans.iter().all(|pid| state(pid) == Some('Z')).then_some(orphans.len() as u64)
    }))
}

/// Makes a shell that runs `script`, with `zero` as `$0`, and gets `peer` and its arguments as `$@`.
pub fn start_with(script: &str, zero: &str, peer: &Peer, stdin: Stdio) -> Command {
    let mut command = command("sh");
    command.args(["-c", script, zero]).arg(&peer.program).args(&peer.args);
    command.stdin(stdin).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn plain(Subject { peer, .. }: &Subject) -> Result<Command> {
    let null = File::options().read(true).write(true).open("/dev/null")?;
    let mut command = command(&peer.program);
    command.args(&peer.args).stdin(null.try_clone()?).stdout(null.try_clone()?).stderr(null);
    Ok(command)
}

/// Makes a command with an environment like an engine's instead of cargo's, which affects where a dynamic loader looks.
fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    command
}

/// Waits until it and its children sleep.
fn settle(process: &Process) {
    within_10_s("it sleeps", || process.is_asleep().then_some(()));
}

/// Returns its CPU time (the kernel's Documentation/scheduler/sched-stats.rst).
fn cpu_ns(process: &Process) -> u64 {
    let schedstat = fs::read_to_string(format!("/proc/{}/schedstat", process.id())).unwrap_or_default();
    schedstat.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0)
}

/// Returns the sum of `fields` in `file` of /proc, over it and its children.
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
