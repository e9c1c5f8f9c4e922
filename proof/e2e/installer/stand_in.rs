//! Stands in for an engine that Debian 12 does not have, or for a program that an attacker wants root to execute.
//!
//! Started as NAME ARGUMENT..., it adds a line `EUID PROGRAM NAME ARGUMENT...` to /run/executed if that exists. Then it
//! prints the file `NAME ARGUMENT...` of /run/answers, with `_` for each slash, or sleeps if there is none. As a
//! set-user-ID program, it first takes all user IDs of its owner, as chfn(1) does, and likewise all group IDs.

use std::env;
use std::fs::{self, File};
use std::io::Write;

use nix::unistd::{getegid, geteuid, getgid, getuid, pause, setresgid, setresuid};

fn main() {
    if getgid() != getegid() {
        setresgid(getegid(), getegid(), getegid()).expect("it has this group ID");
    }
    if getuid() != geteuid() {
        setresuid(geteuid(), geteuid(), geteuid()).expect("it has this user ID");
    }
    let words: Vec<String> = env::args().collect();
    let name = words[0].rsplit('/').next().unwrap_or_default();
    let words = [&[name.to_owned()], &words[1..]].concat().join(" ");
    let program = env::current_exe().expect("/proc");
    if let Ok(mut executed) = File::options().append(true).open("/run/executed") {
        writeln!(executed, "{} {} {words}", geteuid(), program.display()).expect("a line");
    }
    match fs::read_to_string(format!("/run/answers/{}", words.replace('/', "_"))) {
        Ok(answer) => print!("{answer}"),
        Err(_) => loop {
            pause();
        },
    }
}
