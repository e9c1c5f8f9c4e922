//! Makes the image of `pause` and everything that is released with it, with one module for each command. The crate
//! `build` compiles and links pause itself.

pub mod dist;
pub mod docs;
pub mod image;
pub mod install;
pub mod markdown;
pub mod release;
pub mod sbom;

use sha2::{Digest, Sha256};

/// The digest, in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
