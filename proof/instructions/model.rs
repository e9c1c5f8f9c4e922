//! The model: in which states pause can be, what can happen in each, and how that ends. docs/how-it-works.md shows it
//! as a table, [`table`] writes that, and [`rest_after`] is what every trial is held to.

use std::fmt;

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

/// Which calls pause makes as PID 1, in order, each with the first argument that matters, and in which state it is
/// until the call has returned. (The last one does not return.)
pub const CALLS: [(State, i64, Option<i32>); 7] = [
    (BeforeTerm, libc::SYS_rt_sigaction, Some(libc::SIGTERM)),
    (BeforeInt, libc::SYS_rt_sigaction, Some(libc::SIGINT)),
    (BeforeUnblocking, libc::SYS_rt_sigprocmask, Some(libc::SIG_SETMASK)),
    (BeforeChld, libc::SYS_getpid, None),
    (BeforeChld, libc::SYS_rt_sigaction, Some(libc::SIGCHLD)),
    (BeforeSleep, libc::SYS_wait4, Some(-1)),
    (BeforeSleep, crate::tracee::SLEEP, None),
];

/// What can happen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// A signal from outside the namespace; SIGSTOP is [`Event::StopAndContinue`].
    Signal(i32),
    /// All [`others`], one after the other.
    Others,
    /// A signal from inside.
    FromInside(i32),
    TermAndInt,
    /// SIGTERM, which was blocked by the process that executed pause, as SIGINT and SIGCHLD were.
    BlockedTerm,
    /// So many orphans die, one after the other.
    Deaths(usize),
    /// An orphan with another exit signal dies before its parent does, and so comes to PID 1 dead.
    OddDeath,
    DeathAndTerm,
    StopAndContinue,
    FreezeAndThaw,
    /// The tracer ends, and does not let go before.
    TracerEnds,
    /// Another writer fills stderr, and SIGTERM comes.
    FullStderrAndTerm,
}

use Event::*;

/// How it goes on: the state in which it comes to rest, or its end, as a shell gives it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rest {
    In(State),
    Ends(i32),
}

/// What becomes of pause when `event` happens in `state`.
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
        Others | StopAndContinue | FreezeAndThaw | TracerEnds => undisturbed,
    }
}

/// The same when `first` has happened at the same place and has started no handler.
pub fn rest_after_both(state: State, first: Event, event: Event) -> Rest {
    let after_first = rest_after(state, first);
    if does_nothing(state, event) { after_first } else { rest_after(state, event) }
}

/// Whether pause goes on as if `event` had not happened.
pub fn does_nothing(state: State, event: Event) -> bool {
    rest_after(state, event) == rest_after(state, StopAndContinue)
}

/// In which state pause is when `event` has started a handler in `state`.
pub fn in_handler_of(event: Event) -> State {
    match event {
        Deaths(_) | OddDeath => AsleepAfterDeath,
        _ => ShuttingDown,
    }
}

/// Single events, each of which is tried everywhere, as is each of [`others`].
pub const NAMED: [Event; 14] = [
    Signal(libc::SIGTERM),
    FromInside(libc::SIGTERM),
    BlockedTerm,
    Signal(libc::SIGINT),
    TermAndInt,
    Deaths(1),
    Signal(libc::SIGCHLD),
    DeathAndTerm,
    Signal(libc::SIGKILL),
    FromInside(libc::SIGKILL),
    FromInside(libc::SIGSTOP),
    StopAndContinue,
    FreezeAndThaw,
    TracerEnds,
];

/// The signals that do nothing anywhere.
pub fn others() -> Vec<i32> {
    let named = [libc::SIGTERM, libc::SIGINT, libc::SIGCHLD, libc::SIGKILL, libc::SIGSTOP];
    (1..=64).filter(|signal| !named.contains(signal)).collect()
}

/// Of pairs, the first.
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

/// Of pairs, the second.
pub const SECOND: [Event; 10] = {
    let [a, b, c, d, e, f, g, h] = PAIRED;
    [a, b, c, d, e, f, g, h, Signal(libc::SIGKILL), FullStderrAndTerm]
};

/// For docs/how-it-works.md.
pub fn table() -> String {
    let columns: [(&str, Event); 5] = [
        ("SIGTERM", Signal(libc::SIGTERM)),
        ("SIGINT", Signal(libc::SIGINT)),
        ("an orphan dies", Deaths(1)),
        ("SIGKILL from outside", Signal(libc::SIGKILL)),
        ("any other signal, a stop, a freeze", StopAndContinue),
    ];
    let mut table = format!("| state |{}\n|---|", columns.map(|(name, _)| format!(" {name} |")).concat());
    table += &"---|".repeat(columns.len());
    for state in STATES {
        table += &format!("\n| {state} |");
        for (_, event) in columns {
            let lost = matches!(event, Signal(libc::SIGTERM | libc::SIGINT))
                && matches!(rest_after(state, event), Rest::In(_));
            let rest = match rest_after(state, event) {
                _ if lost => "lost".to_owned(),
                rest => rest.to_string(),
            };
            table += &format!(" {rest} |");
        }
    }
    table + "\n"
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
