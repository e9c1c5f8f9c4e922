//! A host that runs CRI-O.

use build::root;

use crate::daemon::Daemon;
use crate::engines::built;
use crate::host::Host;

/// A host with CRI-O and what it needs installed, and without the programs `hidden`; a skip if it is not built.
pub fn host(hidden: &[&str]) -> Option<Host> {
    let engines: Option<Vec<_>> = ["cri-o-1.36", "runc-1.5", "cni-plugins-1.9"].into_iter().map(built).collect();
    let host = Host::with_engines(&engines?, hidden);
    host.tmpfs("/etc/crio");
    Some(host)
}

/// What CRI-O must be told on a machine like this: it would use systemd, and give most pods no pause.
pub fn config() -> String {
    let runc = root().join("proof/e2e/shared/runc.sh");
    format!(
        "[crio.runtime]\ncgroup_manager = \"cgroupfs\"\nconmon_cgroup = \"pod\"\ndrop_infra_ctr = false\n\
         default_runtime = \"runc\"\n[crio.runtime.runtimes.runc]\nruntime_path = \"{}\"\n\
         monitor_cgroup = \"pod\"\n[crio.network]\nplugin_dirs = [\"/opt/cni/bin\"]\n",
        runc.display()
    )
}

/// Starts CRI-O with these arguments, and waits until it answers.
pub fn start(host: &Host, arguments: &[&str]) -> Daemon {
    let daemon = host.start(&[&["crio"], arguments].concat());
    daemon.until("CRI-O answers", || host.try_to(&["crio", "status", "info"]).is_ok());
    daemon
}
