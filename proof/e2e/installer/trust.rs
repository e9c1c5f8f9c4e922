//! What root believes while it installs: an engine of root's, wherever that is; and nothing that an ordinary user or a
//! confined container says or provides.
//!
//! The attacks are those of a user, alice, with the folder /run/alice, and of a container. Their programs are
//! stand_in.rs, which leaves a line in /run/executed.

use std::fs;

use kit::skip::{does_not_apply, is_installed};
use shared::containerd::{PIN, is_version_2};
use shared::host::Host;
use shared::{BUSYBOX, NAME, ok, ready, until};

use super::{ONLY_THE_HOSTS_OWN, REAL, configured, lines, stand_in, start_docker};

const ALICE: &str = "/run/alice";
/// As alice.
const BY_ALICE: &[&str] = &["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups"];

/// A set-user-ID program that she stops while all its user IDs are 0 has the name of the link by which it was started,
/// and the arguments that she gave it.
#[test]
fn a_users_process_is_no_engine() {
    for (name, mode, reason) in [
        ("containerd", "4755", "not all of its user and group IDs are 0"),
        ("crio", "4755", "not all of its user and group IDs are 0"),
        ("dockerd", "6755", "its program is /usr/local/bin/chfn"),
        ("containerd", "6755", "its program is /usr/local/bin/chfn"),
        ("crio", "6755", "its program is /usr/local/bin/chfn"),
    ] {
        let Some(host) = alices_host(&["containerd", "docker", "dockerd", "podman"]) else { return };
        let pid = start_hers(&host, name, mode);
        assert_eq!(
            host.install(&["--check", "--as", "configured"]),
            (1, format!("{}{ONLY_THE_HOSTS_OWN}\n{NO_ENGINE}", untrusted(&pid, name, reason)))
        );
        assert_eq!(executed(&host), ["0 /usr/local/bin/chfn ".to_owned() + name]);
    }
}

/// The same as cri-dockerd, beside a real Docker; its line is no failure.
#[test]
fn a_users_process_is_no_cri_dockerd() {
    let Some(host) = alices_host(&["podman"]) else { return };
    start_docker(&host);
    let pid = start_hers(&host, "cri-dockerd", "6755");
    let doubt = untrusted(&pid, "cri-dockerd", "its program is /usr/local/bin/chfn");
    let docker = format!("Docker: {NAME} is installed (before: nothing), checked by docker; ok\n");
    assert_eq!(host.install(&[]), (0, format!("{doubt}containerd: is not running; skipped\n{docker}")));
    assert_eq!(executed(&host), ["0 /usr/local/bin/chfn cri-dockerd"]);
}

/// A monitoring agent: root without capabilities but CAP_SYS_CHROOT, in the host's PID namespace, with the host's root
/// folder. It changes its root to that, and is then like a process of the host.
#[test]
fn a_containers_process_is_no_engine() {
    let Some(host) = alices_host(&["podman"]) else { return };
    start_docker(&host);
    ok("docker", &["save", "-o", &host.file("/run/image.tar").to_string_lossy(), BUSYBOX]);
    host.ok(&["docker", "load", "-i", "/run/image.tar"]);
    stand_in(&host, "/run/stand-in");
    // Of the container's own file system the host has a folder, which the container finds in its mounts.
    let script = r#"
        own=/var/lib/docker$(awk '$5 == "/" { print $4 }' /proc/self/mountinfo)
        cp /host/run/stand-in /containerd
        exec chroot /host bash -c "exec -a $own/containerd $own/containerd""#;
    let confined = ["--pid=host", "--volume=/:/host:ro", "--user=0", "--cap-drop=ALL", "--cap-add=SYS_CHROOT"];
    let run = ["docker", "run", "--detach", "--network=none"];
    host.ok(&[&run[..], &confined, &[BUSYBOX, "sh", "-euc", script]].concat());
    let docker = format!("Docker: {NAME} is installed (before: nothing), checked by docker; ok\n");
    let stopped = "containerd: is not running; skipped\n";
    let pid = shared::found("it runs", || host.try_to(&["pgrep", "-f", "^/var/lib/docker/.*/containerd$"]).ok());
    let doubt = untrusted(pid.trim(), "containerd", "it lacks capabilities that this script has");
    assert_eq!(host.install(&[]), (0, format!("{doubt}{stopped}{docker}")));
    let by_root = executed(&host).into_iter().filter(|line| line.ends_with(" config dump"));
    assert_eq!(by_root.count(), 0, "{:?}", executed(&host));
}

/// containerd 1.6 loads the shared objects of the folder that its configuration names. A container executes the host's
/// own containerd, with a configuration of its own.
#[test]
fn a_containers_configuration_is_not_loaded() {
    if is_version_2() {
        return does_not_apply("containerd 2 loads no shared objects");
    }
    if !is_installed("gcc") {
        return does_not_apply("there is no gcc, which builds a shared object");
    }
    let Some(host) = alices_host(&["podman", "docker", "dockerd"]) else { return };
    // It shows that it was loaded only where it may do what the container may not.
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
    // Stopped at once, because a confined containerd ends soon.
    let confined = "containerd -c /run/container/c.toml & pid=$!
        until grep -qx containerd /proc/$pid/comm; do kill -0 $pid || exit; done
        kill -STOP $pid
        wait";
    let caps = ["setpriv", "--inh-caps=-all", "--bounding-set=-all,+sys_chroot", "sh", "-c", confined];
    host.start(&caps);
    let pid = pid_of(&host, "containerd");
    until("it is stopped", || host.ok(&["cat", &format!("/proc/{pid}/status")]).contains("State:\tT"));
    let doubt = untrusted(&pid, "containerd", "it lacks capabilities that this script has");
    assert_eq!(
        host.install(&["--as", "configured"]),
        (1, format!("{doubt}containerd: is not running; skipped\n{NO_ENGINE}"))
    );
    assert!(!host.file("/run/loaded").exists());
    // It is loaded where root itself says so.
    host.try_to(&["containerd", "-c", "/run/container/c.toml", "config", "dump"]).expect_err("it is no plugin");
    assert!(host.file("/run/loaded").exists());
}

/// Relative paths count from the engine's folder, not from that of the shell that installs, which can be a user's.
#[test]
fn a_relative_configuration_is_the_engines() {
    let Some(host) = alices_host(&["podman", "docker", "dockerd"]) else { return };
    host.write("/etc/containerd/here/c.toml", &configured(NAME));
    host.write(&format!("{ALICE}/c.toml"), &configured("evil:1"));
    let daemon = host.start(&["sh", "-c", "cd /etc/containerd/here && exec containerd -c c.toml"]);
    daemon.until("it answers", || host.try_to(&["ctr", "version"]).is_ok());
    let in_alices = ["sh", "-c", "cd /run/alice && exec \"$@\"", "sh", "dash"];
    let line = format!("containerd: {NAME} is installed (before: nothing), {PIN}, checked by ctr; ok\n");
    assert_eq!(host.install_by(&in_alices, &["--as", "configured"]), (0, line));
    // If others can write to the engine's folder, its file there is not loaded again.
    host.ok(&["chown", "1000", "/etc/containerd/here"]);
    let line = "containerd: root cannot trust its configuration /etc/containerd/here/c.toml: /etc/containerd/here \
                belongs to user 1000\n";
    assert_eq!(host.install_by(&in_alices, &["--as", "configured"]), (1, line.to_owned()));
}

/// What root trusts is where only root can write; what it does not trust it neither executes nor loads, and says why.
#[test]
fn programs_that_others_can_replace_are_not_executed() {
    let Some(host) = alices_host(&["podman", "docker", "dockerd"]) else { return };
    host.write("/etc/containerd/config.toml", &configured(NAME));
    let (copy, none) = ("cp /usr/bin/containerd .", "true");
    for (folder, prepare, after, reason) in [
        ("/opt/a", "chown 1000 containerd", none, "/opt/a/containerd belongs to user 1000"),
        ("/opt/a", "chgrp 50 . && chmod 775 .", none, "group 50 may write to /opt/a"),
        ("/opt/a", "chmod 777 .", none, "everybody may write to /opt/a"),
        ("/opt/a", "chmod 1777 . && chown 1000 containerd", none, "/opt/a/containerd belongs to user 1000"),
        ("/opt/a", "chmod 1777 . && chmod 777 containerd", none, "everybody may write to /opt/a/containerd"),
        ("/opt/a", "chmod 4755 containerd", none, "/opt/a/containerd has a set-user-ID or set-group-ID bit"),
        ("/opt/a", "chmod 2755 containerd", none, "/opt/a/containerd has a set-user-ID or set-group-ID bit"),
        ("/opt/a b", none, none, "a path has unusual characters"),
        ("/run/alice/a", none, none, "/run/alice belongs to user 1000"),
        // In the place of the program is another one, in this mount namespace.
        ("/opt/a", none, "mount --bind /usr/bin/true containerd", "/opt/a/containerd is not the program that it runs"),
    ] {
        let umount = "umount /opt/a/containerd 2>/dev/null || :; rm -rf /opt/a";
        host.ok(&["sh", "-euc", &format!("{umount}; mkdir -p '{folder}' && cd '{folder}' && {copy} && {prepare}")]);
        let daemon = host.start(&[&format!("{folder}/containerd")]);
        daemon.until("it answers", || host.try_to(&["ctr", "version"]).is_ok());
        host.ok(&["sh", "-euc", &format!("cd '{folder}' && {after}")]);
        let doubt = untrusted(&pid_of(&host, "containerd"), "containerd", reason);
        let stopped = "containerd: is not running; skipped\n";
        assert_eq!(host.install(&["--as", "configured"]), (1, format!("{doubt}{stopped}{NO_ENGINE}")), "{reason}");
        daemon.stop();
    }
    // An interpreter is no engine, whatever the name of its script is.
    host.write_program("/usr/local/bin/containerd", "#!/bin/sh\nkill -STOP $$\n");
    host.start(&["/usr/local/bin/containerd"]);
    let shell = host.ok(&["readlink", "-f", "/bin/sh"]);
    let doubt = untrusted(&pid_of(&host, "containerd"), "containerd", &format!("its program is {}", shell.trim()));
    assert_eq!(host.install(&[]), (1, format!("{doubt}containerd: is not running; skipped\n{NO_ENGINE}")));
}

/// The layouts of real nodes.
#[test]
fn the_engines_of_root_are_found_wherever_they_are() {
    let Some(host) = alices_host(&["podman", "docker", "dockerd"]) else { return };
    host.write("/etc/containerd/config.toml", &configured(NAME));
    let multi = "mkdir -p /opt/k/bin && cp /usr/bin/containerd /opt/k/bin/multi && ln -s multi /opt/k/bin/containerd";
    for (title, prepare, start) in [
        ("a folder of its own", "mkdir /opt/bin && cp /usr/bin/containerd /opt/bin", "exec /opt/bin/containerd"),
        ("a name beside one program of many names", multi, "exec /opt/k/bin/containerd"),
        (
            "a link elsewhere to a program with its version",
            "mkdir /opt/c && cp /usr/bin/containerd /opt/c/containerd-1 &&
                ln -s ../../../opt/c/containerd-1 /usr/local/bin/containerd",
            "exec /usr/local/bin/containerd",
        ),
        (
            "a store like /nix/store, with a sticky folder",
            "mkdir -p /opt/store/0-c/bin && chgrp 30000 /opt/store && chmod 1775 /opt/store &&
                cp /usr/bin/containerd /opt/store/0-c/bin",
            "exec /opt/store/0-c/bin/containerd",
        ),
        ("a folder of group 0", "mkdir -m 775 /opt/g && cp /usr/bin/containerd /opt/g", "exec /opt/g/containerd"),
        ("a mount namespace of its own", "true", "exec unshare --mount /usr/bin/containerd"),
        ("a relative path", "mkdir /opt/r && cp /usr/bin/containerd /opt/r", "cd /opt/r && exec ./containerd"),
        ("arguments of another program", "true", "exec -a '/run/alice/crio --help' /usr/bin/containerd"),
    ] {
        host.ok(&["sh", "-euc", prepare]);
        let daemon = host.start(&["bash", "-c", start]);
        daemon.until("it answers", || host.try_to(&["ctr", "version"]).is_ok());
        let (status, said) = host.install(&["--as", "configured"]);
        assert!(status == 0 && said.starts_with(&format!("containerd: {NAME} is installed")), "{title}: {said}");
        daemon.stop();
    }
}

/// It was upgraded, and not restarted.
#[test]
fn an_engine_whose_program_was_replaced_has_to_be_restarted() {
    let Some(host) = alices_host(&["podman", "docker", "dockerd"]) else { return };
    host.write("/etc/containerd/config.toml", &configured(NAME));
    host.ok(&["mkdir", "/opt/bin"]);
    host.ok(&["cp", "/usr/bin/containerd", "/opt/bin/containerd"]);
    let daemon = host.start(&["/opt/bin/containerd"]);
    daemon.until("it answers", || host.try_to(&["ctr", "version"]).is_ok());
    for replace in ["rm /opt/bin/containerd", "cp /usr/bin/containerd /opt/bin/containerd"] {
        host.ok(&["sh", "-c", replace]);
        let line = "containerd: its program /opt/bin/containerd was replaced after it started; restart it\n";
        assert_eq!(host.install(&["--as", "configured"]), (1, line.to_owned()), "{replace}");
    }
    daemon.stop();
    // A set-user-ID program of root's, which a user runs, is none.
    stand_in(&host, "/opt/bin/containerd");
    host.ok(&["chmod", "6755", "/opt/bin/containerd"]);
    let hers = host.start(&[BY_ALICE, &["/opt/bin/containerd"]].concat());
    let pid = pid_of(&host, "containerd");
    hers.until("it has root's user IDs", || has_roots_ids(&host, &pid));
    host.ok(&["sh", "-c", "rm /opt/bin/containerd; cp /usr/bin/containerd /opt/bin/containerd"]);
    let reason = "its program, which was replaced, has a set-user-ID or set-group-ID bit";
    let doubt = untrusted(&pid, "containerd", reason);
    assert_eq!(host.install(&[]), (1, format!("{doubt}containerd: is not running; skipped\n{NO_ENGINE}")));
    hers.stop();
    let daemon = host.start(&["/opt/bin/containerd"]);
    daemon.until("it answers", || host.try_to(&["ctr", "version"]).is_ok());
    assert_eq!(host.install(&["--as", "configured"]).0, 0);
}

/// Her programs are in the caller's PATH, and a client is in a folder to which others can write.
#[test]
fn clients_and_tools_are_roots() {
    let Some(host) = alices_host(&["podman", "docker", "dockerd"]) else { return };
    host.start_containerd(&configured(NAME));
    let trap = "#!/bin/sh\necho \"$0\" >>/run/executed\n";
    for program in ["sed", "cat", "ctr", "env", "id", "stat"] {
        host.write_program(&format!("{ALICE}/bin/{program}"), trap);
    }
    for program in ["crictl", "sha256sum", "systemctl"] {
        host.write_program(&format!("/usr/local/bin/{program}"), trap);
    }
    host.ok(&["sh", "-c", "chgrp 50 /usr/local/bin && chmod 2775 /usr/local/bin"]);
    let path = format!("PATH={ALICE}/bin::.:/usr/local/bin:/usr/bin:/bin");
    let crictl =
        "containerd: root cannot trust /usr/local/bin/crictl: group 50 may write to /usr/local/bin; not used\n";
    let line = format!("containerd: {NAME} is installed (before: nothing), {PIN}, checked by ctr; ok\n");
    assert_eq!(host.install_by(&["env", &path, "/bin/dash"], &[]), (0, format!("{crictl}{line}")));
    let same = (0, format!("{crictl}{}", line.replace("nothing", "the same")));
    let functions = "for name in env sed stat ls [; do
            eval \"$name() { echo $name >>/run/executed; }\"
            export -f $name
        done
        exec bash \"$@\"";
    assert_eq!(host.install_by(&["bash", "-c", functions, "bash"], &[]), same);
    // Without the client of the distribution, there is only the one that others can replace.
    host.write_program("/usr/local/bin/ctr", trap);
    host.ok(&["mount", "--bind", "/dev/null", "/usr/bin/ctr"]);
    let line = "containerd: root cannot trust /usr/local/bin/ctr: group 50 may write to /usr/local/bin\n";
    assert_eq!(host.install(&[]), (1, format!("{crictl}{line}")));
    // All of PATH is root's.
    let place = "/run/current-system/sw/bin";
    host.ok(&["mkdir", "-p", place]);
    host.ok(&["chown", "1000", place]);
    let line = format!("pause-install: root cannot trust {place}: {place} belongs to user 1000\n");
    assert_eq!(host.install(&[]), (1, line));
    assert_eq!(executed(&host), [""; 0]);
}

/// Variables that clients read, as the user had them who became root.
#[test]
fn variables_of_the_caller_do_not_count() {
    let Some(host) = alices_host(&["docker", "dockerd", "containerd"]) else { return };
    host.write(&format!("{ALICE}/storage.conf"), "[storage]\ndriver = \"vfs\"\ngraphroot = \"/run/alice/graph\"\n");
    let set = ["env", "CONTAINERS_STORAGE_CONF=/run/alice/storage.conf", "HOME=/run/alice", "dash"];
    let line = format!("Podman: {NAME} is installed (before: nothing), checked by podman; ok\n");
    assert_eq!(host.install_by(&set, &[]), (0, line.replace("; ok", &advice_of_podman())));
    host.ok(&["podman", "image", "exists", NAME]);
    assert!(!host.file("/run/alice/graph").exists());
    // Some that a shell cannot unset.
    for shell in ["dash", "bash"] {
        let set = ["env", "BASH_ARGC=1", "SHELLOPTS=posix", "A=a\nUID=5\nPPID=5\nOPTIND=3\n", shell];
        assert_eq!(host.install_by(&set, &["--check"]).0, 1, "{shell}: Podman's advice is left");
        assert_eq!(host.install_by(&set, &[]).0, 0, "{shell}");
    }
}

/// The script's own folder is where she cannot replace it.
#[test]
fn temporary_files_are_roots() {
    let Some(host) = alices_host(&["podman", "docker", "dockerd"]) else { return };
    host.start_containerd(&configured(NAME));
    let (status, said) = host.install_by(&["env", "TMPDIR=/run/alice", "dash"], &[]);
    let line =
        "pause-install: set TMPDIR to a folder in which only root can replace files: /run/alice belongs to user 1000\n";
    assert_eq!((status, said.as_str()), (1, line));
    assert_eq!(host.ok(&["ls", ALICE]), "bin\n");
    assert_eq!(host.install_by(&["env", "TMPDIR=/tmp", "dash"], &[]).0, 0, "others may write to it, and it is sticky");
}

/// A folder into which the installer would write.
#[test]
fn a_folder_of_archives_is_roots() {
    let Some(host) = alices_host(&["podman", "docker", "dockerd"]) else { return };
    let agent = "/var/lib/rancher/k3s/agent";
    host.write(&format!("{agent}/etc/containerd/config.toml"), &configured(NAME));
    let bin = "/var/lib/rancher/k3s/data/1/bin";
    host.ok(&["mkdir", "-p", bin]);
    host.ok(&["cp", "/usr/bin/containerd", "/usr/bin/ctr", bin]);
    let daemon = host.start(&[&format!("{bin}/containerd"), "-c", &format!("{agent}/etc/containerd/config.toml")]);
    daemon.until("it answers", || host.try_to(&["ctr", "version"]).is_ok());
    let images = format!("{agent}/images");
    for (prepare, folder, reason) in [
        (
            "mkdir /run/alice/images; chown 1000 /run/alice/images; ln -s /run/alice/images images",
            &*images,
            "/run/alice belongs to user 1000",
        ),
        ("rm images; mkdir -m 1777 images", &images, &format!("everybody may write to {images}")),
        // The copy is first written beside it.
        ("chmod 0755 images; chmod 1777 .", agent, &format!("everybody may write to {agent}")),
    ] {
        host.ok(&["sh", "-euc", &format!("cd {agent}; {prepare}")]);
        let line = format!("k3s: root cannot trust {folder}: {reason}");
        let (status, said) = host.install(&[]);
        assert_eq!((status, lines(&said)), (1, vec!["containerd: is not running; skipped", &line]));
    }
    host.ok(&["chmod", "0755", agent]);
    assert_eq!(host.install(&[]).0, 0);
    assert!(host.file(&format!("{agent}/images/zz-pause.tar")).exists());
}

/// In a pipe, `$0` is the name of the shell, and a file with that name may lie in the folder.
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
        // The line that the digest does not cover: once more, and empty.
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

/// By their programs, whatever they call themselves.
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
        (1, Some(&"pauses that run: 2 of this release, 1 of earlier ones, 3 others"))
    );
}

const NO_ENGINE: &str = "pause-install: no container engine is running here\n";

/// A host on which the programs `hidden` are not installed, with a folder of alice's.
fn alices_host(hidden: &[&str]) -> Option<Host> {
    if !ready(REAL) {
        return None;
    }
    let host = Host::new(hidden);
    host.write("/run/executed", "");
    host.ok(&["chmod", "0666", "/run/executed"]);
    host.ok(&["mkdir", "-p", "/run/alice/bin"]);
    host.ok(&["chown", "1000:1000", ALICE, "/run/alice/bin"]);
    // What her programs answer to root.
    for (question, answer) in [
        ("containerd config dump", "sandbox_image = \"hers:1\"\n"),
        ("crio config", "pause_image = \"hers:1\"\n"),
        ("cri-dockerd --help", "--pod-infra-container-image string (default \"hers:1\")\n"),
    ] {
        host.write(&format!("/run/answers/{question}"), answer);
    }
    Some(host)
}

/// Starts a set-user-ID program of root's as hers, called `name`, and returns its PID when it has root's user IDs.
fn start_hers(host: &Host, name: &str, mode: &str) -> String {
    stand_in(host, "/usr/local/bin/chfn");
    host.ok(&["chmod", mode, "/usr/local/bin/chfn"]);
    let hers = format!("{ALICE}/bin/{name}");
    stand_in(host, &hers);
    host.ok(&["ln", "-s", "/usr/local/bin/chfn", &format!("{ALICE}/{name}")]);
    let daemon = host.start(&[BY_ALICE, &["bash", "-c", &format!("exec -a {hers} {ALICE}/{name}")]].concat());
    let pid = pid_of(host, name);
    daemon.until("it has root's user IDs", || has_roots_ids(host, &pid));
    pid
}

fn has_roots_ids(host: &Host, pid: &str) -> bool {
    host.ok(&["cat", &format!("/proc/{pid}/status")]).contains("Uid:\t0\t0\t0\t0")
}

/// The PID of the newest process with this name.
fn pid_of(host: &Host, name: &str) -> String {
    shared::found("it runs", || Some(host.try_to(&["pgrep", "-nx", name]).ok()?.trim().to_owned()))
}

fn untrusted(pid: &str, name: &str, reason: &str) -> String {
    format!("PID {pid} calls itself {name}, and root cannot trust it: {reason}; skipped\n")
}

/// What the stand-ins recorded.
fn executed(host: &Host) -> Vec<String> {
    fs::read_to_string(host.file("/run/executed")).expect("a file").lines().map(str::to_owned).collect()
}

fn advice_of_podman() -> String {
    format!("; set infra_image = \"{NAME}\" and infra_command = \"/pause\" in containers.conf")
}
