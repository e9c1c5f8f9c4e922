//! What is measured.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use nix::unistd::{AccessFlags, access};
use xtask::arch::Arch;
use xtask::benchmarks::{FLOOR_CALLS, FLOOR_PAUSE, OURS, UPSTREAM, UPSTREAM_MUSL};
use xtask::{build, root};

use crate::support::ours;

/// A program that holds a pod.
pub struct Peer {
    pub name: String,
    /// What it is, and of which version.
    pub about: String,
    pub program: PathBuf,
    pub args: Vec<String>,
    /// What makes it say its version and end.
    pub version: Option<&'static str>,
    /// Whether it ends on SIGTERM.
    pub stops: bool,
    /// Whether it reaps.
    pub reaps: bool,
}

/// Ours, its peers, and the floors that nothing can be below; and what is missing, with how to get it.
pub fn known() -> Result<(Vec<Peer>, Vec<String>)> {
    let upstream = root().join("target/upstream");
    let debian = |program| PathBuf::from("/usr/bin").join(program);
    let sleep: &[&str] = &["sleep", "infinity"];
    #[rustfmt::skip]
    let mut peers = vec![
        peer(OURS, "this one", ours().to_owned(), &[], Some("-v")),
        peer(UPSTREAM, "its C source, glibc, static", upstream.join("pause"), &[], Some("-v")),
        peer(UPSTREAM_MUSL, "the same with musl", upstream.join("pause-musl"), &[], Some("-v")),
        peer("catatonit -P", &packaged("catatonit"), debian("catatonit"), &["-P"], Some("--version")),
        peer("tini", &format!("{}, holding `sleep infinity`", packaged("tini")), debian("tini"), sleep, Some("--version")),
        peer("dumb-init", &format!("{}, holding `sleep infinity`", packaged("dumb-init")), debian("dumb-init"), sleep, Some("--version")),
    ];
    let mut missing = Vec::new();
    peers.retain(|peer| {
        let there = peer.program.exists();
        if !there {
            missing.push(format!("{}: benches/packages.sh and tests/upstream.sh get it, on Debian as root", peer.name));
        }
        there
    });
    let host = Arch::host()?;
    for (name, about, source, stops) in [
        (FLOOR_CALLS, "assembly that makes the system calls of ours", "calls", true),
        (FLOOR_PAUSE, "three instructions that only pause", "pause", false),
    ] {
        if host.name == "amd64" {
            let program = root().join("target/floors").join(source);
            build::like_pause(&root().join("benches/floors").join(source).with_extension("rs"), host, &program)?;
            peers.push(Peer { stops, reaps: false, ..peer(name, about, program, &[], None) });
        } else {
            missing.push(format!("{name}: written for amd64 alone"));
        }
    }
    Ok((peers, missing))
}

/// One that the user names: `NAME=PATH[,ARG…]`.
pub fn named(text: &str) -> Result<Peer> {
    let (name, command) = text.split_once('=').with_context(|| format!("{text:?} is not NAME=PATH[,ARG...]"))?;
    let mut words = command.split(',');
    let program = Path::new(words.next().unwrap_or_default());
    let program = fs::canonicalize(program).with_context(|| format!("no such program: {:?}", program.display()))?;
    ensure!(!name.is_empty() && !name.contains('|'), "{name:?} is no name for a peer");
    ensure!(program.is_file() && access(&program, AccessFlags::X_OK).is_ok(), "{} is no program", program.display());
    Ok(peer(name, "named by --peer", program, &words.collect::<Vec<_>>(), None))
}

fn peer(name: &str, about: &str, program: PathBuf, args: &[&str], version: Option<&'static str>) -> Peer {
    let args = args.iter().map(|&arg| arg.to_owned()).collect();
    Peer { name: name.to_owned(), about: about.to_owned(), program, args, version, stops: true, reaps: true }
}

fn packaged(package: &str) -> String {
    let version = Command::new("dpkg-query").args(["--show", "--showformat=${Version}", package]).output();
    let version = version.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    format!("Debian's, {version}")
}
