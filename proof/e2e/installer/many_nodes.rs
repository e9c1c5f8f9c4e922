//! deploy/ansible on three nodes: the playbook, and the README's command for those without Ansible. Each node is a host
//! with its own network, sshd and containerd.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use build::root;
use serde_json::Value;
use shared::containerd::PIN;
use shared::host::Host;
use shared::{BUSYBOX, digest, dist, end, ok, ready, until};
use xtask::code_blocks::blocks;

use super::{ONLY_THE_HOSTS_OWN, configured};

const DEFAULT: &str = "registry.k8s.io/pause:3.6";

/// `guest` may not use sudo without a password, and nothing listens on `silent`.
const INVENTORY: &str = "[cluster]
node-2 ansible_user=operator
node-1 ansible_user=root
node-3 ansible_user=root

[others]
silent
guest@node-1
";

/// Replaces this machine's configuration. Slow nodes get enough time.
const CONFIG: &str = "[defaults]
inventory = /run/operator/inventory
timeout = 60
";

/// The options with which the installer also installs its unit.
const AT_BOOT: &str = r#"{"pause_options": ["--as", "configured", "--at-boot"]}"#;

#[test]
fn many_nodes_are_served() {
    if !ready(&["ansible-playbook", "containerd", "dockerd", "ip", "ssh", "/usr/sbin/sshd", "sudo", "systemctl"]) {
        return;
    }
    fs::create_dir("/run/operator").expect("a folder");
    fs::write("/run/operator/ansible.cfg", CONFIG).expect("a file");
    fs::write("/run/operator/inventory", INVENTORY).expect("a file");
    let hosts = cluster();
    hosts[1].import_as(BUSYBOX, DEFAULT); // on the inventory's first node, an application has the configured name
    check_mode_asks_all_and_changes_nothing(&hosts);
    a_failure_ends_the_rest(&hosts);
    hosts[1].ok(&["ctr", "-n", "k8s.io", "images", "rm", DEFAULT]);
    only_what_was_not_there_is_a_change(&hosts);
    options_arrive_as_they_are_given();
    a_lost_connection_leaves_no_copy(&hosts[2]);
    all_lose_it_again(&hosts);
    without_ansible(&hosts);
    for host in &hosts {
        assert_eq!(copies(host), "");
        let left = host.ok(&["ls", "-A", "/tmp"]);
        // This project may be there, and Ansible leaves its own files when the connection is lost.
        let is_fine = |name: &str| root().starts_with(Path::new("/tmp").join(name)) || name.starts_with("ansible_");
        assert!(left.lines().all(is_fine), "is left: {left}");
    }
}

fn check_mode_asks_all_and_changes_nothing(hosts: &[Host]) {
    let state = || hosts.iter().map(|host| host.ok(&["ctr", "-n", "k8s.io", "images", "ls"]) + &copies(host));
    let before: Vec<_> = state().collect();
    let (status, said) = play(&["--check", "--extra-vars", AT_BOOT]);
    assert_eq!(status, 2, "{said}");
    let start = format!("containerd: configured: {DEFAULT}; {DEFAULT} is");
    for node in ["node-1", "node-3"] {
        let lines = [&format!("{start} not there; run this without --check"), ONLY_THE_HOSTS_OWN];
        assert_eq!(result(&said, node), Some((true, false)), "{said}");
        assert_eq!(report(&said, node), lines, "{said}");
    }
    let taken = format!("{start} another image, not a pause image; choose another name, or --force");
    assert_eq!(report(&said, "node-2"), [&taken, ONLY_THE_HOSTS_OWN], "{said}");
    for (node, why) in [("silent", "port 1: Connection refused"), ("guest@node-1", "password")] {
        assert!(report(&said, node).concat().contains(why), "{node}: {said}");
    }
    for node in ["node-2", "silent", "guest@node-1"] {
        assert_eq!(result(&said, node), Some((false, true)), "{said}");
    }
    assert_eq!(state().collect::<Vec<_>>(), before);
}

/// Checks that one node is tried at a time, or as many as the operator chooses.
fn a_failure_ends_the_rest(hosts: &[Host]) {
    let refusal = format!("containerd: {DEFAULT} is not a pause image (entrypoint /pause); --force replaces it");
    let was = hosts[1].image(DEFAULT);
    for (at_a_time, also_tried) in [(&[][..], false), (&["--extra-vars=pause_serial=2"], true)] {
        let (status, said) = play(&[&["--limit=cluster"], at_a_time].concat());
        assert_eq!(status, 2, "{said}");
        assert_eq!(result(&said, "node-2"), Some((false, true)), "{said}");
        assert_eq!(report(&said, "node-2"), [refusal.as_str()], "{said}");
        assert_eq!(result(&said, "node-1"), also_tried.then_some((true, false)), "{said}");
        assert_eq!(hosts[0].image(DEFAULT).contains(&digest("index")), also_tried);
        assert_eq!(result(&said, "node-3"), None, "{said}");
        assert_eq!(hosts[2].image(DEFAULT), "");
    }
    assert_eq!(hosts[1].image(DEFAULT), was);
}

fn only_what_was_not_there_is_a_change(hosts: &[Host]) {
    let (status, said) = play(&["--limit=cluster", "--extra-vars", AT_BOOT]);
    assert_eq!(status, 0, "{said}");
    for (node, before) in [("node-1", "the same"), ("node-2", "nothing"), ("node-3", "nothing")] {
        let at_boot = "at boot: pause-install.service is enabled; ok".to_owned();
        assert_eq!(report(&said, node), [installed(before), at_boot], "{said}");
        assert_eq!(result(&said, node), Some((before == "nothing", false)), "{said}");
    }
    for host in hosts {
        assert!(host.image(DEFAULT).contains(&digest("index")), "{}", host.image(DEFAULT));
        let kept = fs::read(host.file("/etc/pause-install.sh")).expect("a copy");
        assert!(kept == fs::read(dist("pause-install.sh")).expect("a file"), "it did not arrive as it is");
    }
    let (status, said) = play(&["--limit=cluster", "--check", "--extra-vars", AT_BOOT]);
    assert_eq!(status, 0, "{said}");
    for node in ["node-1", "node-2", "node-3"] {
        assert_eq!(result(&said, node), Some((false, false)), "{said}");
        assert!(report(&said, node)[0].ends_with("; ok"), "{said}");
    }
}

/// Checks that no shell interprets options, on either side.
fn options_arrive_as_they_are_given() {
    let options = r#"{"pause_options": ["--as", "it's a:1 $(touch /run/injected)"]}"#;
    let (status, said) = play(&["--limit=node-1", "--extra-vars", options]);
    assert_eq!(status, 2, "{said}");
    let refusal = "pause-install: not the name of an image: it's a:1 $(touch /run/injected)";
    assert_eq!(report(&said, "node-1"), [refusal], "{said}");
}

fn a_lost_connection_leaves_no_copy(host: &Host) {
    host.ok(&["pkill", "-STOP", "-x", "containerd"]); // so that the installer waits
    let playbook = playbook(&["--limit=node-3"]).stdout(Stdio::piped()).spawn().expect("it is installed");
    until("the installer runs", || !copies(host).is_empty());
    host.ok(&["sh", "-euc", "kill -KILL $(pgrep -P \"$(cat /run/sshd.pid)\")"]);
    until("the copy is gone", || copies(host).is_empty());
    let (status, said) = end(&playbook.wait_with_output().expect("it ends"));
    assert!(status == 2 && report(&said, "node-3").concat().contains("closed"), "{said}");
    host.ok(&["pkill", "-CONT", "-x", "containerd"]);
}

/// Removes pause everywhere; the first node has already lost it, and the second everything but the unit.
fn all_lose_it_again(hosts: &[Host]) {
    assert_eq!(hosts[0].install(&["--remove", "--force"]).0, 0);
    hosts[1].ok(&["ctr", "-n", "k8s.io", "images", "rm", DEFAULT]);
    let options = r#"{"pause_options": ["--remove", "--force"], "pause_serial": "100%"}"#;
    let (status, said) = play(&["--limit=cluster", "--extra-vars", options]);
    assert_eq!(status, 0, "{said}");
    assert_eq!(report(&said, "node-1"), ["containerd: removed: nothing; ok"], "{said}");
    for (node, host) in ["node-1", "node-2", "node-3"].iter().zip(hosts) {
        assert_eq!(result(&said, node), Some((*node != "node-1", false)), "{said}");
        assert!(!host.ok(&["ctr", "-n", "k8s.io", "images", "ls"]).contains(&digest("index")));
        assert!(!host.file("/etc/pause-install.sh").exists());
    }
}

/// Runs the README's command in a directory with its list of nodes.
fn without_ansible(hosts: &[Host]) {
    let readme = fs::read_to_string(root().join("deploy/ansible/README.md")).expect("a file");
    let block = blocks(&readme).into_iter().find(|block| block.lines[0].starts_with("xargs ")).expect("a command");
    let command = block.lines.join("\n");
    symlink(root().join("dist"), "/run/operator/dist").expect("a link");
    let run = |command: &str, nodes: &str| {
        fs::write("/run/operator/nodes", nodes).expect("a file");
        let mut sh = Command::new("sh");
        end(&sh.args(["-c", &format!("exec 2>&1; {command}")]).current_dir("/run/operator").output().expect("it runs"))
    };
    let (status, said) = run(&command, "node-1\noperator@node-2\nnode-3\n");
    assert_eq!(status, 0, "{said}");
    for node in ["node-1", "operator@node-2", "node-3"] {
        assert!(said.contains(&format!("{node}: {}\n", installed("nothing"))), "{said}");
    }
    assert!(hosts.iter().all(|host| host.image(DEFAULT).contains(&digest("index"))));

    for (node, why) in [
        ("silent", "Connection refused"),
        ("guest@node-1", "a password is required"),
        ("-oProxyCommand=touch${IFS}/run/operator/injected", ""),
        ("$(touch${IFS}/run/operator/injected)", ""),
        ("'", ""),
    ] {
        let (status, said) = run(&command, &format!("node-1\n{node}\n"));
        assert!(status != 0 && said.contains(why), "{said}");
    }
    assert!(!Path::new("/run/operator/injected").exists(), "a node's name was executed");
    let (status, said) = run(&command.replace("-P 4", "-P 1"), "silent\nnode-1\n");
    assert!(status != 0 && !said.contains("node-1: "), "a failure does not end the rest: {said}");
}

fn installed(before: &str) -> String {
    format!("containerd: {DEFAULT} is installed (before: {before}), {PIN}; ok")
}

/// Returns the installers that Ansible has put on a node.
fn copies(host: &Host) -> String {
    host.ok(&["find", "/run", "-maxdepth", "2", "-path", "/run/pause-install.*/*"])
}

/// Runs the playbook. Returns its exit status and all of its output.
fn play(arguments: &[&str]) -> (i32, String) {
    end(&playbook(arguments).output().expect("it is installed"))
}

fn playbook(arguments: &[&str]) -> Command {
    let mut sh = Command::new("sh");
    sh.args(["-c", "exec ansible-playbook \"$@\" 2>&1", "sh"]).arg(root().join("deploy/ansible/pause.yaml"));
    sh.args(arguments).stdin(Stdio::null());
    sh.envs([("ANSIBLE_CONFIG", "/run/operator/ansible.cfg"), ("HOME", "/run/operator")]);
    sh.env("LC_ALL", "C.UTF-8"); // Ansible requires UTF-8
    sh
}

/// Returns how a node fared, according to the recap: whether it changed, and whether it failed; nothing if not tried.
fn result(said: &str, node: &str) -> Option<(bool, bool)> {
    let (_, recap) = said.split_once("\nPLAY RECAP ").expect("a recap");
    let row = recap.lines().find(|row| row.split(' ').next() == Some(node))?;
    let is = |count: &str| row.split_whitespace().any(|word| word == format!("{count}=1"));
    Some((is("changed"), is("failed")))
}

/// Returns the installer's lines that are reported for a node.
fn report(said: &str, node: &str) -> Vec<String> {
    let starts = [format!("\nok: [{node}] => {{\n"), format!("\nfatal: [{node}]: FAILED! => {{\n")];
    let found = starts.iter().find_map(|start| said.split_once(start)?.1.split_once("\n}"));
    let (inside, _) = found.unwrap_or_else(|| panic!("no report of {node}: {said}"));
    let result: Value = serde_json::from_str(&format!("{{{inside}}}")).expect("JSON");
    let lines = result["msg"].as_array().expect("lines");
    lines.iter().map(|line| line.as_str().expect("a line").to_owned()).collect()
}

/// Makes three nodes, which ssh knows as node-1 to node-3.
fn cluster() -> [Host; 3] {
    ok("mount", &["-t", "tmpfs", "tmpfs", "/etc/ssh/ssh_config.d"]);
    ok("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", "/run/id"]);
    let mut config = String::from("Host silent\nHostName 127.0.0.1\nPort 1\n");
    let hosts = [1, 2, 3].map(|n| {
        let host = Host::new(&["docker", "dockerd", "podman"]);
        host.own_etc();
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

/// Starts an sshd for root, `operator` (who may use sudo) and `guest` (who may not without a password).
fn start_sshd(host: &Host) {
    // Ansible writes to home directories, and root's is this machine's.
    let passwd = fs::read_to_string("/etc/passwd").expect("a file").replace(":/root:", ":/run/root:");
    let users = "operator:x:2001:2001::/run/operator:/bin/sh\nguest:x:2002:2002::/run/guest:/bin/sh\n";
    host.write("/etc/passwd", &(passwd + users));
    host.write("/etc/shadow", "root:*:1::::::\noperator:*:1::::::\nguest:*:1::::::\n");
    host.ok(&["rm", "-rf", "/etc/sudoers.d"]);
    host.write("/etc/sudoers", "root ALL=(ALL) ALL\noperator ALL=(ALL) NOPASSWD: ALL\nguest ALL=(ALL) ALL\n");
    host.ok(&["mkdir", "/run/sshd", "/run/root", "/run/operator", "/run/guest"]);
    host.ok(&["chown", "2001", "/run/operator"]);
    host.ok(&["chown", "2002", "/run/guest"]);
    fs::copy("/run/id.pub", host.file("/run/authorized_keys")).expect("a file");
    host.ok(&["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/run/host_key"]);
    let config = "HostKey /run/host_key\nAuthorizedKeysFile /run/authorized_keys\nPidFile /run/sshd.pid\n\
                  AuthenticationMethods publickey\nSubsystem sftp internal-sftp\n";
    host.write("/run/sshd_config", config);
    let sshd = host.start(&["/usr/sbin/sshd", "-D", "-e", "-f", "/run/sshd_config"]);
    sshd.until("sshd listens", || host.file("/run/sshd.pid").exists());
}
