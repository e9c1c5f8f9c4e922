//! A run. Every round measures all subjects, one after another, so that other load on the machine affects all of them.

use std::fs;
use std::io::{self, IsTerminal};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use build::arch::Arch;
use figures::kept;
use figures::samples::{Measured, OURS, Results, Samples};
use kit::cgroup::{self, Group};
use kit::machine::Machine;
use kit::peers::ours;
use kit::skip::has_namespaces;

use crate::subjects::Subject;
use crate::{measure, trace};

/// A run in progress.
pub struct Run<'a> {
    subjects: Vec<Subject>,
    /// The samples of each subject.
    samples: Vec<Samples>,
    stop: &'a AtomicBool,
}

impl<'a> Run<'a> {
    /// Makes a run of these subjects, which setting `stop` ends.
    pub fn of(subjects: Vec<Subject>, stop: &'a AtomicBool) -> Self {
        Self { samples: vec![Samples::default(); subjects.len()], subjects, stop }
    }

    /// Returns the results so far.
    pub fn results(self, quick: bool) -> Result<Results> {
        let measured = |(subject, samples): (Subject, Samples)| Measured {
            name: subject.peer.name,
            about: subject.about,
            samples,
        };
        let said = |command: &mut Command| Ok::<_, anyhow::Error>(build::output(command)?.trim().to_owned());
        Ok(Results {
            date: said(Command::new("date").args(["--utc", "+%F"]))?,
            rustc: said(Command::new("rustc").arg("--version"))?,
            digest: kept::digest(ours()),
            quick,
            machine: Machine::here(),
            peers: self.subjects.into_iter().zip(self.samples).map(measured).collect(),
        })
    }

    /// Measures everything that this machine allows.
    pub fn all(&mut self, quick: bool) -> Result<()> {
        let often = |full, few| if quick { few } else { full };
        let all = |_: &Subject| true;
        let reaps = |subject: &Subject| subject.reaps;
        let sizes = |subject: &Subject, samples: &mut Samples| {
            samples.add_sizes(Arch::here()?, fs::read(&subject.peer.program)?)
        };
        self.each("bytes", 1, |subject| subject.peer.name != OURS, sizes)?;
        self.each("version", often(501, 51), |subject| subject.version.is_some(), measure::version)?;
        if !has_namespaces() {
            eprintln!("left out: everything except bytes and -v");
            return Ok(());
        }
        match measure::start_clock() {
            Ok(_) => self.each("start", often(501, 51), all, measure::start)?,
            Err(error) => eprintln!("left out: start: {error:#}"),
        }
        self.each("system calls", 1, all, trace::calls)?;
        self.each("instructions", often(1, 0), all, trace::instructions)?;
        self.each("stop", often(101, 21), |subject| subject.stops, measure::stop)?;
        self.each("zombies seen", often(5, 1), reaps, measure::visible_zombie)?;
        let storms: &[_] =
            if quick { &[(1000, 1), (10_000, 1)] } else { &[(1000, 5), (10_000, 3), (20_000, 3), (100_000, 3)] };
        for &(n, rounds) in storms {
            self.each(&format!("a storm of {n} orphans"), rounds, reaps, |subject, samples| {
                measure::storm(subject, n, samples)
            })?;
        }

        if cgroup::can_be_made() {
            self.each("zombies while frozen", 1, reaps, measure::frozen_zombies)?;
            self.each("zombies while starved", often(5, 1), reaps, measure::starved_zombies)?;
        }
        if self.memory(quick, 3)? {
            let sizes: &[_] = if quick { &[(110, 1)] } else { &[(110, 5), (250, 5), (1000, 3)] };
            for &(n, rounds) in sizes {
                self.each(&format!("{n} pods"), rounds, all, |subject, samples| measure::pods(subject, n, samples))?;
            }
        }
        Ok(())
    }

    /// Measures the memory of an instance. Returns whether cgroups can count it.
    pub fn memory(&mut self, quick: bool, thousands: usize) -> Result<bool> {
        if let Err(error) = Group::of_memory() {
            eprintln!("left out: memory: cannot create a cgroup: {error} (run as root)");
            return Ok(false);
        }
        let fleets: &[_] = if quick { &[(10, 3), (100, 3)] } else { &[(10, 11), (100, 5), (1000, thousands)] };
        for &(n, rounds) in fleets {
            self.each(
                &format!("{n} instances"),
                rounds,
                |_| true,
                |subject, samples| measure::instances(subject, n, samples),
            )?;
        }
        Ok(true)
    }

    /// Takes one sample of each subject that can be `measured`, `rounds` times.
    fn each(
        &mut self,
        what: &str,
        rounds: usize,
        measured: fn(&Subject) -> bool,
        sample: impl Fn(&Subject, &mut Samples) -> Result<()>,
    ) -> Result<()> {
        let (start, line) = (Instant::now(), io::stderr().is_terminal());
        for round in 0..rounds {
            // The kernel cleans up after a large subject, which must not always slow down the same subject.
            let mut order: Vec<usize> = (0..self.subjects.len()).collect();
            order.sort_by_key(|at| (at + 1) * (round + 1) * 7919 % 10_007); // a different order in each round
            for at in order {
                let (subject, samples) = (&self.subjects[at], &mut self.samples[at]);
                if !measured(subject) {
                    continue;
                }
                ensure!(!self.stop.load(Relaxed), "stopped");
                if line {
                    eprint!("\r\x1b[K{what}: round {} of {rounds}, {}", round + 1, subject.peer.name);
                }
                sample(subject, samples).with_context(|| format!("{what} of {}", subject.peer.name))?;
            }
        }
        let left = if line { "\r\x1b[K" } else { "" };
        eprintln!("{left}{:5.1} s for {what}, {rounds} times", start.elapsed().as_secs_f64());
        Ok(())
    }
}
