//! What the installer trusts: sockets, files and directories that only root can change, wherever they are, and nothing
//! that an ordinary user or a confined container says or provides.
//!
//! The attackers are a user, alice, with the directory /run/alice, and a container. Their programs are traps, which
//! leave a line in /run/executed.

use std::fs;

use kit::skip::{does_not_apply, is_installed};
use shared::containerd::{PIN, is_version_2};
use shared::engines::built;
use shared::host::Host;
use shared::{NAME, crio, found, ready, until};

use super::{MAY_BE_ANOTHER, REAL, configured, copy_in, lines, start_docker};

const ALICE: &str = "/run/alice";
/// Runs a command as alice.
const BY_ALICE: &[&str] = &["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups"];
/// Why root cannot trust her directory.
const HERS: &str = "/run/alice belongs to user 1000";

const STOPPED: &str = "containerd: is not running; skipped\n";

/// A program that leaves a line.
const TRAP: &str = "#!/bin/sh\necho \"$0 $*\" >>/run/executed\n";

/// Checks a set-user-ID program of root's: its name is that of the link with which a user started it, and she chose its
/// arguments. Here it is a bash, which stops.
#[test]
fn a_users_process_is_no_engine() {
    let Some(host) = alices_host(&["podman"]) else { return };
    start_docker(&host);
    host.ok(&["install", "-m", "6755", "/bin/bash", "/usr/local/bin/chfn"]);
    host.write("/run/alice/stop", "kill -STOP $$\n");
    host.write("/run/alice/c.toml", &configured("hers:1"));
    for name in ["containerd", "crio", "dockerd", "cri-dockerd", "k3s-server", "k0s"] {
        host.write_program(&format!("{ALICE}/bin/{name}"), TRAP);
        let start = format!(
            "ln -s /usr/local/bin/chfn {ALICE}/{name}; exec -a {ALICE}/bin/{name} {ALICE}/{name} -p {ALICE}/stop \
             -c {ALICE}/c.toml --config={ALICE}/c.toml -a {ALICE}/sock --listen {ALICE}/sock"
        );
        host.start(&[BY_ALICE, &["bash", "-c", &start]].concat());
        until("it has root's user ID", || {
            host.try_to(&["pgrep", "-u0", "-f", &format!("^{ALICE}/bin/{name} ")]).is_ok()
        });
    }
    let docker = format!("Docker: {NAME} is installed (before: nothing); ok\n");
    assert_eq!(host.install(&[]), (0, format!("{STOPPED}{docker}")));
    let skipped = "Docker: no sandbox image is configured; skipped\n";
    let none = "pause-install: no engine was served\n";
    assert_eq!(host.install(&["--as", "configured"]), (1, format!("{STOPPED}{skipped}{none}")));
    assert_eq!(executed(&host), [""; 0]);
}

/// Checks a second process named containerd. Without crictl, only containerd 1 itself knows its configuration, so this
/// process may be the engine. Any user can start one, so it causes no failure; what it names is neither executed nor
/// loaded, although containerd 1.6 loads shared objects from a directory that its configuration names.
#[test]
fn another_containerd_only_withholds_the_ok() {
    if is_version_2() {
        return does_not_apply("containerd 2 loads no shared objects, and says with which image it is configured");
    }
    if !is_installed("gcc") {
        return does_not_apply("there is no gcc, which builds a shared object");
    }
    let Some(crictl) = built("cri-tools-1.37") else { return };
    let Some(host) = alices_host(&["podman", "docker", "dockerd"]) else { return };
    host.start_containerd(&configured(NAME));
    // The object shows that it was loaded only where it may do what the container may not.
    host.write(
        "/run/loaded.c",
        "#define _GNU_SOURCE\n#include <fcntl.h>\n#include <sched.h>\n__attribute__((constructor))\n\
         static void loaded(void) { if (unshare(CLONE_NEWUTS) == 0) creat(\"/run/loaded\", 0600); }\n",
    );
    host.tmpfs("/run/container");
    host.ok(&["mkdir", "/run/container/plugins"]);
    let object = "/run/container/plugins/loaded-linux-amd64.so";
    host.ok(&["gcc", "-shared", "-fPIC", "-o", object, "/run/loaded.c"]);
    host.write("/run/container/c.toml", "version = 2\nroot = \"/run/container\"\nstate = \"/run/container/state\"\n");
    // A confined containerd ends soon, so it reads its configuration from a pipe that stays open.
    let confined = "cd /run/container
        mv c.toml kept
        mkfifo c.toml
        containerd -c /run/container/c.toml &
        exec 3>c.toml
        mv kept c.toml
        wait";
    let caps = ["setpriv", "--inh-caps=-all", "--bounding-set=-all,+sys_chroot", "sh", "-c", confined];
    let start = |words: &[&str]| {
        host.start(&[words, &caps].concat());
        let of_it = ["pgrep", "-nx", "-f", "containerd -c /run/container/c.toml"];
        let pid = found("it runs", || Some(host.try_to(&of_it).ok()?.trim().to_owned()));
        until("it reads", || host.file("/run/container/c.toml").is_file());
        pid
    };
    let is = |problem: &str| {
        let line = |before| format!("containerd: {NAME} is installed (before: {before}), {PIN}; {problem}\n");
        let (status, said) = host.install(&["--as", "configured"]);
        assert!(status == 0 && [line("nothing"), line("the same")].contains(&said), "{said}");
        let (status, said) = host.install(&["--as", "configured", "--check"]);
        assert!(status == 0 && said.contains(&format!("{PIN}; {problem}\n")), "{said}");
    };
    let pid = start(&[]);
    is(MAY_BE_ANOTHER);
    fs::copy(crictl.join("crictl"), host.file("/usr/local/bin/crictl")).expect("a program");
    is("ok"); // the engine itself says with which image it is configured
    host.ok(&["rm", "/usr/local/bin/crictl"]);
    host.ok(&["kill", "-KILL", &pid]);
    is("ok");
    start(&["unshare", "--mount"]); // as a container's own engine, it has other files
    is("ok");
    assert!(!host.file("/run/loaded").exists());
    // The object is loaded if root itself asks for it.
    host.try_to(&["containerd", "-c", "/run/container/c.toml", "config", "dump"]).expect_err("it is no plugin");
    assert!(host.file("/run/loaded").exists());
}

/// Checks configurations in the usual place, and where `--config` says.
#[test]
fn a_configuration_of_hers_is_not_read() {
    let Some(host) = alices_host(&["podman", "docker", "dockerd"]) else { return };
    host.start_containerd(&configured(NAME));
    host.write("/run/alice/c.toml", &configured("hers:1"));
    for (prepare, config, reason) in [
        ("true", "/run/alice/c.toml", HERS),
        ("true", "/run/alice/none.toml", HERS),
        ("true", "/etc/containerd/../../run/alice/c.toml", HERS),
        ("ln -s /run/alice/c.toml link.toml", "/etc/containerd/link.toml", HERS),
        (
            "ln -s loop.toml loop.toml",
            "/etc/containerd/loop.toml",
            "/etc/containerd/loop.toml leads through too many links",
        ),
        ("true", "/tmp/none.toml", "others could create /tmp/none.toml"),
        ("chown 1000 config.toml", "", "/etc/containerd/config.toml belongs to user 1000"),
        ("chown 0 config.toml; chmod 0777 .", "", "everybody may write to /etc/containerd"),
    ] {
        host.ok(&["sh", "-euc", &format!("cd /etc/containerd; {prepare}")]);
        let said = ["--as", "configured", "--engine", "containerd", "--config", config];
        let said = if config.is_empty() { &said[..4] } else { &said[..] };
        let config = if config.is_empty() { "/etc/containerd/config.toml" } else { config };
        let line = format!("containerd: root cannot trust its configuration {config}: {reason}\n");
        assert_eq!(host.install(said), (1, line));
    }
    assert_eq!(host.ok(&["ctr", "-n", "k8s.io", "images", "ls", "-q"]), "");
}

/// Checks sockets in the usual place, linked from there, and where `--socket` says. Her answers would count, so nothing
/// must ask: the trap is executed when something connects.
#[test]
fn a_socket_of_hers_is_not_asked() {
    let Some(host) = alices_host(&[]) else { return };
    start_docker(&host);
    host.write_program("/run/alice/bin/answer", TRAP);
    let hers = format!("{ALICE}/sock");
    host.start(&["systemd-socket-activate", "-l", &hers, "/run/alice/bin/answer"]);
    until("it listens", || host.file(&hers).exists());
    let refused = |title: &str, socket: &str, engine: &[&str]| {
        let line = format!("{title}: root cannot trust its socket {socket}: {HERS}\n");
        assert_eq!(host.install(engine), (1, line));
    };
    for (title, id, usual) in [
        ("containerd", "containerd", "/run/containerd/containerd.sock"),
        ("CRI-O", "crio", "/run/crio/crio.sock"),
        ("Docker", "docker", "/var/run/docker.sock"),
    ] {
        refused(&format!("{title} at {hers}"), &hers, &["--engine", id, "--socket", &hers]);
        let by_folder = format!("/run/by-{id}/sock");
        host.ok(&["ln", "-s", ALICE, &format!("/run/by-{id}")]);
        refused(&format!("{title} at {by_folder}"), &by_folder, &["--engine", id, "--socket", &by_folder]);
        host.ok(&["sh", "-euc", &format!("mkdir -p ${{0%/*}}; [ ! -S $0 ] || mv $0 $0.real; ln -s {hers} $0"), usual]);
        refused(title, usual, &["--engine", id]);
    }
    host.ok(&["mv", "/run/docker.sock.real", "/run/docker.sock"]);
    let cri = "/run/cri-dockerd.sock";
    host.ok(&["ln", "-s", &hers, cri]);
    let line = format!("Docker: root cannot trust the socket of cri-dockerd {cri}: {HERS}\n");
    assert_eq!(host.install(&["--engine", "docker"]), (1, line));
    assert_eq!(executed(&host), [""; 0]);
}

/// Checks that programs that others can replace are not executed, and that the line says why.
#[test]
fn programs_that_others_can_replace_are_not_executed() {
    let Some(host) = alices_host(&["podman", "docker", "dockerd"]) else { return };
    host.start_containerd(&configured(NAME));
    host.ok(&["mount", "--bind", "/dev/null", "/usr/bin/containerd"]);
    host.write_program("/run/trap", TRAP);
    host.ok(&["mkdir", "/opt/a b", "/opt/mine"]);
    host.ok(&["cp", "/run/trap", "/opt/a b/containerd"]);
    host.ok(&["cp", "/run/trap", "/opt/mine/containerd"]);
    host.ok(&["cp", "/run/trap", "/run/alice/containerd"]);
    host.ok(&["ln", "-s", "/opt/mine", "/run/alice/there"]);
    let refused = |prepare: &str, reason: &str| {
        let copy = "cd /usr/local/bin; rm -f *; chown 0:0 .; chmod 0755 .; cp /run/trap containerd";
        host.ok(&["sh", "-euc", &format!("{copy}; {prepare}")]);
        let line = format!("containerd: root cannot trust /usr/local/bin/containerd: {reason}\n");
        assert_eq!(host.install(&["--as", "configured"]), (1, line), "{prepare}");
    };
    let everybody = "everybody may write to /usr/local/bin";
    for (prepare, reason) in [
        ("chown 1000 containerd", "/usr/local/bin/containerd belongs to user 1000"),
        ("chgrp 50 .; chmod 775 .", "group 50 may write to /usr/local/bin"),
        ("chmod 777 .", everybody),
        ("chmod 1777 .; chown 1000 containerd", "/usr/local/bin/containerd belongs to user 1000"),
        ("chmod 1777 .; chmod 777 containerd", "everybody may write to /usr/local/bin/containerd"),
        ("ln -sf /run/alice/containerd .", HERS),
        ("ln -sf ../../../run/alice/there/containerd .", HERS),
        ("ln -sf '/opt/a b/containerd' .", "a path contains unusual characters"),
    ] {
        refused(prepare, reason);
    }
    // BusyBox's ls does not show an ACL, which may let others write where the group may.
    host.ok(&["mount", "--bind", "/usr/bin/busybox", "/usr/bin/ls"]);
    refused("chmod 775 .", "group 0 may write to /usr/local/bin");
    assert_eq!(executed(&host), [""; 0]);
}

/// Checks the layouts of real nodes.
#[test]
fn the_programs_of_root_are_found_wherever_they_are() {
    let Some(host) = alices_host(&["podman", "docker", "dockerd"]) else { return };
    host.ok(&["mkdir", "/opt/real", "/run/snap"]);
    host.ok(&["cp", "/usr/bin/containerd", "/usr/bin/ctr", "/opt/real"]);
    host.tmpfs("/snap");
    host.start_containerd(&configured(NAME));
    for program in ["/usr/bin/containerd", "/usr/bin/ctr"] {
        host.ok(&["mount", "--bind", "/dev/null", program]);
    }
    for (title, prepare) in [
        ("Flatcar's folder", "mkdir /opt/bin; cp /opt/real/* /opt/bin"),
        (
            "links elsewhere to programs with their version",
            "mkdir /opt/c; for p in containerd ctr; do
                cp /opt/real/$p /opt/c/$p-1
                ln -s ../../../opt/c/$p-1 /usr/local/bin/$p
            done",
        ),
        (
            "a store like /nix/store, with a sticky folder",
            "mkdir -p /opt/store/0-c/bin /run/current-system; cp /opt/real/* /opt/store/0-c/bin
            chgrp 30000 /opt/store; chmod 1775 /opt/store; ln -s /opt/store/0-c /run/current-system/sw",
        ),
        ("a folder of group 0", "cp /opt/real/* /usr/local/bin; chmod 775 /usr/local/bin"),
        ("snaps", "mkdir /snap/bin; cp /opt/real/* /snap/bin"),
    ] {
        let clean = "rm -rf /usr/local/bin/* /opt/bin /opt/c /opt/store /run/current-system /snap/bin";
        host.ok(&["sh", "-euc", &format!("{clean}; chmod 0755 /usr/local/bin; {prepare}")]);
        let (status, said) = host.install(&["--as", "configured"]);
        assert!(status == 0 && said.starts_with(&format!("containerd: {NAME} is installed")), "{title}: {said}");
    }
}

/// Checks a caller whose PATH leads to her programs, and a client in a directory to which others can write.
#[test]
fn clients_and_tools_are_roots() {
    let Some(host) = alices_host(&["podman", "docker", "dockerd"]) else { return };
    host.start_containerd(&configured(NAME));
    for program in ["sed", "cat", "ctr", "env", "id", "stat", "containerd"] {
        host.write_program(&format!("{ALICE}/bin/{program}"), TRAP);
    }
    for program in ["crictl", "sha256sum", "systemctl"] {
        host.write_program(&format!("/usr/local/bin/{program}"), TRAP);
    }
    host.ok(&["sh", "-c", "chgrp 50 /usr/local/bin && chmod 2775 /usr/local/bin"]);
    let path = format!("PATH={ALICE}/bin::.:/usr/local/bin:/usr/bin:/bin");
    let line = format!("containerd: {NAME} is installed (before: nothing), {PIN}; ok\n");
    assert_eq!(host.install_by(&["env", &path, "/bin/dash"], &[]), (0, line.clone()));
    let same = (0, line.replace("nothing", "the same"));
    let functions = "for name in env sed stat ls [; do
            eval \"$name() { echo $name >>/run/executed; }\"
            export -f $name
        done
        exec bash \"$@\"";
    assert_eq!(host.install_by(&["bash", "-c", functions, "bash"], &[]), same);
    // Without the distribution's client, there is only the one that others can replace.
    host.write_program("/usr/local/bin/ctr", TRAP);
    host.ok(&["mount", "--bind", "/dev/null", "/usr/bin/ctr"]);
    let line = "containerd: root cannot trust /usr/local/bin/ctr: group 50 may write to /usr/local/bin\n";
    assert_eq!(host.install(&[]), (1, line.to_owned()));
    // All of PATH must be root's.
    let place = "/run/current-system/sw/bin";
    host.ok(&["mkdir", "-p", place]);
    host.ok(&["chown", "1000", place]);
    let line = format!("pause-install: root cannot trust {place}: {place} belongs to user 1000\n");
    assert_eq!(host.install(&[]), (1, line));
    assert_eq!(executed(&host), [""; 0]);
}

/// Sets variables that clients, tools and shells read, as a user may have done who became root.
#[test]
fn variables_of_the_caller_do_not_count() {
    let Some(host) = alices_host(&[]) else { return };
    start_docker(&host);
    host.start_containerd(&configured(NAME));
    host.write("/run/alice/.docker/config.json", r#"{ "currentContext": "hers" }"#);
    host.write("/run/alice/.config/containers/containers.conf", "[engine]\nremote = true\n");
    host.write("/run/alice/storage.conf", "[storage]\ndriver = \"vfs\"\ngraphroot = \"/run/alice/graph\"\n");
    host.write_program("/run/alice/bin/trap", TRAP);
    let set = [
        "CONTAINERD_ADDRESS=/run/alice/sock",
        "CONTAINERD_NAMESPACE=hers",
        "CONTAINERD_SNAPSHOTTER=hers",
        "CONTAINERS_CONF=/run/alice/.config/containers/containers.conf",
        "CONTAINERS_STORAGE_CONF=/run/alice/storage.conf",
        "CONTAINER_CONNECTION=hers",
        "CONTAINER_HOST=unix:///run/alice/sock",
        "CONTAINER_RUNTIME_ENDPOINT=unix:///run/alice/sock",
        "DOCKER_API_VERSION=1.1",
        "DOCKER_CONFIG=/run/alice/.docker",
        "DOCKER_CONTEXT=hers",
        "DOCKER_HOST=unix:///run/alice/sock",
        "HOME=/run/alice",
        "IMAGE_SERVICE_ENDPOINT=unix:///run/alice/sock",
        "STORAGE_DRIVER=hers",
        "TAR_OPTIONS=--checkpoint=1 --checkpoint-action=exec=/run/alice/bin/trap",
        "XDG_CONFIG_HOME=/run/alice/.config",
        "XDG_RUNTIME_DIR=/run/alice",
        // Some of those that a shell cannot unset.
        "BASH_ARGC=1",
        "SHELLOPTS=posix",
        "A=a\nUID=5\nPPID=5\nOPTIND=3\n",
    ];
    for (shell, before) in [("dash", "nothing"), ("bash", "the same")] {
        let lines = format!(
            "containerd: {NAME} is installed (before: {before}), {PIN}; ok\n\
             Docker: {NAME} is installed (before: {before}); ok\n\
             Podman: {NAME} is installed (before: {before}); \
             set infra_image = \"{NAME}\" and infra_command = \"/pause\" in containers.conf\n"
        );
        assert_eq!(host.install_by(&[&["env"], &set[..], &[shell]].concat(), &[]), (0, lines), "{shell}");
    }
    host.ok(&["podman", "image", "exists", NAME]);
    assert_eq!(host.ok(&["ls", ALICE]), "bin\nstorage.conf\n");
    assert_eq!(executed(&host), [""; 0]);
}

/// Checks that the script's own directory is where she cannot replace it.
#[test]
fn temporary_files_are_roots() {
    let Some(host) = alices_host(&["podman", "docker", "dockerd"]) else { return };
    host.start_containerd(&configured(NAME));
    let (status, said) = host.install_by(&["env", "TMPDIR=/run/alice", "dash"], &[]);
    let line = format!("pause-install: set TMPDIR to a directory in which only root can replace files: {HERS}\n");
    assert_eq!((status, said), (1, line));
    assert_eq!(host.ok(&["ls", ALICE]), "bin\n");
    assert_eq!(host.install_by(&["env", "TMPDIR=/tmp", "dash"], &[]).0, 0, "others may write to it, and it is sticky");
}

/// Checks the directory into which the installer would write, and the engine's own programs.
#[test]
fn the_folders_of_k3s_are_roots() {
    let Some(host) = alices_host(&["podman", "docker", "dockerd"]) else { return };
    let agent = "/var/lib/rancher/k3s/agent";
    let config = format!("{agent}/etc/containerd/config.toml");
    host.write(&config, &configured(NAME));
    let bin = "/var/lib/rancher/k3s/data/current/bin";
    host.ok(&["mkdir", "-p", bin]);
    host.ok(&["cp", "/usr/bin/containerd", "/usr/bin/ctr", bin]);
    let socket = "/run/k3s/containerd/containerd.sock";
    let daemon = host.start(&[&format!("{bin}/containerd"), "-c", &config, "-a", socket]);
    daemon.until("it answers", || host.try_to(&["ctr", "-a", socket, "version"]).is_ok());
    let refused = |folder: &str, reason: &str| {
        let line = format!("k3s: root cannot trust {folder}: {reason}\n");
        assert_eq!(host.install(&[]), (1, format!("{STOPPED}{line}")));
    };
    let images = format!("{agent}/images");
    for (prepare, folder, reason) in [
        ("mkdir /run/alice/images; chown 1000 /run/alice/images; ln -s /run/alice/images .", &*images, HERS),
        ("rm images; mkdir -m 1777 images", &images, &format!("everybody may write to {images}")),
        // The copy is first written next to its place.
        ("chmod 0755 images; chmod 1777 .", agent, &format!("everybody may write to {agent}")),
    ] {
        host.ok(&["sh", "-euc", &format!("cd {agent}; {prepare}")]);
        refused(folder, reason);
    }
    host.ok(&["chmod", "0755", agent]);
    // There is another one in PATH, which must not be used instead.
    for program in ["ctr", "containerd"] {
        let program = format!("{bin}/{program}");
        host.ok(&["chown", "1000", &program]);
        refused(&program, &format!("{program} belongs to user 1000"));
        host.ok(&["chown", "0", &program]);
    }
    assert_eq!(host.install(&[]).0, 0);
    assert!(host.file(&copy_in(&format!("{agent}/images"), NAME)).exists());
}

/// Checks that the installer repairs nothing in an engine whose images others can write.
#[test]
fn folders_of_images_are_roots() {
    let Some(host) = alices_host(&["podman", "docker", "dockerd"]) else { return };
    host.start_containerd(&configured(NAME));
    assert_eq!(host.install(&[]).0, 0);
    host.ok(&["ctr", "-n", "k8s.io", "run", "--rm", NAME, "unpacked", "/pause", "-v"]);
    let file = host.ok(&["find", "/var/lib/containerd", "-path", "*/snapshots/*/fs/pause"]);
    let folder = file.trim().strip_suffix("/pause").expect("one file");
    host.write(file.trim(), "hers");
    host.ok(&["chown", "1000", folder]);
    let line = format!("containerd: root cannot trust {folder}: {folder} belongs to user 1000\n");
    assert_eq!(host.install(&[]), (1, line));
    assert_eq!(host.ok(&["cat", file.trim()]), "hers");
    host.ok(&["chown", "0", folder]);
    let line = format!("containerd: {NAME} is installed (before: damaged, repaired), {PIN}; ok\n");
    assert_eq!(host.install(&[]), (0, line));
}

/// Checks CRI-O's storage, whose directories the configuration names.
#[test]
fn storage_of_cri_o_is_roots() {
    let Some(host) = crio::host(&["containerd", "docker", "dockerd"]).filter(|_| ready(REAL)) else { return };
    host.ok(&["install", "-d", "-o", "1000", ALICE]);
    for (root, runroot, refused) in
        [("/run/alice/root", "/run/r", "/run/alice/root"), ("/run/s", "/run/alice/r", "/run/alice/r")]
    {
        let folders = format!("[crio]\nroot = \"{root}\"\nrunroot = \"{runroot}\"\nstorage_driver = \"vfs\"\n");
        host.write("/etc/crio/crio.conf", &(folders + &crio::config("runc")));
        let daemon = crio::start(&host, &[]);
        assert_eq!(host.install(&[]), (1, format!("CRI-O: root cannot trust {refused}: {HERS}\n")));
        daemon.stop();
    }
}

/// Checks a script in a pipe: `$0` is the name of the shell, and a file with that name may be in the directory.
#[test]
fn at_boot_runs_this_script_and_no_other() {
    let Some(host) = alices_host(&["podman", "docker", "dockerd"]) else { return };
    host.own_etc();
    host.start_containerd(&configured(NAME));
    let script = fs::read_to_string(shared::dist("pause-install.sh")).expect("a file");
    let sum = lines(&script).into_iter().find(|line| line.starts_with("sum=")).expect("a line");
    let refused = (1, "pause-install: --at-boot needs this script in a file\n".to_owned());
    let piped = ["sh", "-c", "cd /run/alice && exec sh -s -- --at-boot </run/pause-install.sh", "sh"];
    for hers in [
        "main \"$@\"\n".to_owned(),
        format!("{script}\n"),
        script.replace("\numask 22\n", "\numask 22\n: >/run/executed-at-boot\n"),
        script.replace("\numask 22\n", "\numask 22\nsum=x; : >/run/executed-at-boot\n"),
        // The line that the digest does not cover: twice, and empty.
        script.replace("\numask 22\n", &format!("\numask 22\n{sum}\n")),
        script.replace(sum, "sum="),
    ] {
        host.write("/run/alice/sh", &hers);
        let whole = hers == format!("{script}\n");
        let (status, said) = host.install_by(&piped, &[]);
        if whole {
            assert!(status == 0 && said.ends_with("pause-install.service is enabled; ok\n"), "{said}");
        } else {
            assert_eq!((status, said), refused);
        }
        assert_eq!(host.file("/etc/pause-install.sh").exists(), whole);
        host.ok(&["rm", "-f", "/etc/pause-install.sh"]);
    }
}

/// Checks configured names with sequences that a terminal obeys, or `echo`. Podman reads this file from version 6 on.
#[test]
fn a_terminal_gets_no_commands() {
    let Some(host) = alices_host(&["docker", "dockerd"]) else { return };
    host.own_etc();
    host.start_containerd(&configured("a\\\\cb\\\\nc\\u001b[2J"));
    let podman = "[engine]\ninfra_image = 'a\\cb\\nc\x1b]0;d\x07\x7fe'\n";
    host.write("/etc/containers/containers.rootful.conf.d/pause.conf", podman);
    let (status, said) = host.install(&["--as", "configured"]);
    let containerd = "containerd: not the name of an image: a\\\\cb\\\\nc\\u001B[2J";
    let podman = "Podman: not the name of an image: a\\cb\\nc]0;de";
    assert_eq!((status, said), (1, format!("{containerd}\n{podman}\n")));
}

/// Checks that pauses are counted by their programs, whatever they call themselves.
#[test]
fn pauses_are_counted_by_their_programs() {
    let Some(host) = alices_host(&["podman", "docker", "dockerd"]) else { return };
    host.start_containerd(&configured(NAME));
    let ours = fs::read(shared::dist("pause-amd64")).expect("a file");
    let with = |version: &str| {
        let text = format!("pause {}", env!("CARGO_PKG_VERSION"));
        let at = ours.windows(text.len()).position(|bytes| bytes == text.as_bytes()).expect("a version");
        [&ours[..at], format!("pause {version}").as_bytes(), &ours[at + text.len()..]].concat()
    };
    for (folder, program) in [("ours", &ours), ("older", &with("0.0.9")), ("hers", &with("6.6.6"))] {
        let path = format!("{ALICE}/{folder}/pause");
        host.ok(&["mkdir", &format!("{ALICE}/{folder}")]);
        fs::write(host.file("/run/program"), program).expect("a program");
        host.ok(&["install", "-m", "0755", "/run/program", &path]);
        host.start(&[BY_ALICE, &[&path]].concat());
    }
    host.ok(&["ln", "-s", "/usr/bin/sleep", "/run/alice/pause"]);
    host.start(&["/run/alice/pause", "1000"]);
    host.start(&["/run/alice/pause", "1000"]);
    until("all run", || host.ok(&["pgrep", "-cx", "pause"]).trim() == "6");
    let older = host.ok(&["sha256sum", "/run/alice/older/pause"]);
    let script = fs::read_to_string(shared::dist("pause-install.sh")).expect("a file");
    host.write("/run/pause-install.sh", &script.replace("\nolder='", &format!("\nolder='{} ", &older[..64])));
    let (status, said) = host.install(&["--check"]);
    assert_eq!(
        (status, lines(&said).last()),
        (1, Some(&"running pauses: 2 of this release, 1 of earlier ones, 3 others"))
    );
}

/// Makes a host on which the programs `hidden` are not installed, with alice's directory.
fn alices_host(hidden: &[&str]) -> Option<Host> {
    if !ready(REAL) {
        return None;
    }
    let host = Host::new(hidden);
    host.write("/run/executed", "");
    host.ok(&["chmod", "0666", "/run/executed"]);
    host.ok(&["mkdir", "-p", "/run/alice/bin"]);
    host.ok(&["chown", "1000:1000", ALICE, "/run/alice/bin"]);
    Some(host)
}

/// Returns what the traps recorded.
fn executed(host: &Host) -> Vec<String> {
    fs::read_to_string(host.file("/run/executed")).expect("a file").lines().map(str::to_owned).collect()
}
