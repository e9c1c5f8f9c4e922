//! A trial: starts a program, stops it at one place, and causes an event there.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::{fmt, fs, thread};

use kit::cgroup::{Cgroup, Group};
use kit::process::{Process, bit, command, state};
use kit::wait::within_10_s;
use nix::libc;
use nix::sys::personality::Persona;
use nix::sys::ptrace::Options;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::model::{self, Event, Rest, State};
use crate::tracee::{Stop, Tracee, is_asleep};

/// Where the program is when the event happens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// After `calls` starts and returns of system calls and then `steps` steps. If both are 0, it is still in the
    /// kernel, at the end of `execve`.
    Stopped {
        calls: usize,
        steps: usize,
    },
    Asleep,
    /// It has slept, an orphan has died, and it sleeps again.
    AsleepAfterDeath,
}

/// What was seen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Seen {
    Rest(Rest),
    /// It sleeps, or is stopped after it has installed its handler for SIGCHLD, and has this many zombies.
    Zombies(usize),
    /// It came to rest, but then SIGTERM did not end it.
    Deaf,
    /// Something else went wrong.
    Other(String),
    /// Nothing, because too many earlier trials did not end.
    NotTried,
}

/// What a worker needs for its trials.
pub struct Bench {
    program: PathBuf,
    cgroup: Cgroup,
    killer: Killer,
}

impl Bench {
    pub fn new(program: &Path) -> Self {
        Self { program: program.to_owned(), cgroup: Cgroup::new(), killer: Killer::start() }
    }

    /// Lets `event` happen at `place`.
    pub fn single(&self, place: Place, event: Event) -> Seen {
        if event == Event::TracerEnds {
            let program = &*self.program;
            let process =
                thread::scope(|scope| scope.spawn(|| trace_and_end(program, place)).join()).expect("no panic");
            within_10_s("it is no longer traced", || (process.status().tracerpid == 0).then_some(()));
            return end(process);
        }
        let tracee = start(&self.program, place, &[event], Options::PTRACE_O_EXITKILL);
        self.happen(place, tracee, &[event])
    }

    /// Sends SIGTERM after `steps` steps of the program, which is not PID 1.
    pub fn not_pid_1(&self, steps: usize) -> Seen {
        let program = command([&self.program]);
        let tracee = Tracee::start(Process::start, "", &program, Options::PTRACE_O_EXITKILL);
        tracee.steps(steps);
        self.begin(Event::Signal(libc::SIGTERM), &tracee.process);
        end(tracee.let_go())
    }

    /// Returns the number of places in the handler that `first` starts at `place`; none if it starts no handler.
    pub fn handler(&self, place: Place, first: Event) -> Option<usize> {
        let options = Options::PTRACE_O_EXITKILL | Options::PTRACE_O_TRACEEXIT;
        let tracee = start(&self.program, place, &[first], options);
        let starts = self.enter_handler(place, &tracee, first);
        let places = starts.then(|| 1 + (0..).take_while(|_| tracee.step_or_sleep() == Stop::Step).count());
        tracee.let_go(); // if it is stopped while it ends, a kill does not continue it
        places
    }

    /// Lets `first` happen at `place`, and `second` after `steps` steps of the handler that it starts, or immediately
    /// if it starts none.
    pub fn pair(&self, place: Place, first: Event, steps: Option<usize>, second: Event) -> Seen {
        let tracee = start(&self.program, place, &[first, second], Options::PTRACE_O_EXITKILL);
        let Some(steps) = steps else { return self.happen(place, tracee, &[first, second]) };
        assert!(self.enter_handler(place, &tracee, first), "a handler, as before");
        tracee.steps(steps);
        self.happen(Place::Stopped { calls: 0, steps }, tracee, &[second])
    }

    /// Sends SIGTERM to the sleeping program, and again at the first instruction of each handler that this starts,
    /// until its stack has no room for another; the last SIGTERM is delivered when it runs untraced. Returns how many
    /// handlers were on its stack, and how it ended.
    pub fn flood(&self) -> (usize, Seen) {
        let nest = |count| {
            let tracee = start(&self.program, Place::Asleep, &[], Options::PTRACE_O_EXITKILL);
            let mut nested = 0;
            tracee.to_sleep(None);
            while nested < count {
                self.begin(Event::Signal(libc::SIGTERM), &tracee.process);
                let stop = if nested == 0 { tracee.stop() } else { tracee.step(None) };
                assert_eq!(stop, Stop::Signal(Signal::SIGTERM));
                if tracee.step(Some(Signal::SIGTERM)) != Stop::Step {
                    break;
                }
                nested += 1;
            }
            (nested, tracee)
        };
        // Gives both programs a stack of the same size: otherwise the kernel moves its top by up to 8 KiB at random.
        nix::sys::personality::set(Persona::ADDR_NO_RANDOMIZE).expect("it may be set");
        let (room, _) = nest(usize::MAX);
        let (_, full) = nest(room);
        (room, self.happen(Place::Stopped { calls: 0, steps: 0 }, full, &[Event::Signal(libc::SIGTERM)]))
    }

    /// Lets `first` happen, and the program run to the first instruction of its handler for it. Returns false if it has
    /// no handler.
    fn enter_handler(&self, place: Place, tracee: &Tracee, first: Event) -> bool {
        let signal = match first {
            Event::Signal(signal) => Signal::try_from(signal).expect("a named one"),
            Event::Deaths(_) | Event::OddDeath => Signal::SIGCHLD,
            _ => return false,
        };
        if place == Place::Asleep {
            tracee.to_sleep(None);
        }
        if tracee.process.status().sigcgt & bit(signal) == 0 {
            return false;
        }
        self.begin(first, &tracee.process);
        let stop = if place == Place::Asleep { tracee.stop() } else { tracee.step(None) };
        assert_eq!(stop, Stop::Signal(signal));
        tracee.step(Some(signal)) == Stop::Step
    }

    /// Lets `events` happen and the program run to its end or rest. A stopped program is let go once they have begun.
    fn happen(&self, place: Place, tracee: Tracee, events: &[Event]) -> Seen {
        let stopped = matches!(place, Place::Stopped { .. });
        let process; // declared before the guard, so that it is dropped after it
        let _thaw = Thaw(&self.cgroup.pid1);
        if stopped {
            let reaps = tracee.process.status().sigcgt & bit(Signal::SIGCHLD) != 0;
            events.iter().for_each(|&event| self.begin(event, &tracee.process));
            // Once its handler is installed, the kernel must release dead children even while it is stopped.
            let zombies = if reaps { tracee.process.zombies() } else { 0 };
            process = tracee.let_go();
            if zombies > 0 {
                return Seen::Zombies(zombies);
            }
        } else {
            process = tracee.let_go();
            within_10_s("it sleeps", || is_asleep(&process).then_some(()));
            if place == Place::AsleepAfterDeath {
                die(&process);
                within_10_s("it sleeps again", || (rest(&process) == Some(State::AsleepAfterDeath)).then_some(()));
            }
            events.iter().for_each(|&event| self.begin(event, &process));
        }
        // A frozen program does not reach the stop, so it is thawed first.
        let (stops, others): (Vec<Event>, Vec<Event>) =
            events.iter().partition(|&&event| event == Event::StopAndContinue);
        others.into_iter().chain(stops).for_each(|event| self.finish(event, &process));
        end(process)
    }

    /// Causes the part of `event` that happens while the program is stopped or sleeps.
    fn begin(&self, event: Event, process: &Process) {
        let send = |signal| self.killer.kill(&[signal], process.id());
        match event {
            Event::Signal(signal) => send(signal),
            Event::Others => self.killer.kill(&model::others(), process.id()),
            Event::BlockedTerm => send(libc::SIGTERM),
            Event::TermAndInt => [libc::SIGTERM, libc::SIGINT].into_iter().for_each(send),
            Event::Deaths(count) => (0..count).for_each(|_| die(process)),
            Event::OddDeath => die_oddly(process),
            Event::OrphanStops => stop_orphan(process),
            Event::DeathAndTerm => {
                die(process);
                send(libc::SIGTERM);
            }
            Event::StopAndContinue => send(libc::SIGSTOP),
            Event::FreezeAndThaw | Event::FromInside(_) => {
                self.cgroup.pid1.admit(process.id());
                self.cgroup.pid1.freeze();
            }
            Event::FullStderrAndTerm => {
                fill_stderr(process);
                send(libc::SIGTERM);
            }
            Event::TracerEnds => unreachable!("see single()"),
        }
    }

    /// Causes the part of `event` that happens once the program runs untraced. A signal from inside must find it
    /// untraced: a traced PID 1 gets signals that are dropped otherwise (`sig_ignored`, kernel/signal.c), and SIGSTOP
    /// would act.
    fn finish(&self, event: Event, process: &Process) {
        match event {
            Event::StopAndContinue => {
                // SIGSTOP again, because another such event at the same place may have continued it.
                self.killer.kill(&[libc::SIGSTOP], process.id());
                within_10_s("it is stopped or has ended", || {
                    process.status().state.starts_with(['T', 'Z']).then_some(())
                });
                self.killer.kill(&[libc::SIGCONT], process.id());
            }
            Event::FreezeAndThaw => self.cgroup.pid1.thaw(),
            Event::FromInside(signal) => {
                let sent = process.inside(command(["sh", "-c", &format!("kill -{signal} 1")]));
                assert_eq!(sent.code, Some(0), "{sent:?}");
                self.cgroup.pid1.thaw();
            }
            _ => (),
        }
    }
}

/// Starts `program` with as many orphans as `events` need at `place`. If `place` is one where it is stopped,
/// brings it there.
fn start(program: &Path, place: Place, events: &[Event], options: Options) -> Tracee {
    let died_before = usize::from(place == Place::AsleepAfterDeath);
    let orphans = died_before + events.iter().map(|&event| orphans_of(event)).sum::<usize>();
    let odd = events.iter().filter(|&&event| event == Event::OddDeath).count();
    let mut before = "(sleep 1000 &); ".repeat(orphans);
    before += &ODD_ORPHAN.replace("CLONE", &libc::SYS_clone.to_string()).repeat(odd);
    let mut words: Vec<&OsStr> = vec![program.as_ref()];
    if events.contains(&Event::BlockedTerm) {
        words.splice(0..0, ["env", "--block-signal=TERM,INT,CHLD"].map(OsStr::new));
    }
    let tracee = Tracee::start(Process::pid1, &before, &command(words), options);
    if let Place::Stopped { calls, steps } = place {
        (0..calls).for_each(|_| assert_eq!(tracee.to_call(), Stop::Step));
        tracee.steps(steps);
    }
    tracee
}

/// Brings `program` to `place` and leaves it traced. The thread that calls this is the tracer and must then end.
fn trace_and_end(program: &Path, place: Place) -> Process {
    let tracee = start(program, place, &[], Options::empty());
    if matches!(place, Place::Stopped { .. }) {
        tracee.interrupt();
        return tracee.process;
    }
    tracee.to_sleep(None);
    if place == Place::AsleepAfterDeath {
        die(&tracee.process);
        assert_eq!(tracee.stop(), Stop::Signal(Signal::SIGCHLD));
        tracee.to_sleep(Some(Signal::SIGCHLD));
    }
    tracee.process
}

/// Makes an orphan with a child whose exit signal is SIGUSR1 and which dies at once.
const ODD_ORPHAN: &str = r#"
    (perl -e '$SIG{USR1} = "IGNORE"; my $child = syscall CLONE, 10, 0, 0, 0, 0; kill 9, $$ if !$child; sleep 1000' &); "#;

fn orphans_of(event: Event) -> usize {
    match event {
        Event::Deaths(count) => count,
        Event::DeathAndTerm | Event::OrphanStops => 1,
        _ => 0,
    }
}

/// Kills the first living orphan, and waits until it is a zombie or gone.
fn die(process: &Process) {
    kill_orphan(&living_orphan(process));
}

/// Stops it, and waits until it is stopped.
fn stop_orphan(process: &Process) {
    let pid = living_orphan(process);
    kill(Pid::from_raw(pid.parse().expect("a PID")), Signal::SIGSTOP).expect("it lives");
    within_10_s("it is stopped", || (state(&pid) == Some('T')).then_some(()));
}

fn living_orphan(process: &Process) -> String {
    process.children().into_iter().find(|pid| state(pid) != Some('Z')).expect("an orphan")
}

/// Kills the last living orphan when its child is dead.
fn die_oddly(process: &Process) {
    let parent = process.children().into_iter().rfind(|pid| state(pid) != Some('Z')).expect("an orphan");
    let dead_child = || {
        let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).ok()?;
        (state(children.trim()) == Some('Z')).then_some(())
    };
    within_10_s("its child is dead", dead_child);
    kill_orphan(&parent);
}

fn kill_orphan(pid: &str) {
    kill(Pid::from_raw(pid.parse().expect("a PID")), Signal::SIGKILL).expect("it lives");
    within_10_s("it is dead", || matches!(state(pid), None | Some('Z')).then_some(()));
}

/// Fills stderr through another descriptor, which does not block.
fn fill_stderr(process: &Process) {
    let stderr = format!("/proc/{}/fd/2", process.id());
    let mut stderr = File::options().write(true).custom_flags(libc::O_NONBLOCK).open(stderr).expect("a pipe");
    for size in [4096, 1] {
        while stderr.write(&vec![b'.'; size]).map_err(|error| error.kind()) != Err(ErrorKind::WouldBlock) {}
    }
}

/// Returns the state in which the program sleeps; none if it does not sleep.
fn rest(process: &Process) -> Option<State> {
    let ignored = |process: &Process| process.status().sigign & bit(Signal::SIGCHLD) != 0;
    is_asleep(process).then(|| if ignored(process) { State::AsleepAfterDeath } else { State::Asleep })
}

/// Waits for the outcome. If the program sleeps, SIGTERM must end it.
fn end(mut process: Process) -> Seen {
    let seen = within_10_s("it ends or sleeps", || {
        if let Some(code) = process.status_if_over() {
            return Some(Seen::Rest(Rest::Ends(code)));
        }
        let state = rest(&process)?;
        let zombies = process.zombies();
        Some(if zombies > 0 { Seen::Zombies(zombies) } else { Seen::Rest(Rest::In(state)) })
    });
    if !matches!(seen, Seen::Rest(Rest::In(_))) {
        return seen;
    }
    process.signal(Signal::SIGTERM);
    if process.is_ended_by_sigterm() { seen } else { Seen::Deaf }
}

/// Thaws the group when dropped: under cgroups v1, nothing that is frozen can be killed.
struct Thaw<'a>(&'a Group);

impl Drop for Thaw<'_> {
    fn drop(&mut self) {
        self.0.thaw();
    }
}

/// A shell that sends signals by their numbers, because safe calls exist only for named ones.
struct Killer {
    shell: Child,
    ends: std::cell::RefCell<(ChildStdin, BufReader<ChildStdout>)>,
}

impl Killer {
    fn start() -> Self {
        let script = r#"while read -r pid signals; do for s in $signals; do kill -$s $pid || exit; done; echo; done"#;
        let mut shell = Command::new("sh");
        shell.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut shell = shell.spawn().expect("a shell");
        let ends = (shell.stdin.take().expect("a pipe"), BufReader::new(shell.stdout.take().expect("a pipe")));
        Self { shell, ends: ends.into() }
    }

    fn kill(&self, signals: &[i32], pid: i32) {
        let (commands, answers) = &mut *self.ends.borrow_mut();
        let words: Vec<String> = [pid].iter().chain(signals).map(i32::to_string).collect();
        writeln!(commands, "{}", words.join(" ")).expect("it reads");
        let mut answer = String::new();
        answers.read_line(&mut answer).expect("an answer");
        assert_eq!(answer, "\n", "signals {signals:?} are sent");
    }
}

impl Drop for Killer {
    fn drop(&mut self) {
        _ = self.shell.kill();
        _ = self.shell.wait();
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Rest(rest) => rest.fmt(formatter),
            Self::Zombies(count) => write!(formatter, "zombies: {count}"),
            Self::Deaf => formatter.write_str("asleep, and not ended by SIGTERM then"),
            Self::Other(what) => formatter.write_str(what),
            Self::NotTried => formatter.write_str("not tried after the others"),
        }
    }
}
