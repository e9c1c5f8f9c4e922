//! The programs that are measured.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use build::root;
use figures::samples::{FLOOR_CALLS, OURS, UPSTREAM};
use kit::floors;
use kit::peers::{Peer, ours, upstream_with_musl};
use nix::unistd::{AccessFlags, access};

/// A peer, and what can be measured with it.
pub struct Subject {
    /// The program.
    pub peer: Peer,
    /// A description, and the version.
    pub about: String,
    /// The argument that makes it print its version and exit.
    pub version: Option<&'static str>,
    /// Whether it ends on SIGTERM.
    pub stops: bool,
    /// Whether it reaps.
    pub reaps: bool,
}

/// Returns our pause, its peers and the floors, and for each missing one a line that says how to get it.
pub fn known() -> Result<(Vec<Subject>, Vec<String>)> {
    let upstream = root().join("target/upstream/pause");
    let debian = |program| PathBuf::from("/usr/bin").join(program);
    let sleep: &[&str] = &["sleep", "infinity"];
    let holding = |program| format!("{}, holding `sleep infinity`", packaged(program));
    let version = Some("--version");
    let mut subjects = vec![
        subject(Peer::new(OURS, ours(), &[]), "this one", Some("-v")),
        subject(Peer::new(UPSTREAM, upstream, &[]), "its C source, glibc, static", Some("-v")),
        subject(Peer::new("upstream, musl", upstream_with_musl(), &[]), "upstream's pause with musl", Some("-v")),
        subject(Peer::catatonit(), &packaged("catatonit"), version),
        subject(Peer::new("tini", debian("tini"), sleep), &holding("tini"), version),
        subject(Peer::new("dumb-init", debian("dumb-init"), sleep), &holding("dumb-init"), version),
    ];
    let mut missing = Vec::new();
    subjects.retain(|Subject { peer, .. }| {
        let there = peer.program.exists();
        if !there {
            missing.push(format!("{}: make bench installs it, as root on Debian", peer.name));
        }
        there
    });
    for (name, about, source, stops) in [
        (FLOOR_CALLS, "assembly that makes the system calls of ours", "calls", true),
        ("floor: only pauses", "three instructions that only pause", "pause", false),
    ] {
        match floors::for_this_machine(source) {
            Some(program) => {
                let floor = subject(Peer::new(name, program, &[]), about, None);
                subjects.push(Subject { stops, reaps: false, ..floor });
            }
            None => missing.push(format!("{name}: written only for amd64")),
        }
    }
    Ok((subjects, missing))
}

/// Parses a program that the user names: `NAME=PATH[,ARG…]`.
pub fn named(text: &str) -> Result<Subject> {
    let (name, command) = text.split_once('=').with_context(|| format!("{text:?} is not NAME=PATH[,ARG...]"))?;
    let mut words = command.split(',');
    let program = Path::new(words.next().unwrap_or_default());
    let program = fs::canonicalize(program).with_context(|| format!("no such program: {:?}", program.display()))?;
    ensure!(!name.is_empty() && !name.contains('|'), "{name:?} cannot be the name of a peer");
    ensure!(program.is_file() && access(&program, AccessFlags::X_OK).is_ok(), "{} is not a program", program.display());
    Ok(subject(Peer::new(name, program, &words.collect::<Vec<_>>()), "named by --peer", None))
}

fn subject(peer: Peer, about: &str, version: Option<&'static str>) -> Subject {
    Subject { peer, about: about.to_owned(), version, stops: true, reaps: true }
}

fn packaged(package: &str) -> String {
    let mut query = Command::new("dpkg-query");
    let version = build::output(query.args(["--show", "--showformat=${Version}", package])).unwrap_or_default();
    format!("Debian's, {version}")
}
