//! What tests start, watch and end: a process as PID 1, orphans, control groups, and who stands beside pause.

pub mod cgroup;
pub mod markdown;
pub mod messages;
pub mod orphans;
pub mod peers;
pub mod process;
pub mod seccomp;
pub mod skip;
pub mod wait;
