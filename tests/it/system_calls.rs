//! The exact system calls from execve to the first pause.

use std::fs;
use std::process::Command;

use kit::calls::ONLY_PPOLL;
use kit::peers::ours;
use kit::process::command;
use kit::skip::{has, has_namespaces};
use kit::wait::within_10_s;

#[test]
fn from_execve_to_pause_as_pid_1() {
    if has("strace") && has_namespaces() {
        assert_eq!(trace(&["unshare", "--pid", "--fork", "--kill-child"]), expected(&[&START, &SLEEP]));
    }
}

#[test]
fn from_execve_to_pause_when_not_pid_1() {
    if has("strace") {
        assert_eq!(trace(&["env"]), expected(&[&START, &WARNING, &SLEEP]));
    }
}

/// The calls on amd64.
const START: [&str; 4] = [
    "rt_sigaction(SIGTERM, {sa_handler=F, sa_mask=[CHLD], sa_flags=SA_RESTORER|SA_NODEFER}, NULL, 8)",
    "rt_sigaction(SIGINT, {sa_handler=F, sa_mask=[CHLD], sa_flags=SA_RESTORER|SA_NODEFER}, NULL, 8)",
    "rt_sigprocmask(SIG_SETMASK, [], NULL, 8)",
    "getpid()",
];
const WARNING: [&str; 2] =
    ["poll([{fd=2, events=POLLOUT}], 1, 0)", r#"write(2, "Warning: pause should be the first process\n", 43)"#];
const SLEEP: [&str; 3] = [
    "rt_sigaction(SIGCHLD, {sa_handler=F, sa_mask=[CHLD], sa_flags=SA_RESTORER|SA_NOCLDSTOP|SA_NOCLDWAIT}, NULL, 8)",
    "wait4(-1, NULL, WNOHANG|__WALL, NULL)",
    "pause(",
];

/// The same on this machine: only amd64 needs SA_RESTORER, and some architectures have only `ppoll`.
fn expected(calls: &[&[&str]]) -> Vec<String> {
    let here = |call: &&str| {
        let call = if cfg!(target_arch = "x86_64") { (*call).to_owned() } else { call.replace("SA_RESTORER|", "") };
        if !ONLY_PPOLL {
            return call;
        }
        let timeout = "{tv_sec=0, tv_nsec=0}, NULL, 0";
        call.replace("poll([{fd=2, events=POLLOUT}], 1, 0", &format!("ppoll([{{fd=2, events=POLLOUT}}], 1, {timeout}"))
            .replace("pause(", "ppoll(NULL, 0, NULL, NULL, 0")
    };
    calls.concat().iter().map(here).collect()
}

/// The calls, without results, of the pause that `wrapper` starts, up to the first in which it sleeps.
fn trace(wrapper: &[&str]) -> Vec<String> {
    let logs = tempfile::tempdir().expect("a temporary folder");
    // A log for each process: in a shared one, strace splits a call into two lines if another process calls meanwhile.
    let mut strace = command(["strace", "--follow-forks", "--output-separately", "--string-limit=64", "--output"]);
    strace.arg(logs.path().join("calls")).args(wrapper).arg(ours());
    let mut strace = strace.spawn().expect("strace starts");
    let executed = format!("execve({:?}", ours());
    let (pid, calls) = within_10_s("pause sleeps", || {
        fs::read_dir(logs.path()).expect("a folder").find_map(|log| {
            let log = log.expect("an entry").path();
            let text = fs::read_to_string(&log).expect("text");
            let calls: Vec<String> =
                text[text.find(&executed)?..].lines().skip(1).map(|call| call.trim().to_owned()).collect();
            let pid = log.extension()?.to_str()?.to_owned();
            (Some(calls.last()?) == expected(&[&SLEEP]).last()).then_some((pid, calls))
        })
    });
    Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs");
    strace.wait().expect("it ends with pause");
    calls.iter().map(|call| normalised(call)).collect()
}

/// `call` as above: without its result, its handler's address, and what is specific to an architecture.
fn normalised(call: &str) -> String {
    let call = call.rsplit_once(" = ").map_or(call, |(call, _)| call).trim_end();
    let mut call = call.to_owned();
    for field in ["sa_handler=", "sa_restorer="] {
        if let Some((before, value)) = call.split_once(field) {
            let end = value.find([',', '}']).unwrap_or(value.len());
            call = match field {
                "sa_handler=" => format!("{before}{field}F{}", &value[end..]),
                _ => format!("{}{}", before.trim_end_matches(", "), &value[end..]),
            };
        }
    }
    call
}
