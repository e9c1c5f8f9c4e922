//! deploy/nodes.sh on three nodes. Each is a host with its own network, sshd and containerd.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use shared::containerd::{PIN, sandbox_key};
use shared::host::Host;
use shared::{BUSYBOX, digest, end, ok, ready, until};

use super::{ONLY_THE_HOSTS_OWN, configured};

const DEFAULT: &str = "registry.k8s.io/pause:3.6";

#[test]
fn of_three_nodes_one_fails() {
    if !ready(&["containerd", "dockerd", "ip", "ssh", "/usr/sbin/sshd", "sudo"]) {
        return;
    }
    let hosts = cluster();
    fs::write("/run/nodes", "node-1 # the first\n\n# as an ordinary user:\n  operator@node-2\r\nnode-3\n")
        .expect("a file");
    a_failure_ends_the_rest(&hosts);
    all_are_served(&hosts);
    the_installers_last_words_count();
    the_installer_gets_its_options();
    all_lose_it_again(&hosts);
    what_an_interrupt_does(&hosts[0]);
    what_a_node_lacks(&hosts);
    for host in &hosts {
        let left = host.ok(&["ls", "-A", "/tmp"]);
        let holds_this_project = |name| build::root().starts_with(Path::new("/tmp").join(name));
        assert!(left.lines().all(holds_this_project), "is left: {left}");
    }
    assert_eq!(fs::read_dir("/run/operator").expect("a folder").count(), 0, "nothing is left");
}

/// On the second node, the configured name belongs to an application.
fn a_failure_ends_the_rest(hosts: &[Host]) {
    hosts[1].import_as(BUSYBOX, DEFAULT);
    let was = hosts[1].image(DEFAULT);
    let before = format!("before: containerd: configured: {DEFAULT}; {DEFAULT}");
    let refusal =
        format!("failed: containerd: {DEFAULT} is not a pause image (entrypoint /pause); --force replaces it");
    let (status, said) = run(&["-p", "1", "/run/nodes"]);
    assert_eq!(
        said,
        format!(
            "node-1: {before} is not there; run this without --check | {ONLY_THE_HOSTS_OWN}\n\
             node-1: {}\n\
             operator@node-2: {before} is another image, not a pause image; choose another name, or --force | \
             {ONLY_THE_HOSTS_OWN}\n\
             operator@node-2: {refusal}\n\
             ok 1, failed operator@node-2, not tried node-3\n",
            installed("nothing")
        )
    );
    assert_eq!(status, 1);
    assert!(hosts[0].image(DEFAULT).contains(&digest("index")), "{}", hosts[0].image(DEFAULT));
    assert_eq!(hosts[1].image(DEFAULT), was);
    assert_eq!(hosts[2].image(DEFAULT), "");
}

/// Once the operator has removed the application's image.
fn all_are_served(hosts: &[Host]) {
    hosts[1].ok(&["ctr", "-n", "k8s.io", "images", "rm", DEFAULT]);
    let (status, said) = run(&["-p", "2", "/run/nodes"]);
    assert!(status == 0 && said.ends_with("\nok 3\n"), "{said}");
    for (name, before) in [("node-1", "the same"), ("operator@node-2", "nothing"), ("node-3", "nothing")] {
        assert!(said.contains(&format!("{name}: {}\n", installed(before))), "{said}");
    }
    for host in hosts {
        assert!(host.image(DEFAULT).contains(&digest("index")), "{}", host.image(DEFAULT));
    }
}

fn installed(before: &str) -> String {
    format!("ok: containerd: {DEFAULT} is installed (before: {before}), {PIN}, checked by ctr; ok")
}

/// If the operator still has to configure something, that is no failure. If the final check fails, it is one.
fn the_installers_last_words_count() {
    let ok = format!("ok: containerd: configured: {DEFAULT}; {DEFAULT} is pause {}, ", env!("CARGO_PKG_VERSION"));
    let (status, said) = run(&["-p", "3", "/run/nodes", "--", "--check", "--as", "configured"]);
    assert!(status == 0 && said.matches(&ok).count() == 3 && !said.contains("before"), "{said}");
    let (status, said) = run(&["/run/nodes", "--", "--as", "it's:1"]);
    assert!(status == 1 && said.contains("failed: pause-install: not the name of an image: it's:1"), "{said}");
    let (status, said) = run(&["/run/nodes", "--", "--as", "registry.example/pause:1"]);
    let advice = format!("set {} to registry.example/pause:1 and restart it\n", sandbox_key());
    assert!(status == 0 && said.matches(&advice).count() == 3, "{said}");
    let liar = "case $* in *--check*) echo \"it: $*; mend it\"; exit 1; esac\necho \"it: $*; ok\"\n";
    fs::write("/run/liar", liar).expect("a file");
    let (status, said) = run(&["-p", "1", "-i", "/run/liar", "/run/nodes"]);
    assert!(status == 1 && said.contains("node-1: failed: it: --check --as configured; mend it\n"), "{said}");
}

/// --check gets only those that it accepts.
fn the_installer_gets_its_options() {
    fs::write("/run/echo", "echo \"it: $*; ok\"\n").expect("a file");
    let (status, said) = run(&["-i", "/run/echo", "/run/nodes", "--", "--at-boot", "--wait", "5", "--force"]);
    let lines = "node-3: before: it: --check --force; ok\nnode-3: ok: it: --at-boot --wait 5 --force; ok\n";
    assert!(status == 0 && said.contains(lines), "{said}");
}

fn all_lose_it_again(hosts: &[Host]) {
    let (status, said) = run(&["/run/nodes", "--", "--remove", "--force"]);
    assert!(status == 0 && said.ends_with("\nok 3\n") && !said.contains("before: "), "{said}");
    for host in hosts {
        assert!(!host.ok(&["ctr", "-n", "k8s.io", "images", "ls"]).contains(&digest("index")));
    }
}

/// An interrupt lets the node that is being served finish, and no other one is started.
fn what_an_interrupt_does(first: &Host) {
    first.ok(&["mkfifo", "/run/go"]);
    let waits = "#!/bin/sh\n: >/run/served\nread -r go </run/go\nrm /usr/local/bin/cat\nexec cat \"$@\"\n";
    first.write_program("/usr/local/bin/cat", waits);
    let sh = nodes_sh(&["-p", "1", "/run/nodes"]).stdout(Stdio::piped()).spawn().expect("sh runs");
    until("the node is being served", || first.file("/run/served").exists());
    let mut go = fs::File::options().write(true).open(first.file("/run/go")).expect("it reads");
    ok("kill", &["-TERM", &sh.id().to_string()]); // SIGINT is ignored under isolated.sh
    go.write_all(b"go\n").expect("it waits");
    let (status, said) = end(&sh.wait_with_output().expect("it ends"));
    assert!(status == 1 && said.ends_with("\nok 1, not tried operator@node-2 node-3\n"), "{said}");
}

/// If ssh, sudo, the shell or the disk of a node fails, a line says so.
fn what_a_node_lacks(hosts: &[Host]) {
    let fails = |name: &str, line: &str| {
        fs::write("/run/one", name).expect("a file");
        let (status, said) = run(&["/run/one"]);
        assert_eq!((status, said), (1, format!("{name}: failed: {line}\nok 0, failed {name}\n")));
    };
    fails("nobody-there", "ssh: connect to host 127.0.0.1 port 1: Connection refused");
    fails("stranger@node-1", "stranger@10.77.1.2: Permission denied (publickey).");
    fails("guest@node-1", "cannot become root: sudo: a password is required");
    fails("git@node-1", "its shell ran nothing");

    // The script does not arrive whole.
    for less in [1, 2, 9, 20] {
        fs::write("/run/one", "node-1").expect("a file");
        hosts[0].write_program("/usr/local/bin/sh", &format!("#!/bin/sh\nhead -c -{less} | /bin/sh\n"));
        let (status, said) = run(&["/run/one"]);
        let failed = said.starts_with("node-1: failed: ")
            && said.ends_with("Syntax error: end of file unexpected (expecting \"}\")\nok 0, failed node-1\n");
        assert!(status == 1 && failed, "{less} bytes less: {said}");
    }
    hosts[0].ok(&["rm", "/usr/local/bin/sh"]);

    // First the copy is damaged on its way to the disk, then the disk is full.
    let damaged = |said: &str| said.contains("is not what was sent; is the disk full?\nok 0, failed node-1\n");
    fs::write("/run/one", "node-1").expect("a file");
    hosts[0].write_program("/usr/local/bin/cat", "#!/bin/sh\n/bin/cat | sed s/check/shock/\n");
    let (status, said) = run(&["/run/one"]);
    assert!(status == 1 && damaged(&said), "{said}");
    hosts[0].ok(&["rm", "/usr/local/bin/cat"]);
    hosts[0].ok(&["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", "/tmp"]);
    let (status, said) = run(&["/run/one"]);
    assert!(status == 1 && damaged(&said), "{said}");
}

#[test]
fn each_refusal_is_one_line() {
    if !ready(&[]) {
        return;
    }
    for (list, text, line) in [
        ("none", None, "cannot read /run/list"),
        ("empty", Some("# all gone\n \n"), "/run/list names no node"),
        ("an option", Some("a\n-oProxyCommand=id\n"), "not an ssh destination in /run/list: -oProxyCommand=id"),
        ("a space", Some("a b\n"), "not an ssh destination in /run/list: a b"),
        ("a command", Some("$(id)\n"), "not an ssh destination in /run/list: $(id)"),
        ("twice", Some("a\nb\na\n"), "/run/list names a node twice: a"),
    ] {
        text.map_or(Ok(()), |text| fs::write("/run/list", text)).expect("a file");
        assert_eq!(run(&["/run/list"]), (2, format!("nodes.sh: {line}\n")), "{list}");
    }
    fs::write("/run/list", "a\n").expect("a file");
    for (arguments, line) in [
        (&[][..], "name a file with one ssh destination a line; see -h"),
        (&["-p", "none", "/run/list"], "-p needs a number of nodes, not none"),
        (&["-p"], "-p needs a value; see -h"),
        (&["-x"], "unknown option -x; see -h"),
        (&["/run/list", "--force"], "write -- before the options of the installer: --force"),
        (&["-i", "/nope", "/run/list"], "there is no installer /nope; run \"make image\", or name one with -i"),
        (
            &["-i", "deploy/pause-install.sh", "/run/list"],
            "deploy/pause-install.sh is without its image; name dist/pause-install.sh with -i",
        ),
    ] {
        assert_eq!(run(arguments), (2, format!("nodes.sh: {line}\n")));
    }
}

/// Runs deploy/nodes.sh. Returns its exit status and all that it prints.
fn run(arguments: &[&str]) -> (i32, String) {
    end(&nodes_sh(arguments).output().expect("sh runs"))
}

/// deploy/nodes.sh, with /run/operator for temporary files, of which it must leave none.
fn nodes_sh(arguments: &[&str]) -> Command {
    fs::create_dir_all("/run/operator").expect("a folder");
    let mut sh = Command::new("sh");
    sh.args(["-c", "exec sh deploy/nodes.sh \"$@\" 2>&1", "sh"]).args(arguments);
    sh.env("TMPDIR", "/run/operator").current_dir(build::root()).stdin(Stdio::null());
    sh
}

/// Three nodes, which ssh knows as node-1 to node-3.
fn cluster() -> [Host; 3] {
    ok("mount", &["-t", "tmpfs", "tmpfs", "/etc/ssh/ssh_config.d"]);
    ok("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", "/run/id"]);
    let mut config = String::from("Host nobody-there\nHostName 127.0.0.1\nPort 1\n");
    let hosts = [1, 2, 3].map(|n| {
        let host = Host::new(&["docker", "dockerd", "podman"]);
        host.start_containerd(&configured(DEFAULT));
        host.connect(&format!("node-{n}"), &format!("10.77.{n}"));
        start_sshd(&host);
        config += &format!("Host node-{n}\nHostName 10.77.{n}.2\n");
        host
    });
    let options =
        "Host *\nIdentityFile /run/id\nUserKnownHostsFile /run/known_hosts\nStrictHostKeyChecking accept-new\n";
    fs::write("/etc/ssh/ssh_config.d/cluster.conf", config + options).expect("a file");
    hosts
}

/// Starts an sshd for root, `operator` (who may use sudo), `guest` (who may not) and `git` (whose shell does nothing).
fn start_sshd(host: &Host) {
    host.write("/run/passwd", &users(&[("operator", "/bin/sh"), ("guest", "/bin/sh"), ("git", "/bin/true")]));
    host.write("/run/shadow", "root:*:1::::::\noperator:*:1::::::\nguest:*:1::::::\ngit:*:1::::::\n");
    host.write("/run/sudoers", "operator ALL=(ALL) NOPASSWD: ALL\nguest ALL=(ALL) ALL\n");
    for file in ["passwd", "shadow", "sudoers"] {
        host.ok(&["mount", "--bind", &format!("/run/{file}"), &format!("/etc/{file}")]);
    }
    host.ok(&["chmod", "0440", "/run/sudoers"]);
    host.ok(&["mkdir", "/run/sshd"]);
    fs::copy("/run/id.pub", host.file("/run/authorized_keys")).expect("a file");
    host.ok(&["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/run/host_key"]);
    let config = "HostKey /run/host_key\nAuthorizedKeysFile /run/authorized_keys\nPidFile /run/sshd.pid\n\
                  AuthenticationMethods publickey\n";
    host.write("/run/sshd_config", config);
    let sshd = host.start(&["/usr/sbin/sshd", "-D", "-e", "-f", "/run/sshd_config"]);
    sshd.until("sshd listens", || host.file("/run/sshd.pid").exists());
}

/// The text of /etc/passwd, with these users and their shells added.
fn users(more: &[(&str, &str)]) -> String {
    let passwd = fs::read_to_string("/etc/passwd").expect("a file");
    let more = more.iter().zip(2001..).map(|((name, shell), id)| format!("{name}:x:{id}:{id}::/tmp:{shell}\n"));
    passwd + &more.collect::<String>()
}
