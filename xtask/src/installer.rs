//! The installer for nodes, `dist/pause-install.sh`: deploy/pause-install.sh with the image inside.

use std::fs;

use anyhow::{Context, Result};
use base64::{Engine, prelude::BASE64_STANDARD};
use build::root;
use oci_spec::distribution::Reference;

use crate::archive::{gzip, tar_of_data};
use crate::image::Image;
use crate::{reference, sha256};

/// Line length of the payload. A terminal accepts at most 4,095 characters in a line (termios(3), canonical mode).
const LINE: usize = 1_000;

/// The programs of earlier releases, as digests.txt had them; the installer counts those that still run.
pub const EARLIER_PROGRAMS: &str = "xtask/earlier-programs.txt";

/// The script that installs `image` under the name `reference`. It ends without a newline: its last byte closes what
/// its second line opens.
pub fn script(image: &Image, reference: &Reference) -> Result<String> {
    let read = |path: &str| {
        let path = root().join(path);
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    let payload = BASE64_STANDARD.encode(gzip(&tar_of_data(&parts(image, reference)?)?)?).into_bytes();
    let payload: Vec<_> = payload.chunks(LINE).map(String::from_utf8_lossy).collect();
    let earlier = read(EARLIER_PROGRAMS)?;
    let older: Vec<_> = earlier.lines().filter_map(|line| line.split_once("  ")).map(|(digest, _)| digest).collect();
    let script = compact(&read("deploy/pause-install.sh")?)
        .replace("@NAME@", &reference.whole())
        .replace("@VERSION@", reference::TAG)
        .replace("@OLDER@", &older.join(" "))
        .replace("@PAYLOAD@", &payload.join("\n"));
    let sum = sha256(script.replace(SUM, "sum=\n").as_bytes());
    Ok(script.replace(SUM, &format!("sum={sum}\n")).trim_end().to_owned())
}

/// The layout as the installer contains it. Digests do not compress, but all can be computed from the layers: so
/// `@03.gz@` stands for the digest of parts/03.gz, and `@03@` for the digest of its uncompressed contents.
fn parts(image: &Image, reference: &Reference) -> Result<Vec<(String, Vec<u8>)>> {
    let count = image.platforms.len();
    let (manifests_and_index, rest) = image.blobs.split_at(count + 1);
    let (configs, layers) = rest.split_at(count);
    let (mut parts, mut digests) = (vec![], vec![]);
    let encode = |bytes: &[u8], digests: &[(String, String)]| -> Result<Vec<u8>> {
        let text = str::from_utf8(bytes)?.to_owned();
        Ok(digests.iter().fold(text, |text, (digest, part)| text.replace(digest, &format!("@{part}@"))).into_bytes())
    };
    for ((digest, bytes), platform) in layers.iter().zip(&image.platforms) {
        let part = format!("{:02}", parts.len());
        parts.push((format!("parts/{part}.gz"), bytes.clone()));
        digests.push((digest.clone(), format!("{part}.gz")));
        digests.push((platform.diff_id.clone(), part));
    }
    for (digest, bytes) in configs.iter().chain(manifests_and_index) {
        let part = format!("{:02}", parts.len());
        parts.push((format!("parts/{part}"), encode(bytes, &digests)?));
        digests.push((digest.clone(), part));
    }
    for (name, bytes) in image.layout(reference)?.iter().take(2) {
        parts.push((name.replace("index", "names"), encode(bytes, &digests)?));
    }
    Ok(parts)
}

/// The line with the script's own digest.
const SUM: &str = "sum=@SUM@\n";

/// The script without comments, except the first, and indented with tabs: user data has little room.
fn compact(script: &str) -> String {
    let head = script.find("\n\n").expect("the end of its first comment") + 1;
    let (head, rest) = script.split_at(head);
    let line = |line: &str| {
        let text = line.trim_start_matches("    ");
        let indent = "\t".repeat((line.len() - text.len()) / 4);
        let text = text.split_once(" # ").map_or(text, |(code, _)| code);
        (!text.starts_with('#')).then(|| indent + text + "\n")
    };
    head.to_owned() + &rest.lines().filter_map(line).collect::<String>()
}
