//! Tests of the bill of materials.

use std::fs;

use build::root;
use kit::process::{command, run};
use kit::skip::not_fetched;
use serde_json::Value;
use xtask::{binaries, sbom, sha256};

#[test]
fn it_names_what_is_built_and_of_what() {
    let binaries = binaries::of("").expect("they build");
    let bytes = sbom::document(&binaries).expect("a document");
    assert_eq!(bytes, sbom::document(&binaries).expect("a document"), "the same twice");
    let document: Value = serde_json::from_slice(&bytes).expect("JSON");

    let named: Vec<String> = document["packages"]
        .as_array()
        .expect("packages")
        .iter()
        .map(|package| {
            format!("{} {}", package["name"].as_str().expect("text"), package["versionInfo"].as_str().expect("text"))
        })
        .collect();
    let lock = fs::read_to_string(root().join("Cargo.lock")).expect("Cargo.lock");
    let (name, version) = named[1].split_once(' ').expect("two words");
    assert!(lock.contains(&format!("name = \"{name}\"\nversion = \"{version}\"\n")), "{named:?}");
    let toolchain = fs::read_to_string(root().join("rust-toolchain.toml")).expect("rust-toolchain.toml");
    let rust = named[2].strip_prefix("rust ").expect("the toolchain");
    assert!(toolchain.contains(&format!("channel = \"{rust}\"")), "{named:?}");
    assert_eq!(named[0], format!("pause {}", env!("CARGO_PKG_VERSION")));

    for (file, binary) in document["files"].as_array().expect("files").iter().zip(&binaries) {
        assert_eq!(file["fileName"], format!("./{}", binary.name()));
        assert_eq!(file["checksums"][1]["checksumValue"], sha256(&binary.bytes), "{}", binary.name());
    }
}

/// Validates the document with the tools of the specification's authors.
#[test]
fn spdx_tools_find_it_valid() {
    let tools = root().join("target/spdx-tools/bin/pyspdxtools");
    if !tools.exists() {
        return not_fetched("spdx-tools", "spdx-tools is not installed; proof/packages/spdx.sh installs it from PyPI");
    }
    let file = tempfile::Builder::new().suffix(".spdx.json").tempfile().expect("a file");
    let document = sbom::document(&binaries::of("").expect("they build")).expect("a document");
    fs::write(&file, document).expect("a file");
    let mut check = command([tools]);
    check.arg("--infile").arg(file.path());
    let said = run(check);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(said.stdout, "", "{said:?}");
}
