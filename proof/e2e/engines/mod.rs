//! Does pause hold pods in each engine, with the files of deploy/, and do engines and tools read its image?

mod bundle;
mod by_hand;
mod compose;
mod containerd_imports;
mod docker;
mod loading;
mod names;
mod podman;
mod publish;
mod quadlet;
mod registry;
mod sandbox_cost;
