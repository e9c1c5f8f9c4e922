//! The pod runner, and the demonstration of `make run`.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

use build::root;
use kit::peers::ours;
use kit::process::{End, Process, command, run};
use kit::skip::{has_namespaces, skip};
use kit::wait::within_10_s;
use nix::sys::signal::Signal;
use nix::unistd::geteuid;
use procfs::process::all_processes;

/// The runner that cargo has built.
const RUNNER: &str = env!("CARGO_BIN_EXE_pod");
const SERVER: &str = "server=sh pod/story.sh server";
const CLIENT: &str = "client=sh pod/story.sh client";

#[test]
fn every_claim_of_the_story_holds() {
    if has_namespaces() {
        let said = run(pod(&[SERVER, CLIENT]));
        assert_eq!(said.code, Some(0), "{said:?}");
        assert_eq!(said.stdout.matches("client | ok: ").count(), 7, "{}", said.stdout);
        assert!(said.stdout.contains("    1     0 S "), "PID 1 in the table: {}", said.stdout);
        assert!(said.stdout.contains("pause | Shutting down, got signal: Terminated\n"), "{}", said.stdout);
    }
}

#[test]
fn control_the_story_fails_without_a_server() {
    if has_namespaces() {
        let said = run(pod(&[CLIENT]));
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.stdout.contains("client | FAILED: nothing answers on localhost\n"), "{}", said.stdout);
    }
}

#[test]
fn containers_share_the_pod_but_not_their_mounts() {
    if has_namespaces() {
        // Only the mounts that a leak would change: other processes may mount things in the meantime.
        let here = || {
            let mounts = fs::read_to_string("/proc/self/mountinfo").expect("text");
            mounts.lines().filter(|line| line.contains(" /mnt ") || line.contains(" /proc ")).collect::<String>()
        };
        let mounts = here();
        // `a` creates a System V semaphore, which the two share, to tell `b` that it has mounted.
        let a =
            r#"a=sh -c "mount -t tmpfs tmpfs /mnt && touch /mnt/seen && ls /mnt && ipcmk --semaphore 1 && hostname""#;
        let b = r#"b=sh -c "until grep -q 0 /proc/sysvipc/sem; do :; done; ls /mnt; hostname""#;
        let said = run(pod(&[a, b]));
        assert_eq!(said.code, Some(0), "{said:?}");
        for line in ["a | seen\n", "a | pod\n", "b | pod\n"] {
            assert!(said.stdout.contains(line), "{line} in {}", said.stdout);
        }
        assert!(!said.stdout.contains("b | seen"), "{}", said.stdout);
        assert_eq!(here(), mounts);
    }
}

#[test]
fn exit_status_and_one_line_for_each_mistake() {
    for (arguments, status, line) in [
        (&[][..], 2, "pod: no command line is given; see --help\n"),
        (&["--bogus", "true"], 2, "pod: no such option: --bogus; see --help\n"),
        (&["a=sh -c 'x"], 2, "pod: a quote is not closed in: sh -c 'x; see --help\n"),
        (&[""], 2, "pod: no command in: \"\"; see --help\n"),
        (
            &["--pause=/nowhere/pause", "true"],
            125,
            "pod: cannot find /nowhere/pause: No such file or directory (os error 2)\n",
        ),
    ] {
        let mut pod = command([RUNNER]);
        pod.args(arguments);
        let said = run(pod);
        assert_eq!((said.code, said.stdout.as_str(), said.stderr.as_str()), (Some(status), "", line), "{arguments:?}");
    }
    if has_namespaces() {
        let said = run(pod(&["sleep 1000", "no-such-command x"]));
        assert_eq!(said.code, Some(125));
        assert!(said.stderr.starts_with("pod: cannot start no-such-command: cannot execute"), "{}", said.stderr);
        assert_eq!(run(pod(&["true", "true"])).code, Some(0));
        assert_eq!(run(pod(&["true", "sh -c 'exit 7'"])).code, Some(1));
    }
}

#[test]
fn help_goes_to_stdout() {
    let said = run(command([RUNNER, "--help"]));
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""));
    assert!(said.stdout.contains("Usage: pod "));
}

/// Checks that an ordinary user's pod also gets a user namespace.
#[test]
fn an_ordinary_user_can_hold_a_pod() {
    if !geteuid().is_root() {
        return skip("not root, so it cannot run as another user");
    }
    // Copies, because another user may not enter this project's directory. `cp` makes them: a process that another test
    // starts could inherit a file that is open for writing here, which then cannot be executed.
    let folder = tempfile::Builder::new().permissions(mode(0o755)).tempdir().expect("a folder");
    for (file, name) in [(Path::new(RUNNER), "pod"), (ours(), "pause")] {
        assert_eq!(run(command([Path::new("cp"), file, &folder.path().join(name)])), End::silent(0));
    }
    let mut user = command(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "./pod", "--pause=pause"]);
    user.arg("a=sh -c 'id -u; readlink /proc/1/ns/user'").current_dir(folder.path());
    let said = run(user);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.stdout.contains("a | 0\n"), "{}", said.stdout);
    let ours = fs::read_link("/proc/self/ns/user").expect("a namespace");
    assert!(!said.stdout.contains(&*ours.to_string_lossy()), "{}", said.stdout);
}

#[test]
fn sigterm_and_sigint_are_forwarded_to_pause() {
    for (signal, name) in [(Signal::SIGTERM, "Terminated"), (Signal::SIGINT, "Interrupt")] {
        if has_namespaces() {
            let pod = up("forwarded");
            pod.signal(signal);
            let said = pod.end();
            assert_eq!(said.code, Some(0));
            assert!(said.stdout.contains(&format!("pause | Shutting down, got signal: {name}\n")), "{}", said.stdout);
            assert_eq!(members("forwarded"), 0);
        }
    }
}

/// Checks that the kernel cleans up after a killed runner, which cannot do so itself.
#[test]
fn nothing_is_left_when_the_runner_is_killed() {
    if has_namespaces() {
        let pod = up("killed");
        pod.signal(Signal::SIGKILL);
        assert_eq!(pod.end().code, None);
        within_10_s("all processes of the pod are gone", || (members("killed") == 0).then_some(()));
    }
}

/// Starts a pod of two containers, and waits until they are running. `mark` identifies its processes.
fn up(mark: &str) -> Process {
    let mut start = pod(&["sleep 1000", "sh -c 'sleep 1001 & wait'"]);
    start.env("POD_TEST", mark);
    let pod = Process::start(start);
    within_10_s("runner, pause, sh and two sleeps are up", || (members(mark) == 5).then_some(()));
    pod
}

fn members(mark: &str) -> usize {
    let processes = all_processes().expect("/proc").filter_map(Result::ok);
    let marks = processes.filter_map(|process| process.environ().ok()?.remove(OsStr::new("POD_TEST")));
    marks.filter(|found| found == mark).count()
}

fn pod(containers: &[&str]) -> Command {
    let mut pod = command([RUNNER]);
    pod.arg(format!("--pause={}", ours().display())).args(containers).current_dir(root());
    pod
}

fn mode(mode: u32) -> fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(mode)
}
