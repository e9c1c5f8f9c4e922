//! Does a cluster that kubeadm makes on nodes without a registry run on our pause, from its first node to its end?
//!
//! kubeadm, kubelet, the control plane, etcd and containerd are real; systemd is not there, so that a test starts the
//! kubelet when kubeadm would. `make cluster` runs this.

mod life;
mod node;
mod preflight;
