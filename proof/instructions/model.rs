//! The model: the states of pause, what can happen in each, and how that ends. [`rest_after`] returns how every trial
//! must end, and [`table`] writes the table in docs/how-it-works.md.

use std::fmt;

use kit::calls;
use nix::libc;

/// Where pause is between `execve` and its end, in order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    BeforeTerm,
    BeforeInt,
    BeforeUnblocking,
    BeforeChld,
    BeforeSleep,
    Asleep,
    AsleepAfterDeath,
    ShuttingDown,
}

use State::*;

pub const STATES: [State; 8] =
    [BeforeTerm, BeforeInt, BeforeUnblocking, BeforeChld, BeforeSleep, Asleep, AsleepAfterDeath, ShuttingDown];

/// A system call: the state until it has returned, its number, and its first argument if that matters.
pub type Expected = (State, i64, Option<i32>);

/// The system calls that pause makes as PID 1, in order. (The last one does not return.)
pub const CALLS: [Expected; 7] = [
    (BeforeTerm, libc::SYS_rt_sigaction, Some(libc::SIGTERM)),
    (BeforeInt, libc::SYS_rt_sigaction, Some(libc::SIGINT)),
    (BeforeUnblocking, libc::SYS_rt_sigprocmask, Some(libc::SIG_SETMASK)),
    (BeforeChld, libc::SYS_getpid, None),
    (BeforeChld, libc::SYS_rt_sigaction, Some(libc::SIGCHLD)),
    (BeforeSleep, libc::SYS_wait4, Some(-1)),
    (BeforeSleep, crate::tracee::SLEEP, None),
];

/// The system calls that it makes when it is not PID 1: it also warns.
pub fn calls_when_not_pid_1() -> Vec<Expected> {
    let warning = [(BeforeChld, calls::POLL, None), (BeforeChld, libc::SYS_write, Some(libc::STDERR_FILENO))];
    let (before, after) = CALLS.split_at(4);
    [before, &warning, after].concat()
}

/// What can happen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// A signal from outside the namespace; SIGSTOP is [`Event::StopAndContinue`].
    Signal(i32),
    /// All signals of [`others`], one after another.
    Others,
    /// A signal from inside.
    FromInside(i32),
    TermAndInt,
    /// SIGTERM, blocked like SIGINT and SIGCHLD by the process that executed pause.
    BlockedTerm,
    /// This many orphans die, one after another.
    Deaths(usize),
    /// A process with another exit signal dies before its parent, and so is dead when it becomes a child of PID 1.
    OddDeath,
    /// An orphan is stopped, and lives on.
    OrphanStops,
    DeathAndTerm,
    StopAndContinue,
    FreezeAndThaw,
    /// The tracer ends without detaching first.
    TracerEnds,
    /// Another writer fills stderr, and SIGTERM arrives.
    FullStderrAndTerm,
}

use Event::*;

/// The outcome: the state in which pause comes to rest, or its exit status, as in a shell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rest {
    In(State),
    Ends(i32),
}

/// Returns the outcome if `event` happens in `state`.
pub fn rest_after(state: State, event: Event) -> Rest {
    let handles = |signal| match signal {
        libc::SIGTERM => state != BeforeTerm,
        libc::SIGINT => ![BeforeTerm, BeforeInt].contains(&state),
        libc::SIGCHLD => [BeforeSleep, Asleep, AsleepAfterDeath].contains(&state),
        _ => false,
    };
    let undisturbed = match state {
        ShuttingDown => Rest::Ends(0),
        AsleepAfterDeath => Rest::In(AsleepAfterDeath),
        _ => Rest::In(Asleep),
    };
    let ends = |signal, otherwise| if handles(signal) { Rest::Ends(0) } else { otherwise };
    let after_death = if handles(libc::SIGCHLD) { Rest::In(AsleepAfterDeath) } else { undisturbed };
    match event {
        BlockedTerm => Rest::Ends(0),
        Signal(libc::SIGKILL) => Rest::Ends(128 + libc::SIGKILL),
        Signal(libc::SIGCHLD) | Deaths(_) | OddDeath => after_death,
        DeathAndTerm => ends(libc::SIGTERM, after_death),
        TermAndInt | FullStderrAndTerm => ends(libc::SIGTERM, undisturbed),
        Signal(signal) | FromInside(signal) => ends(signal, undisturbed),
        Others | OrphanStops | StopAndContinue | FreezeAndThaw | TracerEnds => undisturbed,
    }
}

/// Returns the outcome if `first` has already happened at the same place and has started no handler.
pub fn rest_after_both(state: State, first: Event, event: Event) -> Rest {
    let after_first = rest_after(state, first);
    if does_nothing(state, event) { after_first } else { rest_after(state, event) }
}

/// Returns whether pause continues as if `event` had not happened.
pub fn does_nothing(state: State, event: Event) -> bool {
    rest_after(state, event) == rest_after(state, StopAndContinue)
}

/// Returns the state of pause in the handler that `event` starts.
pub fn in_handler_of(event: Event) -> State {
    match event {
        Deaths(_) | OddDeath => AsleepAfterDeath,
        _ => ShuttingDown,
    }
}

/// Returns the single events. Each is tried everywhere, like each of [`others`].
pub const NAMED: [Event; 16] = [
    Signal(libc::SIGTERM),
    FromInside(libc::SIGTERM),
    BlockedTerm,
    Signal(libc::SIGINT),
    TermAndInt,
    Deaths(1),
    OddDeath,
    OrphanStops,
    Signal(libc::SIGCHLD),
    DeathAndTerm,
    Signal(libc::SIGKILL),
    FromInside(libc::SIGKILL),
    FromInside(libc::SIGSTOP),
    StopAndContinue,
    FreezeAndThaw,
    TracerEnds,
];

/// Returns the signals that never have an effect.
pub fn others() -> Vec<i32> {
    let named = [libc::SIGTERM, libc::SIGINT, libc::SIGCHLD, libc::SIGKILL, libc::SIGSTOP];
    (1..=64).filter(|signal| !named.contains(signal)).collect()
}

/// Returns the first events of pairs.
pub const PAIRED: [Event; 8] = [
    Signal(libc::SIGTERM),
    Signal(libc::SIGINT),
    Deaths(1),
    Deaths(2),
    Signal(libc::SIGHUP),
    StopAndContinue,
    FreezeAndThaw,
    OddDeath,
];

/// Returns the second events of pairs.
pub const SECOND: [Event; 10] = {
    let [a, b, c, d, e, f, g, h] = PAIRED;
    [a, b, c, d, e, f, g, h, Signal(libc::SIGKILL), FullStderrAndTerm]
};

/// Writes the table in docs/how-it-works.md: a line for each row, titles first, with a | between cells.
pub fn table() -> String {
    let columns: [(&str, Event); 4] = [
        ("SIGTERM", Signal(libc::SIGTERM)),
        ("SIGINT", Signal(libc::SIGINT)),
        ("an orphan dies", Deaths(1)),
        ("any other signal, a stop, a freeze", StopAndContinue),
    ];
    let titles = format!("state|{}\n", columns.map(|(name, _)| name).join("|"));
    let row = |state: State| {
        let cells = columns.map(|(_, event)| {
            let is_term = matches!(event, Signal(libc::SIGTERM | libc::SIGINT));
            match rest_after(state, event) {
                Rest::In(_) if is_term => "lost".to_owned(),
                rest => rest.to_string(),
            }
        });
        format!("{state}|{}\n", cells.join("|"))
    };
    titles + &STATES.map(row).concat()
}

impl fmt::Display for State {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(match self {
            BeforeTerm => "before the handler of TERM",
            BeforeInt => "before the handler of INT",
            BeforeUnblocking => "before unblocking",
            BeforeChld => "before the handler of CHLD",
            BeforeSleep => "before sleep",
            Asleep => "asleep",
            AsleepAfterDeath => "asleep after the first death",
            ShuttingDown => "shutting down",
        })
    }
}

impl fmt::Display for Rest {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::In(state) => state.fmt(formatter),
            Self::Ends(code) => write!(formatter, "ends with {code}"),
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Signal(signal) => formatter.write_str(&name(*signal)),
            Others => write!(formatter, "{} other signals", others().len()),
            FromInside(signal) => write!(formatter, "{} from inside", name(*signal)),
            TermAndInt => formatter.write_str("SIGTERM and SIGINT"),
            BlockedTerm => formatter.write_str("SIGTERM, blocked before execve"),
            Deaths(1) => formatter.write_str("a death"),
            Deaths(count) => write!(formatter, "{count} deaths"),
            OddDeath => formatter.write_str("a death with another exit signal"),
            OrphanStops => formatter.write_str("an orphan is stopped"),
            DeathAndTerm => formatter.write_str("a death, then SIGTERM"),
            StopAndContinue => formatter.write_str("SIGSTOP, then SIGCONT"),
            FreezeAndThaw => formatter.write_str("freeze, then thaw"),
            TracerEnds => formatter.write_str("the tracer ends"),
            FullStderrAndTerm => formatter.write_str("stderr is full, then SIGTERM"),
        }
    }
}

fn name(signal: i32) -> String {
    nix::sys::signal::Signal::try_from(signal).map_or(format!("signal {signal}"), |signal| signal.to_string())
}
