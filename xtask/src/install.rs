//! The installer for nodes, `dist/pause-install.sh`: deploy/pause-install.sh with the image inside.

use std::fs;

use anyhow::{Context, Result, ensure};
use base64::{Engine, prelude::BASE64_STANDARD};
use build::root;
use oci_spec::distribution::Reference;

use crate::sha256;

/// What a cloud takes as user data (AWS).
const MOST: usize = 16_384;
/// A terminal takes lines of up to 4,095 characters when a text is pasted (termios(3), canonical mode).
const LINE: usize = 1_000;

/// The script that installs `archive`, which is pause.tar.gz under the name `reference`.
pub fn script(archive: &[u8], reference: &Reference) -> Result<String> {
    let template = root().join("deploy/pause-install.sh");
    let template = fs::read_to_string(&template).with_context(|| format!("cannot read {}", template.display()))?;
    let payload = BASE64_STANDARD.encode(archive).into_bytes();
    let payload: Vec<_> = payload.chunks(LINE).map(String::from_utf8_lossy).collect();
    let script = template
        .replace("@NAME@", &reference.whole())
        .replace("@SHA256@", &sha256(archive))
        .replace("@PAYLOAD@", &payload.join("\n"));
    ensure!(script.len() <= MOST, "pause-install.sh has {} bytes, more than {MOST}", script.len());
    Ok(script)
}
