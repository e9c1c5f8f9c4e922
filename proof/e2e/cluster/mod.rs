//! Does a cluster that kubeadm makes on nodes without a registry run on our pause, from its first node to its end?
//!
//! kubeadm, kubelet, the control plane, etcd and containerd are real. `make cluster` runs this without systemd, so its
//! tests start the kubelet when kubeadm would; `make node` runs `reboot` under systemd.

mod life;
mod node;
mod preflight;
mod reboot;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Serializes the tests: all clusters use the same addresses and cgroups.
fn one_at_a_time() -> MutexGuard<'static, ()> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}
