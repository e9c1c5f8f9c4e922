//! The calls with which pause sleeps and checks stderr: `pause` and `poll`, or `ppoll` on architectures that lack both.

#[cfg(not(any(target_arch = "aarch64", target_arch = "loongarch64", target_arch = "riscv64")))]
pub use nix::libc::{SYS_pause as PAUSE, SYS_poll as POLL};
#[cfg(any(target_arch = "aarch64", target_arch = "loongarch64", target_arch = "riscv64"))]
pub use nix::libc::{SYS_ppoll as PAUSE, SYS_ppoll as POLL};

/// Whether `ppoll` replaces both.
pub const ONLY_PPOLL: bool = PAUSE == nix::libc::SYS_ppoll;
