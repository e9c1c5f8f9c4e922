//! The installer for nodes, `dist/pause-install.sh`: deploy/pause-install.sh with the image inside.

use std::fs;

use anyhow::{Context, Result};
use base64::{Engine, prelude::BASE64_STANDARD};
use oci_spec::distribution::Reference;

use build::root;

use crate::{image, sha256};

/// A terminal takes lines of up to 4,095 characters when a text is pasted (termios(3), canonical mode).
const LINE: usize = 1_000;

/// The script that installs `archive`, a gzipped OCI image layout under the name `reference`.
pub fn script(archive: &[u8], reference: &Reference) -> Result<String> {
    let template = root().join("deploy/pause-install.sh");
    let template = fs::read_to_string(&template).with_context(|| format!("cannot read {}", template.display()))?;
    let payload = BASE64_STANDARD.encode(archive).into_bytes();
    let payload: Vec<_> = payload.chunks(LINE).map(String::from_utf8_lossy).collect();
    Ok(template
        .replace("@NAME@", &reference.whole())
        .replace("@VERSION@", image::TAG)
        .replace("@SHA256@", &sha256(archive))
        .replace("@PAYLOAD@", &payload.join("\n")))
}
