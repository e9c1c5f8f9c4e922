//! The name of the image.

use anyhow::{Context, Result, ensure};
use oci_spec::distribution::Reference;

/// The default name of the image.
pub const NAME: &str = "localhost/pause";
/// The default tag: the version, so that the tag never moves.
pub const TAG: &str = env!("CARGO_PKG_VERSION");

/// Returns the default name and tag.
pub fn default() -> Reference {
    Reference::with_tag("localhost".to_owned(), "pause".to_owned(), TAG.to_owned())
}

/// Parses `name` and `tag` as a reference.
pub fn parse(name: &str, tag: &str) -> Result<Reference> {
    let whole = format!("{name}:{tag}");
    let reference: Reference = whole.parse().with_context(|| {
        format!("not the name of an image: {whole:?}; for example, IMAGE=registry.example/pause and TAG={TAG}")
    })?;
    ensure!(reference.whole() == whole, "write the image's name in full: {:?} is {:?}", whole, reference.whole());
    Ok(reference)
}
