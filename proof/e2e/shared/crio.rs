//! A host that runs CRI-O.

use build::root;

use crate::daemon::Daemon;
use crate::engines::all_built;
use crate::host::Host;

/// Makes a host with CRI-O and what it needs installed, and without the programs `hidden`; reports a skip if CRI-O is
/// not built.
pub fn host(hidden: &[&str]) -> Option<Host> {
    Some(Host::with_engines(&all_built(&["cri-o-1.36", "runc-1.5", "cni-plugins-1.9"])?, hidden))
}

/// Returns the settings that CRI-O needs on a machine like this: it would use systemd, and give most pods no pause.
/// `oci` is the program that starts containers.
pub fn config(oci: &str) -> String {
    let path = root().join("proof/e2e/shared").join(oci).with_extension("sh");
    format!(
        "[crio.runtime]\ncgroup_manager = \"cgroupfs\"\nconmon_cgroup = \"pod\"\ndrop_infra_ctr = false\n\
         default_runtime = \"{oci}\"\n[crio.runtime.runtimes.{oci}]\nruntime_path = \"{}\"\n\
         monitor_cgroup = \"pod\"\n[crio.network]\nplugin_dirs = [\"/opt/cni/bin\"]\n",
        path.display()
    )
}

/// Gives CRI-O an image of this machine's Docker, under this name.
pub fn import_as(host: &Host, image: &str, name: &str) {
    let archive = format!("docker-archive:{}", host.saved(image));
    host.ok(&["skopeo", "copy", &archive, &format!("containers-storage:{name}")]);
}

/// Starts CRI-O with these arguments, and waits until it answers.
pub fn start(host: &Host, arguments: &[&str]) -> Daemon {
    let daemon = host.start(&[&["crio"], arguments].concat());
    daemon.until("CRI-O answers", || host.try_to(&["crio", "status", "info"]).is_ok());
    daemon
}
