//! The user data in deploy/cloud-init, run by a real cloud-init on a host with containerd.

use std::fs;

use build::root;
use kit::messages::VERSION;
use shared::compatibility::Row;
use shared::host::Host;
use shared::{containerd, dist, ok, ready};

/// The sandbox image with which containerd is configured.
const CONFIGURED: &str = "registry.k8s.io/pause:3.8";

/// A configuration for no cloud: the user data is a seed of NoCloud. Only the modules that the user data needs run, so
/// nothing else changes the host.
const CONFIG: &str = "datasource_list: [NoCloud]
network: {config: disabled}
cloud_init_modules: [write_files]
cloud_config_modules: [runcmd]
cloud_final_modules: [scripts_user]
output: {all: '>> /var/log/cloud-init-output.log'}
";

#[test]
fn the_user_data_installs_at_the_first_boot() {
    let (Some(newer), Some(engines)) = (containerd::newer_debian(), containerd::of_2()) else { return };
    if !ready(&["containerd", "runc"]) {
        return;
    }
    let host = Host::with_root(&newer, &["docker", "podman"]);
    engines.iter().for_each(|folder| host.install_programs(folder));
    let _row = Row::new("cloud-init", &host.ok(&["cloud-init", "--version"]), "deploy/cloud-init, with containerd 2");
    host.own_etc();
    for folder in ["/var/lib/cloud", "/var/log"] {
        host.tmpfs(folder);
    }
    host.write("/etc/cloud/cloud.cfg", CONFIG);
    let seed = "/var/lib/cloud/seed/nocloud";
    host.write(&format!("{seed}/meta-data"), "instance-id: first\n");
    // Made with the command in the README.
    let readme = fs::read_to_string(root().join("deploy/cloud-init/README.md")).expect("a file");
    let command = readme.lines().find_map(|line| line.strip_prefix("    ")).expect("a command");
    let files = [root().join("deploy/cloud-init/user-data.yaml"), dist("pause-install.sh.gz")];
    let made = host.file(seed).to_string_lossy().into_owned();
    ok("sh", &["-euc", &format!("cp {} {} {made}; cd {made}; {command}", files[0].display(), files[1].display())]);
    fs::rename(format!("{made}/user-data.gz"), format!("{made}/user-data")).expect("a file");
    host.ok(&["sh", "-euc", &format!("gzip -dc <{seed}/user-data >/run/user-data")]);
    host.ok(&["cloud-init", "schema", "--config-file", "/run/user-data"]);

    let config =
        format!("version = 3\n[plugins.'io.containerd.cri.v1.images'.pinned_images]\nsandbox = '{CONFIGURED}'\n");
    for stage in [&["init", "--local"][..], &["init"], &["modules", "--mode=config"]] {
        host.ok(&[&["cloud-init"], stage].concat());
    }
    let last = host.start(&["cloud-init", "modules", "--mode=final"]);
    last.until("the installer waits", || host.try_to(&["pgrep", "-f", "pause-install.sh --wait"]).is_ok());
    host.start_containerd(&config);
    let said = || fs::read_to_string(host.file("/var/log/cloud-init-output.log")).unwrap_or_default();
    last.until("it has installed", || said().contains("at boot: "));
    let lines = format!(
        "containerd: {CONFIGURED} is installed (before: nothing), pinned; ok\n\
         at boot: pause-install.service is enabled; ok\n"
    );
    assert!(said().contains(&lines), "{}", said());
    let unit = fs::read_to_string(host.file("/etc/systemd/system/pause-install.service")).expect("a unit");
    assert!(unit.contains(" /etc/pause-install.sh ") && unit.contains(" --as configured"), "{unit}");
    let image = ["-n", "k8s.io", "run", "--rm", CONFIGURED, "version", "/pause", "-v"];
    assert_eq!(host.ok(&[&["ctr"], &image[..]].concat()), VERSION);
}
