//! Tests what pause does if an event happens at any of its instructions: `make instructions`.
//!
//! Each trial starts pause as PID 1 of a PID namespace, steps through it from `execve` to one place, causes an event
//! there, and lets it run. [`model`] says how that must end, and docs/how-it-works.md shows the model as a table.

mod model;
mod survey;
mod tracee;
mod trial;

use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread::{self, available_parallelism};
use std::time::Instant;
use std::{env, fs};

use build::root;
use kit::process::Process;
use kit::wait::message;
use kit::{cgroup, peers, process, skip};
use model::{CALLS, Event, PAIRED, Rest, State};
use nix::libc;
use survey::Survey;
use trial::{Bench, Place, Seen};

const USAGE: &str = "usage: instructions [--pairs | --together | --table] [PROGRAM]
  --pairs: two events, the second in the handler that the first starts; --together: sends the signals without effect
  all at once; --table: prints the model, as states.txt keeps it; PROGRAM: is run instead of pause";

/// The file of the model, for the table in docs/how-it-works.md.
const STATES: &str = "proof/figures/samples/states.txt";

/// How many instructions may come before SIGTERM is handled: those that enter the program and install the handler.
const MOST_UNHANDLED: usize = 60;

/// The number of trials of a row after which a line reports progress.
const PROGRESS: usize = 10_000;

/// How many failures of a row are shown. If more trials than this panic, mostly because of a timeout, the rest of the
/// row is skipped.
const SHOWN: usize = 4;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (option, program) = match arguments[..] {
        [option, program] if option.starts_with("--") => (option, Some(program)),
        [option] if option.starts_with("--") => (option, None),
        [program] => ("", Some(program)),
        _ => ("", None),
    };
    if arguments.len() > 2 || !["", "--pairs", "--together", "--table"].contains(&option) {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    }
    if option == "--table" {
        print!("{}", model::table());
        return ExitCode::SUCCESS;
    }
    if let Some(missing) = program.filter(|program| !Path::new(program).is_file()) {
        eprintln!("instructions: there is no file {missing}; {USAGE}");
        return ExitCode::from(2);
    }
    if !skip::has_namespaces() || !cgroup::can_be_made() || option == "--pairs" && !skip::has("perl") {
        return ExitCode::SUCCESS;
    }
    cgroup::clean_up_on_signals();
    let passed = match program {
        Some(program) => trials(Path::new(program), option),
        None => is_documented() & trials(peers::ours(), option) & (option == "--pairs" || controls()),
    };
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Returns whether the table in docs/how-it-works.md matches the model.
fn is_documented() -> bool {
    let same = fs::read_to_string(root().join(STATES)).is_ok_and(|states| states == model::table());
    if !same {
        println!(
            "FAILED: {STATES} is out of date: run `cargo test -qp instructions -- --table >{STATES}` and `make docs`"
        );
    }
    same
}

/// Runs all trials of `program` and prints them as a table. Returns whether they passed.
fn trials(program: &Path, option: &str) -> bool {
    let start = Instant::now();
    let survey = Survey::of(Process::pid1, program);
    let last = survey.spots.last().expect("a spot");
    println!("{} instructions from execve to sleep, {} system calls", last.executed + 1, survey.calls.len());
    let mut differences = survey.differences(&CALLS);
    let unhandled = survey.spots.iter().filter(|spot| survey.state(spot) == State::BeforeTerm).count();
    if unhandled > MOST_UNHANDLED {
        differences.push(format!("{unhandled} instructions before the handler of TERM, not {MOST_UNHANDLED} at most"));
    }
    differences.iter().for_each(|difference| println!("FAILED: {difference}"));
    let table = Table { program, survey: &survey };
    let (trials, failed) = match option {
        "--pairs" => table.all_pairs(),
        _ => table.singles(option == "--together"),
    };
    println!("{trials} trials, {failed} failed, {} s", start.elapsed().as_secs());
    failed == 0 && differences.is_empty() && (option == "--pairs" || flood(program) & not_as_pid_1(program))
}

/// Tries the program where it is not PID 1, and warns: SIGTERM ends it at each instruction; by default until its
/// handler is installed.
fn not_as_pid_1(program: &Path) -> bool {
    let survey = Survey::of(Process::start, program);
    let mut failures = survey.differences(&model::calls_when_not_pid_1());
    let steps: Vec<usize> = (0..survey.spots.len()).collect();
    let seen = in_parallel(program, &steps, |bench, &steps| bench.not_pid_1(steps));
    for (spot, seen) in survey.spots.iter().zip(seen) {
        let right = if spot.returned == 0 { 128 + libc::SIGTERM } else { 0 };
        if seen != Seen::Rest(Rest::Ends(right)) {
            failures.push(format!("SIGTERM at instruction {} (+{:#x}): {seen}", spot.executed, spot.address));
        }
    }
    println!("not as PID 1: SIGTERM at {} instructions, {} failures", steps.len(), failures.len());
    failures.iter().for_each(|failure| println!("FAILED: not as PID 1: {failure}"));
    failures.is_empty()
}

/// Checks what a flood of SIGTERMs does: SIGSEGV ends the program, because each SIGTERM that arrives in a handler takes
/// up stack.
fn flood(program: &Path) -> bool {
    let run = || Bench::new(program).flood();
    let (room, seen) =
        panic::catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| (0, Seen::Other(message(panic))));
    println!("SIGTERM again and again at the first instruction of its handler: {seen} after {room} handlers");
    let right = seen == Seen::Rest(Rest::Ends(128 + libc::SIGSEGV)) && room > 100;
    if !right {
        println!("FAILED: it must end by SIGSEGV, after more than 100 handlers");
    }
    right
}

struct Table<'a> {
    program: &'a Path,
    survey: &'a Survey,
}

/// A place where events happen, and its description.
#[derive(Clone)]
struct Site {
    place: Place,
    state: State,
    /// Its short name: how many instructions have been executed, or the state.
    at: String,
    /// Its full name.
    name: String,
}

/// A trial, and how it must end.
struct Trial {
    site: Site,
    first: Option<Event>,
    /// How many steps into the handler of `first` the event happens; none if there is no such handler.
    steps: Option<usize>,
    event: Event,
    expected: Rest,
}

impl Table<'_> {
    /// Tries each event at each site.
    fn singles(&self, together: bool) -> (usize, usize) {
        let named = possible(&model::NAMED);
        let others: Vec<Event> = model::others().into_iter().map(Event::Signal).collect();
        let mut rows: Vec<(String, Vec<Event>)> = named.iter().map(|&event| (event.to_string(), vec![event])).collect();
        rows.push(match together {
            true => (Event::Others.to_string(), vec![Event::Others]),
            false => (format!("each of {} other signals", others.len()), others),
        });
        let mut sum = (0, 0);
        for (name, events) in rows {
            let single = |site: &Site, event| {
                let expected = model::rest_after(site.state, event);
                Trial { site: site.clone(), first: None, steps: None, event, expected }
            };
            let sites = self.sites();
            let trials = events.iter().flat_map(|&event| sites.iter().map(move |site| single(site, event)));
            add(&mut sum, self.row(&name, trials.collect()));
        }
        let asleep: Vec<Site> = self.sites().into_iter().filter(|site| site.place == Place::Asleep).collect();
        add(&mut sum, self.pairs(&[Event::Signal(libc::SIGTERM), Event::Deaths(1)], &asleep));
        sum
    }

    /// Tries pairs of events; the first one happens at each site.
    fn all_pairs(&self) -> (usize, usize) {
        let mut sites = self.sites();
        sites.retain(|site| site.place != Place::AsleepAfterDeath);
        self.pairs(&PAIRED, &sites)
    }

    /// Lets each of `firsts` happen at each of `sites`, and a second event at each place in the handler that it starts,
    /// or immediately if it starts none.
    fn pairs(&self, firsts: &[Event], sites: &[Site]) -> (usize, usize) {
        let seconds = &possible(&model::SECOND);
        let mut sum = (0, 0);
        for &first in firsts {
            let handlers = in_parallel(self.program, sites, |bench, site| bench.handler(site.place, first));
            let mut trials = Vec::new();
            for (site, handler) in sites.iter().zip(handlers) {
                let steps = handler.map_or(vec![None], |count| (0..count).map(Some).collect());
                for (steps, event) in steps.iter().flat_map(|&steps| seconds.iter().map(move |&event| (steps, event))) {
                    let (expected, name) = match steps {
                        Some(steps) => (
                            model::rest_after(model::in_handler_of(first), event),
                            format!("{}, {first}, {steps} instructions of its handler", site.name),
                        ),
                        None => (model::rest_after_both(site.state, first, event), format!("{}, {first}", site.name)),
                    };
                    let site = Site { name, ..site.clone() };
                    trials.push(Trial { site, first: Some(first), steps, event, expected });
                }
            }
            add(&mut sum, self.row(&format!("{first}, then another"), trials));
        }
        sum
    }

    fn sites(&self) -> Vec<Site> {
        let stopped = self.survey.spots.iter().enumerate().map(|(steps, spot)| {
            let state = self.survey.state(spot);
            let name = format!("instruction {} (+{:#x}, {state})", spot.executed, spot.address);
            Site { place: Place::Stopped { calls: 0, steps }, state, at: spot.executed.to_string(), name }
        });
        let asleep = [(Place::Asleep, State::Asleep), (Place::AsleepAfterDeath, State::AsleepAfterDeath)];
        let asleep = asleep.map(|(place, state)| Site { place, state, at: state.to_string(), name: state.to_string() });
        stopped.chain(asleep).collect()
    }

    /// Runs the trials of a row and prints the row. Returns how many trials there were, and how many failed.
    fn row(&self, name: &str, trials: Vec<Trial>) -> (usize, usize) {
        let start = Instant::now();
        let late = AtomicUsize::new(0);
        let begun = AtomicUsize::new(0);
        let seen = in_parallel(self.program, &trials, |bench, trial| {
            let before = begun.fetch_add(1, Relaxed);
            if before > 0 && before.is_multiple_of(PROGRESS) {
                println!("{name:36} {before:6} of {}, {} s", trials.len(), start.elapsed().as_secs());
            }
            if late.load(Relaxed) > SHOWN {
                return Seen::NotTried;
            }
            let run = || match trial.first {
                None => bench.single(trial.site.place, trial.event),
                Some(first) => bench.pair(trial.site.place, first, trial.steps, trial.event),
            };
            panic::catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
                late.fetch_add(1, Relaxed);
                Seen::Other(message(panic))
            })
        });
        println!("{name:36} {:6} {:4} s  {}", trials.len(), start.elapsed().as_secs(), summary(&trials, &seen));
        let wrong = |(trial, seen): &(&Trial, Seen)| ![Seen::Rest(trial.expected), Seen::NotTried].contains(seen);
        let failures: Vec<_> = trials.iter().zip(seen).filter(wrong).collect();
        for (trial, seen) in failures.iter().take(SHOWN) {
            println!("    FAILED: {} at {}: {seen}, not {}", trial.event, trial.site.name, trial.expected);
        }
        if failures.len() > SHOWN {
            let (last, _) = &failures[failures.len() - 1];
            println!("    FAILED: and {} more, the last one at {}", failures.len() - SHOWN, last.site.name);
        }
        (trials.len(), failures.len())
    }
}

/// Calls `act` for each of `items`, with two workers per CPU. Returns the results in the order of the items.
fn in_parallel<T: Sync, R: Send>(program: &Path, items: &[T], act: impl Fn(&Bench, &T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::new());
    let work = || {
        let bench = Bench::new(program);
        loop {
            let at = next.fetch_add(1, Relaxed);
            let Some(item) = items.get(at) else { break };
            let result = act(&bench, item);
            results.lock().expect("no panic").push((at, result));
        }
    };
    thread::scope(|scope| {
        (0..2 * available_parallelism().map_or(1, usize::from)).for_each(|_| {
            scope.spawn(work);
        })
    });
    let mut results = results.into_inner().expect("no panic");
    results.sort_by_key(|(at, _)| *at);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Returns those of `events` for which this machine has the programs. BusyBox's `env` cannot block signals.
fn possible(events: &[Event]) -> Vec<Event> {
    let can_block = process::run(process::command(["env", "--block-signal=TERM", "true"])).code == Some(0);
    let is_possible = |event: &Event| {
        let lacks = match event {
            Event::BlockedTerm if !can_block => "env has no --block-signal",
            Event::OddDeath if !skip::is_installed("perl") => "perl is not installed",
            _ => return true,
        };
        println!("SKIPPED: {event}: {lacks}");
        false
    };
    events.iter().copied().filter(is_possible).collect()
}

fn add(sum: &mut (usize, usize), row: (usize, usize)) {
    *sum = (sum.0 + row.0, sum.1 + row.1);
}

/// Lists the ends that were seen: where, if all trials have the same single event, otherwise how often.
fn summary(trials: &[Trial], seen: &[Seen]) -> String {
    let mut ends: Vec<(&Seen, Vec<usize>)> = Vec::new();
    for (at, seen) in seen.iter().enumerate() {
        match ends.iter_mut().find(|(end, _)| *end == seen) {
            Some((_, places)) => places.push(at),
            None => ends.push((seen, vec![at])),
        }
    }
    let one_event = trials.iter().all(|trial| trial.first.is_none() && trial.event == trials[0].event);
    let places = |places: &[usize]| {
        let ranges = places.chunk_by(|one, next| one + 1 == *next);
        let ranges = ranges.map(|range| (&*trials[range[0]].site.at, &*trials[range[range.len() - 1]].site.at));
        ranges
            .map(|(from, to)| if from == to { from.to_owned() } else { format!("{from} to {to}") })
            .collect::<Vec<_>>()
    };
    let end = |(seen, all): &(&Seen, Vec<usize>)| match one_event {
        true => format!("{}: {seen}", places(all).join(", ")),
        false => format!("{} {seen}", all.len()),
    };
    ends.iter().map(end).collect::<Vec<_>>().join("; ")
}

/// Tries upstream's pause, as a negative control, at 200 of its instructions, some after each of its system calls. It
/// must be seen to lose signals and to keep zombies.
fn controls() -> bool {
    let Some(upstream) = peers::upstream() else { return true };
    let survey = Survey::calls_of(Process::pid1, &upstream);
    // The first stop is the end of `execve`. After the last calls there may be too few instructions.
    let ends = 0..survey.len() - 2;
    let steps = 200_usize.div_ceil(ends.len());
    let places = ends.flat_map(|call| (0..steps).map(move |steps| Place::Stopped { calls: 1 + 2 * call, steps }));
    let places: Vec<Place> = places.take(200).collect();
    let count = |event, wrong: Seen| {
        let seen = in_parallel(&upstream, &places, |bench, place| bench.single(*place, event));
        seen.into_iter().filter(|seen| *seen == wrong).count()
    };
    let lost = count(Event::Signal(libc::SIGTERM), Seen::Rest(Rest::In(State::Asleep)));
    let kept = count(Event::Deaths(1), Seen::Zombies(1));
    println!("upstream's pause at {} instructions: SIGTERM lost at {lost}, a zombie kept at {kept}", places.len());
    let seen = lost > 0 && kept > 0;
    if !seen {
        println!("FAILED: the trials did not show the faults of upstream's pause");
    }
    seen
}
