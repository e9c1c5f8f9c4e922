//! Makes the image of `pause` and all that is released with it. One module a verb; how pause itself is compiled and linked
//! is the crate `build`'s.

pub mod dist;
pub mod docs;
pub mod image;
pub mod install;
pub mod markdown;
pub mod release;
pub mod sbom;

use sha2::{Digest, Sha256};

/// In hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
