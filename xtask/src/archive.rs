//! tar and gzip. The same files always give the same bytes.

use anyhow::Result;
use tar::{EntryType, Header};

/// Makes a tar archive of these paths, modes and contents, owned by root and dated to the epoch.
pub fn tar<'a>(files: impl IntoIterator<Item = (&'a str, u32, &'a [u8])>) -> Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, mode, bytes) in files {
        let mut header = Header::new_ustar();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(mode);
        header.set_size(bytes.len() as u64);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        archive.append_data(&mut header, path, bytes)?;
    }
    Ok(archive.into_inner()?)
}

/// Makes a tar archive of these paths and contents, none of them executable.
pub fn tar_of_data(files: &[(String, Vec<u8>)]) -> Result<Vec<u8>> {
    tar(files.iter().map(|(path, bytes)| (path.as_str(), 0o644, bytes.as_slice())))
}

/// Compresses the bytes as far as gzip can.
pub fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut compressed = Vec::new();
    zopfli::compress(zopfli::Options::default(), zopfli::Format::Gzip, bytes, &mut compressed)?;
    Ok(compressed)
}
