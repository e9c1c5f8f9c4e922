//! What `pause` promises, by topic, on the binary that ships.

mod beyond_upstream;
mod contract;
mod elf;
mod emulated;
mod image;
mod install;
mod instructions;
mod least_privilege;
mod pod;
mod project;
mod recipes;
mod refusals;
mod sbom;
mod skip;
mod start_states;
mod support;
mod system_calls;
