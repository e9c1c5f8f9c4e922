//! The installer for nodes, `dist/pause-install.sh`: the parts in installer/, with the image inside.

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

/// The programs of earlier releases, in the format of digests.txt; the installer counts those that are still running.
pub const EARLIER_PROGRAMS: &str = "xtask/earlier-programs.txt";

/// The parts of the script, in order: paths in installer/, without `.sh`.
const PARTS: [&str; 14] = [
    "head",
    "main",
    "options",
    "engines/containerd",
    "engines/crio",
    "engines/docker",
    "engines/podman",
    "image",
    "names",
    "trust",
    "boot",
    "count",
    "run",
    "end",
];

/// Returns the script without the image, the digests and the names.
pub fn template() -> Result<String> {
    let read = |part| read(&format!("installer/{part}.sh"));
    Ok(PARTS.into_iter().map(read).collect::<Result<Vec<_>>>()?.join("\n"))
}

fn read(path: &str) -> Result<String> {
    let path = root().join(path);
    fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
}

/// Makes the script that installs `image` under the name `reference`. It ends without a newline: its last byte closes
/// the brace that its second line opens.
pub fn script(image: &Image, reference: &Reference) -> Result<String> {
    let payload = BASE64_STANDARD.encode(gzip(&tar_of_data(&parts(image, reference)?)?)?).into_bytes();
    let payload: Vec<_> = payload.chunks(LINE).map(String::from_utf8_lossy).collect();
    let earlier = read(EARLIER_PROGRAMS)?;
    let older: Vec<_> = earlier.lines().filter_map(|line| line.split_once("  ")).map(|(digest, _)| digest).collect();
    let script = template()?
        .replace("@NAME@", &reference.whole())
        .replace("@VERSION@", reference::TAG)
        .replace("@OLDER@", &older.join(" "))
        .replace("@PAYLOAD@", &payload.join("\n"));
    let sum = sha256(script.replace(SUM, "sum=\n").as_bytes());
    Ok(script.replace(SUM, &format!("sum={sum}\n")).trim_end().to_owned())
}

/// Makes the layout as the installer contains it. Digests do not compress, but all can be computed from the layers:
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

/// The line for the script's own digest.
const SUM: &str = "sum=@SUM@\n";
