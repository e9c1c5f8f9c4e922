//! A pod without a container engine: new namespaces, with `pause` as PID 1 and your commands inside.
//!
//! This program stays outside and is the parent of pause and of each container, as an engine's shim is. A stage does
//! the work inside, between fork and exec: it is this program, started again under another name.

use std::collections::HashSet;
use std::env;
use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, PipeReader, Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, recv, sendto, socket};
use nix::unistd::{Pid, chdir, chroot, dup2_stdin, getegid, geteuid, sethostname};
use procfs::process::{Process, all_processes};
use signal_hook::consts::{SIGCHLD, SIGINT, SIGTERM};
use signal_hook::{flag, low_level::pipe};

const HELP: &str = "\
Holds a pod with pause, without a container engine.

Usage: pod [--pause=FILE] [NAME=]'COMMAND LINE'...

Creates PID, network, IPC, UTS and mount namespaces (for an ordinary user also a
user namespace), starts /pause as their PID 1, and runs each command line inside
as a container. The containers share localhost, System V IPC, the host name
`pod` and /proc; each has its own mounts. A command line is split into words as
in a shell, but no shell runs: for pipes and variables use sh -c '...'.

Each line of output is preceded by the name of its container: NAME if given
(lowercase letters, digits and dashes), otherwise the name of the command.

FILE is a static program that holds the pod; by default, pause is built and used.

The pod ends when all commands have ended, or when pause receives SIGTERM or SIGINT:
Ctrl-C here, or `kill -TERM 1` inside. The kernel then kills what is left.

Exit status: 0 a signal ended the pod, or every command succeeded; 1 a command failed;
2 wrong usage; 125 the pod could not be set up, or pause failed.

Example: pod web='busybox httpd -f -p 8080' 'sh -c \"hostname; cat /proc/1/cmdline\"'";

fn main() -> ExitCode {
    let args: Vec<String> = env::args_os().map(|arg| arg.to_string_lossy().into_owned()).collect();
    let Some((program, args)) = args.split_first() else { return ExitCode::from(2) };
    if let Some(stage) = STAGES.iter().find(|stage| stage.name == program) {
        return in_stage(stage, args);
    }
    if args.iter().any(|arg| arg == "-h" || arg == "--help") {
        println!("{HELP}");
        return ExitCode::SUCCESS;
    }
    let (pause, args) = match args.split_first() {
        Some((first, rest)) if first.starts_with("--pause=") => (first.strip_prefix("--pause="), rest),
        _ => (None, args),
    };
    let status = match containers(args) {
        Err(error) => Err((2, anyhow!("{error:#}; see --help"))),
        Ok(containers) => run(pause, &containers).map_err(|error| (125, error)),
    };
    status.unwrap_or_else(|(status, error)| {
        eprintln!("pod: {error:#}");
        ExitCode::from(status)
    })
}

/// Returns the name and the words of each command line.
fn containers(args: &[String]) -> Result<Vec<(String, Vec<String>)>> {
    ensure!(!args.is_empty(), "no command line is given");
    let mut names = HashSet::from(["pause".to_owned()]);
    let container = |arg: &String| {
        ensure!(!arg.starts_with('-'), "no such option: {arg}");
        let is_name = |name: &&str| name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let (name, line) = match arg.split_once('=') {
            Some((name, line)) if is_name(&name) => (name, line),
            _ => ("", arg.as_str()),
        };
        let words = shlex::split(line).with_context(|| format!("a quote is not closed in: {line}"))?;
        let command = words.first().with_context(|| format!("no command in: {arg:?}"))?;
        let base = if name.is_empty() { command.rsplit('/').next().unwrap_or(command) } else { name };
        let mut name = base.to_owned();
        for n in 2.. {
            if names.insert(name.clone()) {
                break;
            }
            name = format!("{base}-{n}");
        }
        Ok((name, words))
    };
    args.iter().map(container).collect()
}

/// Sets the pod up, runs it, and ends it.
fn run(pause: Option<&str>, containers: &[(String, Vec<String>)]) -> Result<ExitCode> {
    let stop = Arc::new(AtomicUsize::new(0));
    let mut signals = watch_signals(&stop).or_advise(Step::Other, "watch for signals")?;
    let pause = match pause {
        Some(file) => fs::canonicalize(file).with_context(|| format!("cannot find {file}"))?,
        None => build::pause(build::arch::Arch::here()?)?,
    };
    make_namespaces()?;
    // The first child after unshare(CLONE_NEWPID) is PID 1 of the new namespace.
    let mut pod = Pod(vec![Member::start("pause", &PAUSE, &[pause])?]);
    let table = pod.start(containers);
    if table.is_err() {
        _ = pod.wait(&mut signals, PollTimeout::ZERO); // if pause has ended, it may have said why
    }
    io::stdout().write_all(table?.as_bytes()).context(PRINT)?;

    let mut asked = false;
    loop {
        pod.wait(&mut signals, PollTimeout::NONE)?;
        let signal = stop.swap(0, Ordering::Relaxed);
        if signal != 0 {
            asked = true;
            pod.signal(Signal::try_from(signal as i32)?)?;
        }
        let (pause, containers) = pod.0.split_first().context("no pause")?;
        if !containers.iter().all(Member::is_over) {
            continue;
        }
        if let Some(status) = pause.status.filter(|_| pause.is_over()) {
            ensure!(status.success(), "pause did not end as it should: {status}");
            return Ok(ExitCode::SUCCESS);
        }
        // The kernel kills the containers only after pause has closed its stderr.
        if !asked && !pause.has_closed_output()? {
            pod.signal(Signal::SIGTERM)?;
            let deadline = Instant::now() + Duration::from_secs(10);
            while !pod.0.iter().all(Member::is_over) {
                let left = deadline.saturating_duration_since(Instant::now());
                ensure!(!left.is_zero(), "SIGTERM did not end pause within 10 s; killing it");
                pod.wait(&mut signals, left.try_into()?)?;
            }
            let failed = pod.0.iter().any(|member| !member.status.is_some_and(|status| status.success()));
            return Ok(ExitCode::from(u8::from(failed)));
        }
    }
}

/// Makes the returned stream readable when SIGINT or SIGTERM arrives, to which it sets `stop`, or when a child ends.
fn watch_signals(stop: &Arc<AtomicUsize>) -> io::Result<UnixStream> {
    let (signals, wake) = UnixStream::pair()?;
    for signal in [SIGINT, SIGTERM] {
        flag::register_usize(signal, Arc::clone(stop), signal as usize)?;
    }
    for signal in [SIGINT, SIGTERM, SIGCHLD] {
        pipe::register(signal, wake.try_clone()?)?;
    }
    Ok(signals)
}

fn make_namespaces() -> Result<()> {
    let (uid, gid) = (geteuid(), getegid());
    let mut namespaces = CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWNET
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWUTS
        | CloneFlags::CLONE_NEWNS;
    if !uid.is_root() {
        namespaces |= CloneFlags::CLONE_NEWUSER;
    }
    unshare(namespaces).or_advise(Step::Namespaces, "create namespaces")?;
    if !uid.is_root() {
        // user_namespaces(7): without privilege, setgroups must be given up before gid_map is written.
        let (users, groups) = (format!("0 {uid} 1"), format!("0 {gid} 1"));
        for (file, text) in [("setgroups", "deny"), ("uid_map", &users), ("gid_map", &groups)] {
            fs::write(format!("/proc/self/{file}"), text)
                .or_advise(Step::Map, format_args!("make user {uid} the pod's root in /proc/self/{file}"))?;
        }
    }
    let none = None::<&str>;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)
        .or_advise(Step::Mounts, "make mounts private")?;
    sethostname("pod").or_advise(Step::Other, "set the pod's host name")?;
    loopback_up().or_advise(Step::Other, "bring the pod's loopback up")
}

/// Does what `ip link set lo up` does, by one rtnetlink(7) request, because the equivalent ioctl is unsafe to call.
fn loopback_up() -> io::Result<()> {
    const RTM_NEWLINK: u16 = 16;
    const NLM_F_REQUEST_ACK: u16 = 1 | 4;
    const LOOPBACK: i32 = 1; // its index, in every network namespace
    const IFF_UP: u32 = 1;
    let message = [
        &32_u32.to_ne_bytes()[..], // struct nlmsghdr: length,
        &RTM_NEWLINK.to_ne_bytes(),
        &NLM_F_REQUEST_ACK.to_ne_bytes(),
        &[0; 8], // sequence number, port
        &[0; 4], // struct ifinfomsg: family, type,
        &LOOPBACK.to_ne_bytes(),
        &IFF_UP.to_ne_bytes(), // flags,
        &IFF_UP.to_ne_bytes(), // and which of them to change
    ]
    .concat();
    let netlink = socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::NetlinkRoute)?;
    sendto(netlink.as_raw_fd(), &message, &NetlinkAddr::new(0, 0), MsgFlags::empty())?;
    let mut reply = [0; 1024];
    let length = recv(netlink.as_raw_fd(), &mut reply, MsgFlags::empty())?;
    // struct nlmsgerr follows the header: 0 or a negative errno.
    let error = reply[..length].get(16..).and_then(<[u8]>::first_chunk).ok_or(io::ErrorKind::UnexpectedEof)?;
    match i32::from_ne_bytes(*error) {
        0 => Ok(()),
        error => Err(io::Error::from_raw_os_error(-error)),
    }
}

/// pause, followed by the containers. Dropping the pod kills the members that are still running and waits for them.
struct Pod(Vec<Member>);

impl Pod {
    /// Starts the containers and returns the table of the pod's processes.
    fn start(&mut self, containers: &[(String, Vec<String>)]) -> Result<String> {
        for (name, words) in containers {
            self.0.push(Member::start(name, &CONTAINER, words)?);
        }
        let mut table = Member::start("the process table", &TABLE, &[] as &[&str])?;
        let mut text = String::new();
        table.output.read_to_string(&mut text)?;
        table.child.wait()?; // before anything can fail: the pod ends only after all of it has been waited for
        Ok(text)
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        match &self.0[0] {
            pause if pause.status.is_none() => {
                kill(Pid::from_raw(pause.child.id() as i32), signal).or_advise(Step::Other, "send pause a signal")
            }
            _ => Ok(()), // it has ended already
        }
    }

    /// Waits for output or a signal, then prints the output and records which members have ended.
    fn wait(&mut self, signals: &mut UnixStream, at_most: PollTimeout) -> Result<()> {
        let mut fds = vec![PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
        // pause comes last, so that its last message is printed after the output that led to it.
        let open = self.0.iter().rev().filter(|member| !member.closed);
        fds.extend(open.map(|member| PollFd::new(member.output.as_fd(), PollFlags::POLLIN)));
        match poll(&mut fds, at_most) {
            Ok(_) | Err(nix::Error::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        let ready: Vec<bool> = fds.iter().map(|fd| fd.any() == Some(true)).collect();
        if ready[0] {
            _ = signals.read(&mut [0; 1024])?;
        }
        for (member, ready) in self.0.iter_mut().rev().filter(|member| !member.closed).zip(&ready[1..]) {
            if *ready {
                member.print()?;
            }
        }
        for member in self.0.iter_mut().filter(|member| member.status.is_none()) {
            member.status = member.child.try_wait()?;
            if let Some(status) = member.status {
                writeln!(io::stdout(), "pod: {} ended: {status}", member.name).context(PRINT)?;
            }
        }
        Ok(())
    }
}

impl Drop for Pod {
    fn drop(&mut self) {
        // Killing PID 1 kills the rest, but PID 1 itself ends only after all of the rest have been waited for.
        _ = self.0.iter_mut().map(|member| member.child.kill()).count();
        _ = self.0.iter_mut().rev().map(|member| member.child.wait()).count();
    }
}

/// pause or a container.
struct Member {
    name: String,
    child: Child,
    status: Option<ExitStatus>,
    output: PipeReader,
    closed: bool,
    /// The beginning of a line of output that has not ended yet.
    line: Vec<u8>,
}

impl Member {
    /// Starts a member, and returns once the stage has executed the program.
    fn start(name: &str, stage: &Stage, args: &[impl AsRef<std::ffi::OsStr>]) -> Result<Self> {
        let spawn = || {
            let (up, report) = io::pipe()?;
            let (output, out) = io::pipe()?;
            let child = Command::new("/proc/self/exe")
                .arg0(stage.name)
                .args(args)
                .stdin(report)
                .stdout(out.try_clone()?)
                .stderr(Stdio::from(out))
                .process_group(0) // a Ctrl-C in a terminal reaches only the runner, which forwards it
                .spawn()?;
            Ok::<_, io::Error>((child, up, output))
        };
        let (mut child, mut up, output) = spawn().or_advise(Step::Start, format_args!("start {name}"))?;
        let mut error = String::new();
        up.read_to_string(&mut error)?;
        if !error.is_empty() {
            child.wait()?;
            bail!("cannot start {name}: {error}");
        }
        Ok(Self { name: name.to_owned(), child, status: None, output, closed: false, line: Vec::new() })
    }

    fn is_over(&self) -> bool {
        self.status.is_some() && self.closed
    }

    fn has_closed_output(&self) -> Result<bool> {
        let mut fds = [PollFd::new(self.output.as_fd(), PollFlags::POLLIN)];
        poll(&mut fds, PollTimeout::ZERO)?;
        Ok(fds[0].revents().is_some_and(|events| events.contains(PollFlags::POLLHUP)))
    }

    fn print(&mut self) -> Result<()> {
        let mut bytes = [0; 1 << 16];
        let length = self.output.read(&mut bytes)?;
        self.line.extend(&bytes[..length]);
        self.closed = length == 0;
        if self.closed && !self.line.is_empty() {
            self.line.push(b'\n');
        }
        let whole = self.line.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        let mut stdout = io::stdout().lock();
        for line in self.line[..whole].split_inclusive(|&byte| byte == b'\n') {
            stdout.write_all(&[self.name.as_bytes(), b" | ", line].concat()).context(PRINT)?;
        }
        self.line.drain(..whole);
        Ok(())
    }
}

/// A part of this program that runs inside the pod, and the name under which it is started.
struct Stage {
    name: &'static str,
    /// Returns the text to print, or does not return.
    run: fn(&[String]) -> Result<String>,
}

const STAGES: [&Stage; 3] = [&PAUSE, &CONTAINER, &TABLE];

/// Becomes pause, with pause's directory as its root.
const PAUSE: Stage = Stage {
    name: "pod:pause",
    run: |args| {
        // If the runner is killed, the pod must end with it.
        nix::sys::prctl::set_pdeathsig(Signal::SIGKILL).or_advise(Step::Other, "tie pause to the runner")?;
        let file = Path::new(&args[0]);
        let (root, name) = file.parent().zip(file.file_name()).context("it is not a file")?;
        let changed = chroot(root).and_then(|()| chdir("/"));
        changed.or_advise(Step::Other, format_args!("change root to {}", root.display()))?;
        Err(Command::new(Path::new("/").join(name)).exec()).or_advise(Step::Pause, format_args!("execute {}", args[0]))
    },
};

/// Becomes a container's command.
const CONTAINER: Stage = Stage {
    name: "pod:container",
    run: |args| {
        mount_proc()?;
        Err(Command::new(&args[0]).args(&args[1..]).exec())
            .or_advise(Step::Command, format_args!("execute {}", args[0]))
    },
};

/// Prints the pod's process table.
const TABLE: Stage = Stage {
    name: "pod:table",
    run: |_| {
        mount_proc()?;
        let mut table = format!("{:>5} {:>5} STATE {:>9}  COMMAND\n", "PID", "PPID", "RSS");
        for process in all_processes().context("cannot read the pod's /proc")?.filter_map(Result::ok) {
            let (Ok(stat), Ok(command)) = (process.stat(), process.cmdline()) else { continue }; // it has ended
            if process.pid != std::process::id() as i32 {
                let command = if command.is_empty() { format!("[{}]", stat.comm) } else { command.join(" ") };
                let shown = command.chars().map(|c| if c.is_control() { ' ' } else { c }).take(80);
                let command: String = shown.collect();
                let kib = rss(&process).unwrap_or(0) / 1024;
                table += &format!("{:>5} {:>5} {:<5} {kib:>5} KiB  {command}\n", stat.pid, stat.ppid, stat.state);
            }
        }
        Ok(table)
    },
};

/// Returns the resident memory in bytes, counted page by page: the figure in /proc/PID/stat can be off by more than
/// pause uses. Returns None for a zombie.
fn rss(process: &Process) -> Option<u64> {
    process.smaps_rollup().ok()?.memory_map_rollup.0.first()?.extension.map.get("Rss").copied()
}

fn mount_proc() -> Result<()> {
    unshare(CloneFlags::CLONE_NEWNS).or_advise(Step::Namespaces, "create a mount namespace")?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    mount(Some("proc"), "/proc", Some("proc"), flags, None::<&str>).or_advise(Step::Proc, "mount the pod's /proc")
}

/// Runs a stage, which writes errors to the runner's pipe, its stdin; if there is no error, exec closes the pipe.
fn in_stage(stage: &Stage, args: &[String]) -> ExitCode {
    let staged = || -> Result<File> {
        let report = io::stdin().as_fd().try_clone_to_owned(); // unlike stdin, closes at exec
        let report = report.or_advise(Step::Other, "keep the pipe to the runner")?;
        dup2_stdin(File::open("/dev/null").or_advise(Step::Start, "open /dev/null")?)?;
        Ok(File::from(report))
    };
    match staged() {
        Ok(mut report) => match (stage.run)(args) {
            Ok(text) => {
                drop(report); // the runner reads this first
                print!("{text}");
                return ExitCode::SUCCESS;
            }
            Err(error) => _ = write!(report, "{error:#}"),
        },
        Err(error) => _ = nix::unistd::write(io::stdin(), format!("{error:#}").as_bytes()), // it is still the pipe
    }
    ExitCode::FAILURE
}

const PRINT: &str = "cannot print what the pod says";

/// The steps that a system can refuse, as far as [`advice`] distinguishes them.
#[derive(Clone, Copy)]
enum Step {
    Namespaces,
    Map,
    Mounts,
    Start,
    Proc,
    Pause,
    Command,
    Other,
}

trait OrAdvise<T> {
    /// Turns an error into one line: what the runner cannot do, why, and what the user can do about it.
    fn or_advise(self, step: Step, what: impl Display) -> Result<T>;
}

impl<T, E: Into<io::Error>> OrAdvise<T> for Result<T, E> {
    fn or_advise(self, step: Step, what: impl Display) -> Result<T> {
        self.map_err(|error| {
            let error = error.into();
            let advice = advice(step, Errno::from_raw(error.raw_os_error().unwrap_or(0)));
            anyhow!("cannot {what}: {error}{}{advice}", if advice.is_empty() { "" } else { "; " })
        })
    }
}

/// Returns what to do when a system refuses a step, or nothing if the error suffices.
fn advice(step: Step, error: Errno) -> &'static str {
    use Errno::*;
    match (step, error) {
        (_, EMFILE | ENFILE) => "too many files are open: raise `ulimit -n`, or for all processes sysctl fs.file-max",
        (_, EAGAIN) => "too many processes: end some, or raise `ulimit -u` or the cgroup's pids.max",
        (Step::Start, ENOMEM) => "pause has ended, or memory is short",
        (Step::Start | Step::Map, ENOENT) => "mount /proc and /dev here first, as every chroot needs",
        (Step::Namespaces, ENOSPC | EUSERS) => {
            "`grep . /proc/sys/user/max_*_namespaces` shows the limits; raise the one that is too low, for example: \
             sudo sysctl user.max_user_namespaces=10000"
        }
        (Step::Namespaces, EINVAL) => "this kernel was built without some of them; use one that a distribution ships",
        (Step::Namespaces, EPERM | EACCES) if !geteuid().is_root() => {
            "run as root: sudo env HOME=\"$HOME\" PATH=\"$PATH\" make run; or run outside containers and chroots, \
             where users may create user namespaces (before Debian 11: sudo sysctl kernel.unprivileged_userns_clone=1)"
        }
        // AppArmor lets a user create a user namespace, but refuses every privilege in it.
        (Step::Map, EPERM | EACCES) => {
            "run as root: sudo env HOME=\"$HOME\" PATH=\"$PATH\" make run; or, on Ubuntu 24.04 and newer, let users do \
             it: sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0"
        }
        (Step::Mounts, EINVAL) => {
            "the root directory is not a mount point, as in a chroot: first bind-mount it on itself"
        }
        // In a user namespace, a new /proc must not show what existing ones hide (mount_too_revealing in Linux).
        (Step::Proc, EPERM) => {
            "something is mounted over a part of /proc, as in a container: run as root outside one, or in one \
             without such mounts (docker run --privileged, or --security-opt systempaths=unconfined)"
        }
        (Step::Pause, ENOENT | ENOEXEC) => "it must be a static program for this machine",
        (Step::Command, ENOENT) => "install it, or correct its name",
        (Step::Pause | Step::Command, EACCES) => {
            "make it executable (chmod +x), on a file system without noexec, in directories that you may enter"
        }
        (_, EPERM | EACCES) => {
            "a privilege is missing here, as in a container: run as root outside one, or in one with every \
             privilege (docker run --privileged)"
        }
        _ => "",
    }
}
