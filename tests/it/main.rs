//! Tests the promises of `pause`, by topic, on the binary that ships.

mod beyond_upstream;
mod contract;
mod documents;
mod elf;
mod emulated;
mod image;
mod installer;
mod instructions;
mod least_privilege;
mod project;
mod recipes;
mod refusals;
mod release;
mod sbom;
mod start_states;
mod system_calls;
