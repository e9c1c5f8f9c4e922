//! What tests start, watch and end: processes as PID 1, orphans, cgroups, and the peers of pause; and the machine on
//! which they do so.

pub mod calls;
pub mod cgroup;
pub mod floors;
pub mod gate;
pub mod machine;
pub mod messages;
pub mod orphans;
pub mod peers;
pub mod process;
pub mod quantiles;
#[cfg(not(target_arch = "powerpc64"))] // which seccompiler does not know
pub mod seccomp;
pub mod skip;
pub mod wait;
