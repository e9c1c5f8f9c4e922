//! `cargo xtask dist`, `image` and `digests`: all files that ship, and their checksums.

use std::fs;

use anyhow::{Context, Result};
use build::{root, write};
use oci_spec::distribution::Reference;

use crate::archive::gzip;
use crate::binaries::{self, Binary};
use crate::image::Image;
use crate::{installer, reference, sbom, sha256};

/// A file of dist/.
pub struct File {
    /// Its name in dist/.
    pub name: String,
    /// Its contents.
    pub bytes: Vec<u8>,
    /// Its permissions.
    pub mode: u32,
}

impl File {
    /// Makes a file that is not executable.
    fn data(name: &str, bytes: Vec<u8>) -> Self {
        Self { name: name.to_owned(), bytes, mode: 0o644 }
    }

    fn executable(name: &str, bytes: Vec<u8>) -> Self {
        Self { mode: 0o755, ..Self::data(name, bytes) }
    }
}

/// Fills dist/ with the binaries of all platforms and their bill of materials.
pub fn write_binaries() -> Result<()> {
    fill(&files_of_binaries(&binaries::of("")?)?)
}

/// Fills dist/ with the image of `platforms` under the name `reference`, its installer, and the binaries in it.
pub fn write_image(reference: &Reference, platforms: &str) -> Result<()> {
    let binaries = binaries::of(platforms)?;
    let image = Image::of(&binaries)?;
    let mut files = files_of_binaries(&binaries)?;
    files.extend(files_of_image(&image, reference)?);
    fill(&files)?;
    for platform in &image.platforms {
        println!("{:19} {:6} bytes for a node", platform.arch.platform(), platform.size());
    }
    println!("{reference}@{}", image.index.digest());
    Ok(())
}

/// Returns the digests of everything that ships; each depends only on those before it.
pub fn digests() -> Result<Vec<(String, String)>> {
    let binaries = binaries::of("")?;
    let image = Image::of(&binaries)?;
    let line = |file: File| (file.name, sha256(&file.bytes));
    let mut digests: Vec<_> = files_of_binaries(&binaries)?.into_iter().map(line).collect();
    for platform in &image.platforms {
        digests.push((platform.arch.platform(), platform.manifest.digest().digest().to_owned()));
    }
    digests.push(("index".to_owned(), image.index.digest().digest().to_owned()));
    digests.extend(files_of_image(&image, &reference::default())?.into_iter().map(line));
    Ok(digests)
}

/// Makes the image of `platforms` under its default name, and its installer.
pub fn image(platforms: &str) -> Result<Vec<File>> {
    files_of_image(&Image::of(&binaries::of(platforms)?)?, &reference::default())
}

/// Makes the image of all platforms in one file, as in pause.tar.
pub fn archive() -> Result<Vec<u8>> {
    Image::of(&binaries::of("")?)?.archive(&reference::default())
}

/// Returns the bytes of the file `name` among `files`.
pub fn bytes_of<'a>(files: &'a [File], name: &str) -> Result<&'a [u8]> {
    let file = files.iter().find(|file| file.name == name);
    Ok(&file.with_context(|| format!("no such file: {name}"))?.bytes)
}

/// Makes `pause-<architecture>` for each architecture, and pause.spdx.json.
fn files_of_binaries(binaries: &[Binary]) -> Result<Vec<File>> {
    let sbom = File::data("pause.spdx.json", sbom::document(binaries)?);
    let binaries = binaries.iter().map(|binary| File::executable(&binary.name(), binary.bytes.clone()));
    Ok(binaries.chain([sbom]).collect())
}

fn files_of_image(image: &Image, reference: &Reference) -> Result<Vec<File>> {
    let archive = image.archive(reference)?;
    let compressed = gzip(&archive)?;
    let installer = installer::script(image, reference)?.into_bytes();
    let compressed_installer = gzip(&installer)?;
    Ok(vec![
        File::data("pause.tar", archive),
        File::data("pause.tar.gz", compressed),
        File::executable("pause-install.sh", installer),
        File::data("pause-install.sh.gz", compressed_installer),
    ])
}

/// Writes `files` into dist/, with SHA256SUMS of them all, for `sha256sum --check`. Removes other files that an earlier
/// run left, because the checksums would not cover them.
fn fill(files: &[File]) -> Result<()> {
    let dist = root().join("dist");
    let mut sums = String::new();
    for file in files {
        write(&dist.join(&file.name), &file.bytes, file.mode)?;
        println!("{:19} {:6} bytes", file.name, file.bytes.len());
        sums += &format!("{}  {}\n", sha256(&file.bytes), file.name);
    }
    write(&dist.join("SHA256SUMS"), sums.as_bytes(), 0o644)?;
    for entry in fs::read_dir(&dist).context("cannot read dist/")? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("pause") && !files.iter().any(|file| file.name == name) {
            fs::remove_file(entry.path()).with_context(|| format!("cannot remove dist/{name} of an earlier run"))?;
        }
    }
    Ok(())
}
