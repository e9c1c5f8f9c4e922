//! pause and its image in real engines, as on a node. `make e2e` gives the engines empty folders and an empty network.

mod bundle;
mod by_hand;
mod cloud_init;
mod compose;
mod cri;
mod docker;
mod image;
mod imports;
mod install;
mod isolation;
mod lifecycle;
mod limits;
mod names;
mod node;
mod nodes;
mod podman;
mod quadlet;
mod registry;
mod release;
mod sandbox;
mod trust;
