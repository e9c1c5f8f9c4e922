//! Makes the image of `pause` and everything that is released with it, checks the repository, and sets the version of a
//! release. The crate `build` compiles and links pause itself.

pub mod archive;
pub mod binaries;
pub mod code_blocks;
pub mod dist;
pub mod image;
pub mod installer;
pub mod reference;
pub mod release;
pub mod sbom;
pub mod tidy;

use sha2::{Digest, Sha256};

/// Returns the digest in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
