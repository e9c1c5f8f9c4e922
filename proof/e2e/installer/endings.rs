//! However the installer ends, it does end, and leaves nothing half-made: no directory, no half of a file, no lock.

use std::fs;
use std::thread;

use shared::containerd::{PIN, of_2};
use shared::host::Host;
use shared::{NAME, digest, ready, until};

use super::{REAL, configured, lines};

const HIDDEN: &[&str] = &["podman", "docker", "dockerd"];

#[test]
fn a_missing_tool_is_named_before_anything_is_done() {
    if !ready(REAL) {
        return;
    }
    for tool in ["base64", "flock", "gzip", "stat", "timeout"] {
        let host = Host::new(&[HIDDEN, &[tool]].concat());
        assert_eq!(host.install(&["--check"]), (1, format!("pause-install: {tool} is not installed\n")));
    }
}

/// Checks that two installers wait for each other.
#[test]
fn two_at_once() {
    if !ready(REAL) {
        return;
    }
    let host = Host::new(HIDDEN);
    host.start_containerd(&configured(NAME));
    let mut both = thread::scope(|scope| {
        let both = [(); 2].map(|()| scope.spawn(|| host.install(&[])));
        both.map(|installer| installer.join().expect("it runs"))
    });
    both.sort();
    let line = |before| (0, format!("containerd: {NAME} is installed (before: {before}), {PIN}; ok\n"));
    assert_eq!(both, [line("nothing"), line("the same")]);
    // A user cannot hold the lock.
    let lock = ["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups", "sh", "-c", "exec 9</root"];
    host.try_to(&lock).expect_err("she cannot open it");
}

/// Checks signals while the engine imports.
#[test]
fn a_signal() {
    if !ready(REAL) {
        return;
    }
    for signal in ["HUP", "TERM"] {
        let host = Host::new(HIDDEN);
        host.start_containerd(&configured(NAME));
        hold(&host, " import ");
        let runs = "setsid dash /run/pause-install.sh >/run/said 2>&1 & wait $!; echo $? >/run/ended";
        host.start(&["sh", "-c", runs]);
        host.until("it imports", || host.file("/run/held").exists());
        let kill = "kill -s $0 -- -$(ps -o pgid= -p $(pgrep -f '^dash /run/pause-install.sh' | head -n 1) | tr -d ' ')";
        host.ok(&["sh", "-c", kill, signal]);
        host.until("it ends", || host.file("/run/ended").exists());
        assert_ne!(fs::read_to_string(host.file("/run/ended")).expect("a file"), "0\n", "{signal}");
        assert_eq!(host.ok(&["ls", "/tmp"]), "", "{signal}");
        host.ok(&["umount", "/usr/bin/ctr"]);
        let (status, said) = host.install(&[]);
        assert!(status == 0 && said.ends_with("; ok\n"), "{said}");
        assert!(host.image(NAME).contains(&digest("index")));
    }
}

/// Checks that the installer ends if nobody reads its output.
#[test]
fn a_closed_output() {
    if !ready(REAL) {
        return;
    }
    let host = Host::new(HIDDEN);
    host.start_containerd(&configured(NAME));
    for (shell, end) in
        [("dash", ">&-"), ("dash", ">/dev/full"), ("dash", "| :"), ("bash", "| :"), ("busybox sh", "| :")]
    {
        let run = format!("{shell} /run/pause-install.sh --check 2>/dev/null {end} || :");
        host.ok(&["sh", "-c", &run]);
        assert_eq!(host.ok(&["ls", "/tmp"]), "", "{run}");
    }
    assert_eq!(host.install(&[]).0, 0);
}

/// Checks that a full disk causes one line, changes nothing, and leaves no part of a file.
#[test]
fn a_full_disk() {
    if !ready(REAL) {
        return;
    }
    let Some(engines) = of_2() else { return };
    let host = Host::with_engines(&engines, HIDDEN);
    let data = "/var/lib/rancher/k3s";
    let bin = format!("{data}/data/current/bin");
    host.ok(&["mkdir", "-p", &bin]);
    host.ok(&["sh", "-c", &format!("cp /usr/local/bin/c* {bin}")]);
    let (file, socket) = (format!("{data}/agent/etc/containerd/config.toml"), "/run/k3s/containerd/containerd.sock");
    host.write(&file, &configured(NAME));
    let own = ["--root=/run/k3s/root", "--state=/run/k3s/state"];
    let daemon = host.start(&[&["containerd", "-c", &file, "-a", socket][..], &own].concat());
    daemon.until("it answers", || host.try_to(&["ctr", "-a", socket, "version"]).is_ok());
    host.ok(&["mkdir", &format!("{data}/agent/images")]);
    host.ok(&["mount", "-t", "tmpfs", "-o", "size=8k,mode=755", "tmpfs", &format!("{data}/agent/images")]);
    let (status, said) = host.install(&["--engine", "k3s"]);
    assert!(status == 1 && said.starts_with("k3s: cannot write /var/lib/rancher/k3s/agent/images/zz-pause-"), "{said}");
    assert_eq!(host.ok(&["find", &format!("{data}/agent"), "-name", "*pause*"]), "", "{said}");
    host.ok(&["umount", &format!("{data}/agent/images")]);

    // The systemd unit.
    host.own_etc();
    host.ok(&["mkdir", "-p", "/etc/systemd/system"]);
    host.ok(&["mount", "-t", "tmpfs", "-o", "size=4k,mode=755", "tmpfs", "/etc/systemd/system"]);
    host.ok(&["sh", "-c", "head -c 4096 /dev/zero >/etc/systemd/system/full"]);
    host.start_containerd(&configured(NAME));
    let (status, said) = host.install(&["--engine", "containerd", "--at-boot"]);
    assert!(status == 1 && said.contains("pause-install: cannot enable pause-install.service: "), "{said}");
    assert_eq!(
        host.ok(&["sh", "-c", "ls /etc/pause* /etc/systemd/system 2>/dev/null || :"]),
        "/etc/systemd/system:\nfull\n"
    );
}

/// Checks an engine that hangs, whose client gives up by itself.
#[test]
fn an_engine_that_hangs() {
    if !ready(REAL) {
        return;
    }
    let host = Host::new(HIDDEN);
    host.start_containerd(&configured(NAME));
    host.ok(&["pkill", "-STOP", "-x", "containerd"]);
    until("it is stopped", || host.ok(&["ps", "-o", "state=", "-C", "containerd"]).contains('T'));
    let (status, said) = host.install(&[]);
    let line = "containerd: cannot reach it at /run/containerd/containerd.sock: ";
    assert!(status == 1 && said.starts_with(line) && said.lines().count() == 1, "{said}");
    host.ok(&["pkill", "-CONT", "-x", "containerd"]);
    assert_eq!(host.install(&[]).0, 0);
}

/// Checks that every call of a client has a deadline, as after the disk was full, containerd 1.6's client retries forever,
/// and that no answer is not taken for a "no": an image that cannot be read is not damaged, and an image that may have
/// been kept is not removed.
#[test]
#[ignore = "make engines runs it"]
fn a_client_that_hangs() {
    if !ready(REAL) {
        return;
    }
    for (call, options) in
        [(" import ", &[][..]), (" content ", &["--check"]), ("localhost/pause-before:", &["--remove"])]
    {
        let host = Host::new(HIDDEN);
        host.start_containerd(&configured(NAME));
        host.tmpfs("/root"); // which the installer locks for a minute, and which other hosts share
        assert!(call == " import " || host.install(&[]).0 == 0);
        hold(&host, call);
        let line = "containerd: no answer within 60 s: restart containerd";
        let (status, said) = host.install(options);
        let of_engines = |said: &&str| !said.starts_with("running pauses: ");
        assert_eq!((status, lines(&said).into_iter().filter(of_engines).collect()), (1, vec![line]), "{call}");
        assert!(call == " import " || host.image(NAME).contains(&digest("index")), "{call}");
    }
}

/// Makes ctr wait endlessly when its arguments contain `call`.
fn hold(host: &Host, call: &str) {
    host.ok(&["cp", "/usr/bin/ctr", "/run/real-ctr"]);
    host.ok(&["mkfifo", "/run/go"]);
    let waits = format!(
        "#!/bin/sh\ncase $* in *'{call}'*) : >/run/held; read -r go </run/go ;; esac\nexec /run/real-ctr \"$@\"\n"
    );
    host.write_program("/run/ctr", &waits);
    host.ok(&["mount", "--bind", "/run/ctr", "/usr/bin/ctr"]);
}
