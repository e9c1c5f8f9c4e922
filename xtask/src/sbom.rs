//! The bill of materials of the binaries, `dist/pause.spdx.json`, in SPDX 2.3 (spdx.github.io/spdx-spec/v2.3).
//!
//! It is built from serde_json values: the crates for SPDX are larger than this module, and none gets its data from
//! cargo.

use std::process::Command;

use anyhow::{Context, Result};
use build::{output, root};
use serde_json::{Value, json};
use sha1::{Digest, Sha1};

use crate::binaries::Binary;
use crate::sha256;

const NOWHERE: &str = "NOASSERTION";

/// Makes the document for these binaries.
pub fn document(binaries: &[Binary]) -> Result<Vec<u8>> {
    let pause = of_crate("pause")?;
    let linux = of_crate("linux-raw-sys")?;
    let mut document = json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": format!("pause-{}", text(&pause, "version")),
        "creationInfo": { "created": "1970-01-01T00:00:00Z", "creators": ["Tool: pause-xtask"] },
        "packages": [package_of_pause(&pause), package_of_linux(&linux)?, package_of_rust()?],
        "files": binaries.iter().map(file).collect::<Vec<_>>(),
        "relationships": relationships(binaries),
    });
    // It must be unique, and the same in each build. SPDX 2.3, 6.5, gives this address to those without a web site.
    let digest = sha256(&serde_json::to_vec(&document)?);
    document["documentNamespace"] = format!("https://spdx.org/spdxdocs/pause-{digest}").into();
    Ok(serde_json::to_vec_pretty(&document)?)
}

fn package_of_pause(pause: &Value) -> Value {
    package("pause", text(pause, "version"), text(pause, "license"), NOWHERE, "APPLICATION")
}

fn package_of_linux(linux: &Value) -> Result<Value> {
    let version = text(linux, "version");
    let source = format!("https://crates.io/api/v1/crates/linux-raw-sys/{version}/download");
    let mut package = package("linux-raw-sys", version, text(linux, "license"), &source, "LIBRARY");
    package["checksums"] = json!([{ "algorithm": "SHA256", "checksumValue": checksum("linux-raw-sys")? }]);
    package["externalRefs"] = json!([{
        "referenceCategory": "PACKAGE-MANAGER",
        "referenceType": "purl",
        "referenceLocator": format!("pkg:cargo/linux-raw-sys@{version}"),
    }]);
    Ok(package)
}

fn package_of_rust() -> Result<Value> {
    let toolchain = output(Command::new("rustc").arg("--version").current_dir(root()))?;
    let version = toolchain.split(' ').nth(1).context("rustc prints no version")?;
    Ok(package("rust", version, "MIT OR Apache-2.0", NOWHERE, "APPLICATION"))
}

fn package(name: &str, version: &str, license: &str, source: &str, purpose: &str) -> Value {
    json!({
        "SPDXID": format!("SPDXRef-Package-{name}"),
        "name": name,
        "versionInfo": version,
        "downloadLocation": source,
        "filesAnalyzed": false,
        "licenseConcluded": license,
        "licenseDeclared": license,
        "copyrightText": NOWHERE,
        "primaryPackagePurpose": purpose,
    })
}

fn relationships(binaries: &[Binary]) -> Vec<Value> {
    let related = |from: &str, kind: &str, to: &str| {
        json!({
            "spdxElementId": format!("SPDXRef-{from}"),
            "relationshipType": kind,
            "relatedSpdxElement": format!("SPDXRef-{to}"),
        })
    };
    let mut relationships = vec![
        related("DOCUMENT", "DESCRIBES", "Package-pause"),
        related("Package-pause", "STATIC_LINK", "Package-linux-raw-sys"),
        related("Package-rust", "BUILD_TOOL_OF", "Package-pause"),
    ];
    for binary in binaries {
        relationships.push(related(&format!("File-{}", binary.name()), "GENERATED_FROM", "Package-pause"));
    }
    relationships
}

fn file(binary: &Binary) -> Value {
    let (name, bytes) = (binary.name(), &binary.bytes);
    let sha1 = hex::encode(Sha1::digest(bytes));
    json!({
        "SPDXID": format!("SPDXRef-File-{name}"),
        "fileName": format!("./{name}"),
        "fileTypes": ["BINARY"],
        "checksums": [
            { "algorithm": "SHA1", "checksumValue": sha1 }, // SPDX requires it
            { "algorithm": "SHA256", "checksumValue": sha256(bytes) },
        ],
        "licenseConcluded": env!("CARGO_PKG_LICENSE"),
        "licenseInfoInFiles": [NOWHERE],
        "copyrightText": NOWHERE,
    })
}

fn text<'a>(package: &'a Value, key: &str) -> &'a str {
    package[key].as_str().unwrap_or(NOWHERE)
}

/// Returns what `cargo metadata` prints about the crate.
fn of_crate(name: &str) -> Result<Value> {
    let metadata =
        output(Command::new("cargo").args(["metadata", "--locked", "--format-version=1"]).current_dir(root()))?;
    let metadata: Value = serde_json::from_str(&metadata)?;
    let packages = metadata["packages"].as_array().context("cargo metadata lists no packages")?;
    let package = packages.iter().find(|package| package["name"] == name);
    Ok(package.with_context(|| format!("cargo metadata does not list {name}"))?.clone())
}

/// Returns the crate's checksum in Cargo.lock.
fn checksum(name: &str) -> Result<String> {
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).context("cannot read Cargo.lock")?;
    let entry = lock.split("[[package]]").find(|entry| entry.contains(&format!("name = \"{name}\"\n")));
    let checksum = entry.and_then(|entry| entry.split("checksum = \"").nth(1)?.split('"').next());
    Ok(checksum.with_context(|| format!("Cargo.lock has no checksum of {name}"))?.to_owned())
}
