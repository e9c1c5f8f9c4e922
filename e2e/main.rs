//! pause and its image in real engines, as on a node: `make e2e` runs this where their usual folders are empty.

mod bundle;
mod docker;
mod engines;
mod image;
mod install;
mod podman;
mod registry;
