//! Tests the promises of `pause`, by topic, on the binary that ships.

mod beyond_upstream;
mod contract;
mod elf;
mod emulated;
mod image;
mod installer;
mod instructions;
mod least_privilege;
mod recipes;
mod refusals;
mod sbom;
mod start_states;
