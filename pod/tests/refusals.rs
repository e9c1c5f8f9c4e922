//! The messages of the pod runner when the system refuses a step. Each refusal comes from this machine's kernel.
#![cfg(not(target_arch = "powerpc64"))] // which kit::seccomp does not support

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use build::root;
use kit::peers::ours;
use kit::process::{End, command, run};
use kit::seccomp::{argument, refuse, refuse_sigaction, under};
use kit::skip::{has_namespaces, skip};
use nix::errno::Errno::{EACCES, EINVAL, EPERM};
use nix::libc;
use nix::sys::signal::Signal;
use nix::unistd::geteuid;

const POD: [&str; 3] = ["./pod", "--pause=pause", "true"];
/// An ordinary user. Nothing else that the runner writes is as long as the line of either map.
const USER: [&str; 4] = ["setpriv", "--reuid=54321", "--regid=123456", "--clear-groups"];
/// A user who has no other process, because the limit of processes applies per user.
const ALONE: [&str; 4] = ["setpriv", "--reuid=54322", "--regid=123456", "--clear-groups"];

/// Fills the directory in which each runner is started.
const FILES: &str = r#"
    cp "$0" pod
    cp "$1" pause
    cp /bin/true dynamic
    echo 'no program' >plain
    cp plain script
    chmod +x script
    mkdir sh sh-and-perl
    ln -s /bin/sh sh
    ln -s /bin/sh /usr/bin/perl sh-and-perl"#;

const PERM: &str = "Operation not permitted (os error 1)";
const ACCES: &str = "Permission denied (os error 13)";
const NOENT: &str = "No such file or directory (os error 2)";

const PRIVILEGE: &str = "; a privilege is missing here, as in a container: run as root outside one, or in one with \
    every privilege (docker run --privileged)\n";
const USERS: &str = "; run as root: sudo env HOME=\"$HOME\" PATH=\"$PATH\" make run; or run outside containers and \
    chroots, where users may create user namespaces (before Debian 11: sudo sysctl \
    kernel.unprivileged_userns_clone=1)\n";
const EXECUTABLE: &str =
    "; make it executable (chmod +x), on a file system without noexec, in directories that you may enter\n";
const STATIC: &str = "; it must be a static program for this machine\n";
const MOUNTED: &str = "; mount /proc and /dev here first, as every chroot needs\n";

#[test]
fn a_privilege_that_root_lacks() {
    for (capability, step) in [
        ("sys_admin", "create namespaces"),
        ("net_admin", "bring the pod's loopback up"),
        ("sys_chroot", "start pause: cannot change root to FOLDER"),
    ] {
        let (bounding, inherited) = (format!("--bounding-set=-{capability}"), format!("--inh-caps=-{capability}"));
        says(command(["setpriv", &bounding, &inherited].iter().chain(&POD)), &format!("{step}: {PERM}{PRIVILEGE}"));
    }
}

/// Container engines and service managers refuse system calls by seccomp; AppArmor refuses mounts with EACCES.
#[test]
fn a_system_call_that_root_may_not_make() {
    let proc = argument(3, libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC);
    let netlink = argument(0, libc::AF_NETLINK as u64);
    let mounts = argument(0, libc::CLONE_NEWNS as u64);
    for (errno, call, rules, step) in [
        (EPERM, libc::SYS_unshare, vec![], "create namespaces"),
        (EPERM, libc::SYS_sethostname, vec![], "set the pod's host name"),
        (EPERM, libc::SYS_socket, vec![netlink], "bring the pod's loopback up"),
        (EPERM, libc::SYS_prctl, vec![], "start pause: cannot tie pause to the runner"),
        (EPERM, libc::SYS_unshare, vec![mounts], "start true: cannot create a mount namespace"),
        (EACCES, libc::SYS_mount, vec![], "make mounts private"),
        (EACCES, libc::SYS_mount, vec![proc], "start true: cannot mount the pod's /proc"),
    ] {
        let error = if errno == EPERM { PERM } else { ACCES };
        says(under(&refuse(errno, [(call, rules)]), command(POD)), &format!("{step}: {error}{PRIVILEGE}"));
    }
    says(under(&refuse_sigaction(Signal::SIGTERM), command(POD)), &format!("watch for signals: {PERM}{PRIVILEGE}"));
    says(
        under(&refuse(EINVAL, [(libc::SYS_unshare, vec![])]), command(POD)),
        "create namespaces: Invalid argument (os error 22); this kernel was built without some of them; use one that a \
         distribution ships\n",
    );
}

#[test]
fn a_user_who_may_not_make_namespaces() {
    let line = format!("create namespaces: {PERM}{USERS}");
    // Docker's seccomp profile refuses this call to those who lack the privilege.
    says(under(&refuse(EPERM, [(libc::SYS_unshare, vec![])]), user()), &line);
    says(in_chroot(user()), &line);
}

/// The first case is AppArmor's answer on Ubuntu.
#[test]
fn a_user_who_may_not_map_ids() {
    for (file, text) in [("uid_map", "0 54321 1"), ("setgroups", "deny"), ("gid_map", "0 123456 1")] {
        for (errno, error) in [(EPERM, PERM), (EACCES, ACCES)] {
            let filter = refuse(errno, [(libc::SYS_write, vec![argument(2, text.len() as u64)])]);
            let line = format!(
                "make user 54321 the pod's root in /proc/self/{file}: {error}; run as root: sudo env HOME=\"$HOME\" \
                 PATH=\"$PATH\" make run; or, on Ubuntu 24.04 and newer, let users do it: sudo sysctl \
                 kernel.apparmor_restrict_unprivileged_userns=0\n"
            );
            says(under(&filter, user()), &line);
        }
    }
}

#[test]
fn a_user_where_proc_is_masked() {
    // Container engines mask directories and files.
    for mask in ["mount -t tmpfs tmpfs /proc/sys", "mount --bind /dev/null /proc/uptime"] {
        let line = format!(
            "start true: cannot mount the pod's /proc: {PERM}; something is mounted over a part of /proc, as in a \
             container: run as root outside one, or in one without such mounts (docker run --privileged, or \
             --security-opt systempaths=unconfined)\n"
        );
        // The kernel would be satisfied by any other /proc that shows everything, wherever it is mounted.
        let others = "for proc in $(findmnt -rnt proc -o TARGET | grep -vx /proc); do umount -l $proc || exit; done";
        says(after(&format!("{others}; {mask}"), user()), &line);
    }
}

#[test]
fn a_limit_of_namespaces() {
    let line = "create namespaces: No space left on device (os error 28); `grep . /proc/sys/user/max_*_namespaces` \
                shows the limits; raise the one that is too low, for example: sudo sysctl \
                user.max_user_namespaces=10000\n";
    // The limits of a user namespace, where a change has no effect outside.
    let limited =
        |limit| ["sh".into(), "-c".into(), format!("echo 0 >/proc/sys/user/{limit} && exec \"$@\""), "sh".into()];
    let root = ["unshare", "-Ur"].map(str::to_owned).into_iter().chain(limited("max_pid_namespaces"));
    says(command(root.chain(POD.map(str::to_owned))), line);
    let user = USER.into_iter().chain(["unshare", "-Uc", "--keep-caps"]).map(str::to_owned);
    says(command(user.chain(limited("max_user_namespaces")).chain(POD.map(str::to_owned))), line);
}

#[test]
fn a_limit_of_files_and_processes() {
    let prlimit = |limit: &str, start: Command| {
        let mut prlimit = command(["prlimit", limit]);
        prlimit.arg(start.get_program()).args(start.get_args());
        prlimit
    };
    for (limit, step) in [("--nofile=5", "watch for signals"), ("--nofile=9", "start pause")] {
        let advice = "too many files are open: raise `ulimit -n`, or for all processes sysctl fs.file-max\n";
        says(prlimit(limit, command(POD)), &format!("{step}: Too many open files (os error 24); {advice}"));
    }
    for (limit, step) in
        [("--nproc=1", "start pause"), ("--nproc=2", "start true"), ("--nproc=3", "start the process table")]
    {
        let advice = "too many processes: end some, or raise `ulimit -u` or the cgroup's pids.max\n";
        let alone = command(ALONE.iter().chain(&POD));
        says(prlimit(limit, alone), &format!("{step}: Resource temporarily unavailable (os error 11); {advice}"));
    }
}

#[test]
fn a_chroot_that_lacks_mounts() {
    says(after("umount -l /proc", command(POD)), &format!("start pause: {NOENT}{MOUNTED}"));
    let line = format!("start pause: cannot open /dev/null: {NOENT}{MOUNTED}");
    says(after("mount -t tmpfs tmpfs /dev", command(POD)), &line);
    says(
        in_chroot(command(POD)),
        "make mounts private: Invalid argument (os error 22); the root directory is not a mount point, as in a chroot: \
         first bind-mount it on itself\n",
    );
}

#[test]
fn a_file_that_cannot_be_executed() {
    let with = |pause, container| command(["./pod", pause, container]);
    let pause = |name, error, advice| format!("start pause: cannot execute FOLDER/{name}: {error}{advice}");
    says(with("--pause=plain", "true"), &pause("plain", ACCES, EXECUTABLE));
    says(with("--pause=script", "true"), &pause("script", NOENT, STATIC));
    says(with("--pause=dynamic", "true"), &pause("dynamic", NOENT, STATIC));
    let noexec = "mkdir noexec && mount -t tmpfs -o noexec tmpfs noexec && cp pause noexec";
    says(after(noexec, with("--pause=noexec/pause", "true")), &pause("noexec/pause", ACCES, EXECUTABLE));

    let container = |name, error, advice| format!("start {name}: cannot execute ./{name}: {error}{advice}");
    says(with("--pause=pause", "./plain"), &container("plain", ACCES, EXECUTABLE));
    let advice = "; install it, or correct its name\n";
    says(with("--pause=pause", "./nothing"), &container("nothing", NOENT, advice));
}

/// Checks that the runner ends anyway, and the pod with it.
#[test]
fn a_full_disk() {
    let mut full = command(["sh", "-c", "exec \"$@\" >/dev/full", "sh"]);
    full.args(POD).arg("sleep 1000");
    says(full, "print what the pod says: No space left on device (os error 28)\n");
}

/// Checks what is printed if no process can be started in the pod, and only pause knows why.
#[test]
#[cfg(target_arch = "x86_64")] // some others have only `ppoll`, which the runner needs
fn a_pause_that_ends_at_once() {
    let Some(said) = said(under(&refuse(EPERM, [(libc::SYS_pause, vec![])]), command(POD))) else { return };
    assert_eq!((said.code, said.stderr.lines().count()), (Some(125), 1), "{said:?}");
    assert!(said.stdout.contains("pause | Error: infinite loop terminated\n"), "{said:?}");
    // pause may be slower than the runner.
    let ends = ["; pause has ended, or memory is short\n", "pause did not end as it should: exit status: 42\n"];
    assert!(ends.iter().any(|end| said.stderr.ends_with(end)), "{said:?}");
}

#[test]
fn a_program_that_the_story_lacks() {
    for (programs, line) in [
        ("sh", "perl or its module IO::Socket::INET is missing: install the package perl\n"),
        ("sh-and-perl", "cannot mount a tmpfs on /tmp: install mount, and create the directory /tmp\n"),
    ] {
        let mut start = command(["./pod", "--pause=pause"]);
        start.arg(format!("sh {}/pod/story.sh server", root().display())).env("PATH", programs);
        let Some(said) = said(start) else { return };
        assert_eq!((said.code, said.stderr.as_str()), (Some(1), ""), "{said:?}");
        assert!(said.stdout.contains(&format!("sh | {line}")), "{said:?}");
    }
}

/// Asserts that the runner says `pod: cannot LINE` on stderr, and nothing else, and fails. In LINE, FOLDER stands for
/// the directory in which it runs.
fn says(start: Command, line: &str) {
    if let Some((said, folder)) = said_in(start) {
        let line = line.replace("FOLDER", &folder);
        assert_eq!((said.code, said.stderr), (Some(125), format!("pod: cannot {line}")), "{}", said.stdout);
    }
}

fn said(start: Command) -> Option<End> {
    Some(said_in(start)?.0)
}

/// Returns what the runner says, and the directory in which it runs; None if it cannot run.
fn said_in(mut start: Command) -> Option<(End, String)> {
    if !geteuid().is_root() {
        skip("not root, so it cannot give up privileges");
        return None;
    }
    if !has_namespaces() {
        return None;
    }
    let folder = tempfile::Builder::new().permissions(Permissions::from_mode(0o755)).tempdir().expect("a folder");
    // `cp` writes the files: a process that another test starts could inherit a file that is open for writing here,
    // which then cannot be executed.
    let mut files = command(["sh", "-ec", FILES, env!("CARGO_BIN_EXE_pod")]);
    files.arg(ours()).current_dir(folder.path());
    assert_eq!(run(files), End::silent(0));
    let said = run({
        start.current_dir(folder.path());
        start
    });
    let folder = fs::canonicalize(folder.path()).expect("a folder");
    Some((said, folder.to_string_lossy().into_owned()))
}

fn user() -> Command {
    command(USER.iter().chain(&POD))
}

/// Returns the command, in a mount namespace of its own, preceded by this script.
fn after(script: &str, start: Command) -> Command {
    let mut shell = command(["unshare", "-m", "sh", "-c", &format!("{script} && exec \"$@\""), "sh"]);
    shell.arg(start.get_program()).args(start.get_args());
    shell
}

/// Returns the command, in a chroot to a directory that is not a mount point.
fn in_chroot(start: Command) -> Command {
    let mut chroot = command(["chroot", "."]);
    chroot.arg(start.get_program()).args(start.get_args());
    let script = "for folder in bin lib lib64 usr; do
        [ ! -d /$folder ] || { mkdir $folder && mount --bind /$folder $folder; } || exit
    done";
    after(script, chroot)
}
