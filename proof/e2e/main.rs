//! Tests of pause, its image and its installer in real engines, as on a node. `make e2e` gives the engines empty
//! directories and an empty network.

mod cluster;
mod engines;
mod installer;
mod kubernetes;
