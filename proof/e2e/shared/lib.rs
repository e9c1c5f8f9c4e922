//! What the tests of several directories share. [`ready()`] starts the engines of this machine; a [`host::Host`] is a
//! separate machine for an engine; [`compatibility`] and [`cost`] record what was run, for the tables in the documents.

pub mod containerd;
pub mod cri;
pub mod crio;
pub mod daemon;
pub mod disk;
pub mod documents;
pub mod engines;
pub mod host;
mod ours;
mod patience;
pub mod runtime;
mod start_engines;
mod tools;

pub use figures::{compatibility, cost};
pub use ours::{CHANGES, CONFIGURED, KUBEADMS, NAME, digest, dist, pause_is_ready};
pub use patience::{found, patience, until};
pub use start_engines::{BUSYBOX, NGINX, RUNS_NGINX, ready};
pub use tools::{end, has_cargo, make_image, ok, run};
