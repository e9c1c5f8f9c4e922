//! The image: its bytes, and what other people's tools read from them.

use std::collections::HashMap;
use std::fs;
use std::io::Read;
use std::process::Command;
use std::sync::LazyLock;

use build::arch::ALL;
use build::root;
use kit::peers::pause_for;
use kit::process::{End, command, run};
use kit::skip::has;
use serde_json::{Value, json};
use xtask::image::Image;
use xtask::{binaries, dist, reference, sha256};

/// Checks that a build gives the digests in digests.txt. The first line that differs shows where a change came in.
#[test]
fn every_digest_is_the_one_that_is_kept() {
    let kept = fs::read_to_string(root().join("digests.txt")).expect("digests.txt");
    for (line, (name, digest)) in kept.lines().zip(dist::digests().expect("it builds")) {
        assert_eq!(
            line,
            format!("{digest}  {name}"),
            "{name} is the first of the chain that changed; if that is intended: cargo xtask digests > digests.txt"
        );
    }
    assert_eq!(kept.lines().count(), 2 * ALL.len() + 6, "lines of digests.txt");
}

#[test]
fn config_manifest_and_index_are_as_upstreams() {
    let files = archive();
    let top: Value = serde_json::from_slice(&files["index.json"]).expect("JSON");
    let reference = format!("{}:{}", reference::NAME, reference::TAG);
    assert_eq!(top["manifests"][0]["annotations"]["io.containerd.image.name"], *reference);
    let index = blob(&files, &top["manifests"][0]);
    assert_eq!(index["mediaType"], "application/vnd.oci.image.index.v1+json");
    let manifests = index["manifests"].as_array().expect("manifests");
    assert_eq!(manifests.len(), ALL.len(), "images, and no attestations");
    let size = |descriptor: &Value| descriptor["size"].as_u64().expect("a size");
    for (arch, descriptor) in ALL.iter().zip(manifests) {
        let mut platform = json!({ "architecture": arch.name, "os": "linux" });
        if let Some(variant) = arch.variant {
            platform["variant"] = variant.into();
        }
        assert_eq!(descriptor["platform"], platform);
        let manifest = blob(&files, descriptor);
        let config = blob(&files, &manifest["config"]);
        assert_eq!((&config["architecture"], &config["variant"]), (&platform["architecture"], &platform["variant"]));
        is_as_upstreams(&config["config"]);
        assert_eq!(manifest["layers"].as_array().map(Vec::len), Some(1));
        blob(&files, &manifest["layers"][0]);
        let for_a_node = size(descriptor) + size(&manifest["config"]) + size(&manifest["layers"][0]);
        assert!(for_a_node <= 2500, "{}: {for_a_node} bytes", arch.name);
    }
}

/// Returns the JSON that `descriptor` names, after a check of its digest and size; null if it is a layer.
fn blob(files: &HashMap<String, Vec<u8>>, descriptor: &Value) -> Value {
    let digest = descriptor["digest"].as_str().expect("a digest");
    let bytes = &files[&digest.replace("sha256:", "blobs/sha256/")];
    assert_eq!(digest, format!("sha256:{}", sha256(bytes)));
    assert_eq!(descriptor["size"], bytes.len());
    serde_json::from_slice(bytes).unwrap_or_default()
}

/// Checks how the image is run; it also has labels, unlike upstream's.
fn is_as_upstreams(config: &Value) {
    let mut config = config.clone();
    let labels = config["Labels"].take();
    let expected = json!({
        "Entrypoint": ["/pause"],
        "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
        "Labels": null,
        "User": "65535:65535",
        "WorkingDir": "/",
    });
    assert_eq!(config, expected);
    let mut labels: Vec<&str> = labels.as_object().expect("labels").keys().map(String::as_str).collect();
    labels.sort_unstable();
    let keys = ["description", "licenses", "title", "version"];
    assert_eq!(labels, keys.map(|key| format!("org.opencontainers.image.{key}")));
}

#[test]
fn the_file_of_all_platforms_has_at_most_8_300_bytes() {
    let size = built("pause.tar.gz").len();
    assert!(size <= 8300, "{size}");
}

/// Reads the layer with GNU tar and gzip, which share no code with ours.
#[test]
fn the_layer_is_pause_alone_owned_by_root() {
    let files = archive();
    let top: Value = serde_json::from_slice(&files["index.json"]).expect("JSON");
    let index = blob(&files, &top["manifests"][0]);
    let docker: Value = serde_json::from_slice(&files["manifest.json"]).expect("JSON");
    let folder = tempfile::tempdir().expect("a folder");
    let layer = folder.path().join("layer.tar.gz");
    for (arch, manifest) in ALL.iter().zip(index["manifests"].as_array().expect("manifests")) {
        let digest = blob(&files, manifest)["layers"][0]["digest"].as_str().expect("a digest").to_owned();
        let path = digest.replace("sha256:", "blobs/sha256/");
        fs::write(&layer, &files[&path]).expect("a file");
        // Graph drivers load one platform of a docker archive.
        assert_eq!(docker[0]["Layers"] == json!([path]), arch.name == "amd64", "{}: {docker}", arch.name);
        let list = run(command(["tar", "--numeric-owner", "--full-time", "--utc", "-tvzf", &layer.to_string_lossy()]));
        let program = fs::read(pause_for(arch)).expect("it is built");
        let stdout = format!("-rwxr-xr-x 0/0 {:>15} 1970-01-01 00:00:00 pause\n", program.len());
        assert_eq!(list, End { stdout, ..End::silent(0) });
        let file = Command::new("tar").args(["-xOzf"]).arg(&layer).arg("pause").output().expect("tar runs");
        assert!(file.stdout == program, "{}", arch.name);
    }
}

#[test]
fn nonsense_for_a_reference_is_one_line() {
    for (name, tag, said) in [
        ("registry.example/Pause", "1", "not the name of an image"),
        ("", "1", "not the name of an image"),
        ("localhost/pause", "a b", "not the name of an image"),
        ("localhost/pause", "", "not the name of an image"),
        ("pause", "1", "write the image's name in full"),
    ] {
        let error = format!("{:#}", reference::parse(name, tag).expect_err("nonsense"));
        assert!(error.starts_with(said), "{name}:{tag}: {error}");
        assert_eq!(error.lines().count(), 1);
    }
}

#[test]
fn another_name_is_in_the_layout_and_in_the_docker_archive() {
    let name = reference::parse("registry.example:5000/a/pause", "1.0_x").expect("a name");
    let image = Image::of(&binaries::of("").expect("it builds")).expect("an image");
    let files = files_of(&image.archive(&name).expect("an archive"));
    let [top, docker] =
        ["index.json", "manifest.json"].map(|file| -> Value { serde_json::from_slice(&files[file]).expect("JSON") });
    assert_eq!(top["manifests"][0]["annotations"]["io.containerd.image.name"], name.whole());
    assert_eq!(docker[0]["RepoTags"], json!([name.whole()]));
}

/// Asks skopeo for a second opinion: when it copies, it checks every platform, digest and size.
#[test]
fn skopeo_copies_all_of_it() {
    if has("skopeo") {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("pause.tar");
        fs::write(&file, built("pause.tar")).expect("a file");
        let to = format!("oci:{}:copy", folder.path().join("copy").display());
        for kind in ["docker-archive", "oci-archive"] {
            let from = format!("{kind}:{}", file.display());
            let copied = run(command(["skopeo", "copy", "--quiet", "--all", &from, &to]));
            assert_eq!(copied.code, Some(0), "{copied:?}");
        }
    }
}

#[test]
fn an_image_of_some_platforms_has_these_alone() {
    let index = |platforms: &str| -> Vec<String> {
        let files = dist::image(platforms).expect("it builds");
        let files = files_of(dist::bytes_of(&files, "pause.tar").expect("a file"));
        let top: Value = serde_json::from_slice(&files["index.json"]).expect("JSON");
        let digest = top["manifests"][0]["digest"].as_str().expect("a digest").replace("sha256:", "blobs/sha256/");
        let index: Value = serde_json::from_slice(&files[&digest]).expect("JSON");
        let manifests = index["manifests"].as_array().expect("manifests").iter();
        manifests.map(|manifest| manifest["platform"]["architecture"].as_str().expect("text").to_owned()).collect()
    };
    assert_eq!(index("linux/amd64,linux/arm64"), ["amd64", "arm64"]);
    assert_eq!(index("linux/arm64,linux/amd64"), ["amd64", "arm64"], "whatever the order");
    assert_eq!(index("linux/arm/v7"), ["arm"]);
    for nonsense in ["amd64", "linux/amd64,", ",", "linux/arm/v6", "linux/amd64 linux/arm64"] {
        let error = format!("{:#}", binaries::of(nonsense).err().expect(nonsense));
        assert!(error.starts_with("no such platform: ") && error.contains("linux/amd64,linux/arm64"), "{error}");
        assert_eq!(error.lines().count(), 1);
    }
}

/// Returns the path and bytes of each file in pause.tar.
fn archive() -> HashMap<String, Vec<u8>> {
    files_of(built("pause.tar"))
}

fn files_of(bytes: &[u8]) -> HashMap<String, Vec<u8>> {
    let mut archive = tar::Archive::new(bytes);
    let file = |mut entry: tar::Entry<&[u8]>| {
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).expect("whole");
        (entry.path().expect("a path").to_string_lossy().into_owned(), bytes)
    };
    archive.entries().expect("entries").map(|entry| file(entry.expect("an entry"))).collect()
}

/// Returns a file of the image of all platforms.
pub fn built(name: &str) -> &'static [u8] {
    static BUILT: LazyLock<Vec<dist::File>> = LazyLock::new(|| dist::image("").expect("it builds"));
    dist::bytes_of(&BUILT, name).expect("a file")
}
