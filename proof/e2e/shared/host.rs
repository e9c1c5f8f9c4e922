//! A separate machine for an engine: host.sh makes one that pause holds, systemd.sh one that systemd boots.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::{env, fs, thread};

use crate::daemon::{Daemon, end_of, start};
use crate::disk::Disk;
use crate::ours::dist;
use crate::patience::until;
use crate::tools::{end, ok, run};

/// A separate machine: its processes, its network, and the directories that engines fill.
pub struct Host {
    /// The PID of its PID 1, as seen from here.
    pid: String,
    /// The unshare that waits for its PID 1.
    holder: Daemon,
    /// The logs of the daemons that were started on it.
    logs: Mutex<Vec<String>>,
    /// Whether its PID 1 is systemd.
    has_systemd: bool,
}

impl Host {
    /// Makes a host with what is installed on this machine, except the programs `hidden`.
    pub fn new(hidden: &[&str]) -> Self {
        Self::with_root(Path::new("/"), hidden)
    }

    /// Makes a host with what is installed in the directory `root`.
    pub fn with_root(root: &Path, hidden: &[&str]) -> Self {
        Self::unshared(root, hidden, &["--pid"])
    }

    /// Makes a host with what is installed on this machine, except the programs `hidden`, and with the programs in
    /// these directories.
    pub fn with_engines(engines: &[PathBuf], hidden: &[&str]) -> Self {
        let host = Self::new(hidden);
        engines.iter().for_each(|folder| host.install_programs(folder));
        host
    }

    /// Installs the programs in a directory where unpackaged ones go, and hides other programs with the same names.
    pub fn install_programs(&self, folder: &Path) {
        let place = if folder.to_string_lossy().contains("/cni-plugins-") { "/opt/cni/bin" } else { "/usr/local/bin" };
        self.ok(&["mkdir", "-p", place]);
        for program in fs::read_dir(folder).expect("a folder") {
            let program = program.expect("a program").path();
            self.hide(&program.file_name().expect("a name").to_string_lossy());
            // Not with a mount, which runc would not see: it executes itself through an overlay of its directory.
            self.ok(&["cp", &program.to_string_lossy(), place]);
        }
    }

    fn hide(&self, program: &str) {
        for folder in ["/usr/bin", "/usr/sbin"] {
            let path = format!("{folder}/{program}");
            if self.file(&path).exists() {
                self.ok(&["mount", "--bind", "/dev/null", &path]);
            }
        }
    }

    /// Makes a host that shares its processes with this machine, whose systemd makes cgroups for them, and therefore
    /// must know them by their PIDs.
    pub fn of_systemd(hidden: &[&str]) -> Self {
        Self::unshared(Path::new("/"), hidden, &[])
    }

    fn unshared(root: &Path, hidden: &[&str], namespaces: &[&str]) -> Self {
        let host = Self::held_by("pause", namespaces, "host.sh", &[root, &dist("pause-amd64")]);
        hidden.iter().for_each(|program| host.hide(program));
        host
    }

    /// Makes a host with systemd, which starts the units of `host.target`. What it writes stays on the disk.
    pub fn boot(disk: &Disk) -> Self {
        Self::held_by("systemd", &["--pid", "--ipc", "--uts"], "systemd.sh", &[disk.path()])
    }

    /// Makes what `script` makes of its arguments, once `program` is its PID 1; with the installer.
    fn held_by(program: &str, namespaces: &[&str], script: &str, arguments: &[&Path]) -> Self {
        let script = build::root().join("proof/e2e/shared").join(script);
        let words = [&[script.as_path()], arguments].concat();
        let words: Vec<&str> = words.iter().map(|word| word.to_str().expect("UTF-8")).collect();
        let unshare = ["--mount", "--net", "--fork", "--kill-child"];
        let holder = start("unshare", &[&unshare, namespaces, &words].concat());
        let pid = holder.found("the host is held", || {
            let child = fs::read_to_string(format!("/proc/{0}/task/{0}/children", holder.pid())).ok()?;
            let child = child.trim().to_owned();
            let held_by = fs::read_link(format!("/proc/{child}/exe")).ok()?;
            held_by.ends_with(program).then_some(child)
        });
        let host = Self { pid, holder, logs: Mutex::default(), has_systemd: program == "systemd" };
        // installer/mutations.sh provides others.
        let installer = env::var_os("PAUSE_INSTALLER").map_or_else(|| dist("pause-install.sh"), PathBuf::from);
        fs::copy(installer, host.file("/run/pause-install.sh")).expect("a file");
        host
    }

    /// Ends the host, and waits until it is gone.
    pub fn shut_down(self) {
        let pid = self.pid.clone();
        drop(self);
        until("it is gone", || !Path::new(&format!("/proc/{pid}/exe")).exists());
    }

    /// Waits until `so` is true, as [`until`] does, but no longer than it is held.
    pub fn until(&self, what: &str, so: impl Fn() -> bool) {
        self.holder.until(what, so);
    }

    /// Returns the path of one of its files, as seen from here.
    pub fn file(&self, path: &str) -> PathBuf {
        format!("/proc/{}/root{path}", self.pid).into()
    }

    /// Writes one of its files, and the directories that lead there.
    pub fn write(&self, path: &str, text: &str) {
        let file = self.file(path);
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        fs::write(&file, text).expect("a file");
    }

    /// Writes one of its programs.
    pub fn write_program(&self, path: &str, text: &str) {
        self.write(path, text);
        self.ok(&["chmod", "0755", path]);
    }

    /// Empties one of its directories, which it makes if there is none.
    pub fn tmpfs(&self, path: &str) {
        self.ok(&["mkdir", "-p", path]);
        self.ok(&["mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", path]);
    }

    /// Connects it to the network of this machine, whose end of the link is `name`: `subnet`.1 is here, and its default
    /// route; `subnet`.2 is there.
    pub fn connect(&self, name: &str, subnet: &str) {
        ok("ip", &["link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", &self.pid]);
        ok("ip", &["addr", "add", &format!("{subnet}.1/24"), "dev", name]);
        ok("ip", &["link", "set", name, "up"]);
        self.ok(&["ip", "addr", "add", &format!("{subnet}.2/24"), "dev", "eth0"]);
        self.ok(&["ip", "link", "set", "eth0", "up"]);
        self.ok(&["ip", "route", "add", "default", "via", &format!("{subnet}.1")]);
    }

    /// Gives it its own copy of this machine's /etc; until then, it writes into the machine's.
    pub fn own_etc(&self) {
        let overlay = "lowerdir=/etc,upperdir=/run/etc,workdir=/run/work";
        self.ok(&["mkdir", "/run/etc", "/run/work"]);
        self.ok(&["mount", "-t", "overlay", "-o", overlay, "overlay", "/etc"]);
    }

    /// Mounts what a kubelet would write over the kernel's settings, which the whole machine shares.
    pub fn look_tuned(&self) {
        // A pod's own user namespace can mount /proc only if there is another one that nothing covers.
        self.ok(&["mkdir", "/run/proc"]);
        self.ok(&["mount", "-t", "proc", "proc", "/run/proc"]);
        let settings = include_str!("kubelet-settings").lines().filter_map(|line| line.split_once(' '));
        for (name, value) in settings {
            let file = format!("/run/sysctl/{}", name.replace('/', "."));
            self.write(&file, value);
            self.ok(&["mount", "--bind", &file, &format!("/proc/sys/{name}")]);
        }
    }

    /// Starts a daemon on it, which ends with the host.
    pub fn start(&self, words: &[&str]) -> Daemon {
        let daemon = start("nsenter", &[&["-t", &self.pid, "-m", "-n", "-p"], words].concat());
        self.logs.lock().expect("no panic").push(daemon.log.clone());
        daemon
    }

    /// Starts containerd with `config`, and waits until it answers.
    pub fn start_containerd(&self, config: &str) -> Daemon {
        self.write("/etc/containerd/config.toml", config);
        let daemon = self.start(&["containerd"]);
        daemon.until("containerd answers", || self.try_to(&["ctr", "version"]).is_ok());
        daemon
    }

    /// Runs the installer as sudo would. Returns its exit status and all of its output.
    pub fn install(&self, arguments: &[&str]) -> (i32, String) {
        self.install_by(&["dash"], arguments)
    }

    /// Runs the installer in another shell, or in another environment.
    pub fn install_by(&self, shell: &[&str], arguments: &[&str]) -> (i32, String) {
        let mut nsenter = Command::new("nsenter");
        nsenter.args(["-t", &self.pid, "-m", "-n", "-p", "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"]);
        nsenter.args(["sh", "-c", "exec \"$@\" 2>&1", "sh"]).args(shell).arg("/run/pause-install.sh").args(arguments);
        end(&nsenter.output().expect("nsenter runs"))
    }

    /// Makes an archive of an image in this machine's Docker, and returns its path on the host.
    pub fn saved(&self, image: &str) -> &'static str {
        let archive = "/run/image.tar";
        ok("docker", &["save", "-o", &self.file(archive).to_string_lossy(), image]);
        archive
    }

    /// Gives its containerd one of Docker's images, as `name`.
    pub fn import_as(&self, image: &str, name: &str) {
        self.ok(&["ctr", "-n", "k8s.io", "images", "import", self.saved(image)]);
        if image != name {
            self.ok(&["ctr", "-n", "k8s.io", "images", "tag", image, name]);
            self.ok(&["ctr", "-n", "k8s.io", "images", "rm", image]);
        }
    }

    /// Gives its containerd one of Docker's images, under the same name.
    pub fn import(&self, image: &str) {
        self.import_as(image, image);
    }

    /// Returns the row of an image in its containerd; empty if there is none.
    pub fn image(&self, name: &str) -> String {
        let list = self.ok(&["ctr", "-n", "k8s.io", "images", "ls"]);
        list.lines().find(|row| row.split(' ').next() == Some(name)).unwrap_or_default().to_owned()
    }

    /// Runs one of its programs on it.
    pub fn ok(&self, words: &[&str]) -> String {
        self.try_to(words).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Runs one of its programs, which may fail.
    pub fn try_to(&self, words: &[&str]) -> Result<String, String> {
        run("nsenter", &[&["-t", &self.pid, "-m", "-n", "-p"], words].concat())
    }

    /// Runs BusyBox in its network.
    pub fn busybox(&self, words: &[&str]) -> Result<String, String> {
        run("nsenter", &[&["-t", &self.pid, "-n", "busybox"], words].concat())
    }

    /// Returns all that pods may leave behind: mounts, interfaces, containers with their processes and file systems.
    pub fn traces(&self) -> BTreeSet<String> {
        let ctr = |what: &str| self.ok(&["ctr", "-n", "k8s.io", what, "ls"]);
        let lists = [self.ok(&["findmnt", "-nr", "-o", "TARGET"]), ctr("tasks"), ctr("containers"), ctr("snapshots")];
        let links = self.busybox(&["ip", "-oneline", "link"]).expect("a list");
        let links = links.lines().filter_map(|line| line.split([':', '@']).nth(1)).map(str::trim);
        let links = links.filter(|name| *name != "cni0"); // stays for the next pod
        lists.iter().flat_map(|list| list.lines()).chain(links).map(str::to_owned).collect()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if thread::panicking() {
            self.logs.lock().expect("no panic").iter().for_each(|log| eprintln!("{}", end_of(log)));
            if self.has_systemd {
                for words in [&["systemctl", "--no-pager", "--failed"][..], &["journalctl", "--no-pager", "--lines=50"]]
                {
                    eprintln!("{}", self.try_to(words).unwrap_or_else(|error| error));
                }
            }
        }
        _ = run("kill", &["-KILL", &self.pid]);
    }
}
