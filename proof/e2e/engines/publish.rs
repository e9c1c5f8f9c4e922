//! Tests of the release steps that work without the workflow's host: `make release-rehearsal`, and what they refuse.

use std::fs;

use build::root;
use shared::{digest, has_cargo, ok, ready, run};

use crate::engines::registry::serve;

const TOOLS: &[&str] = &["docker-registry", "skopeo"];
const VERSION: &str = env!("CARGO_PKG_VERSION");

#[test]
fn it_can_be_rehearsed() {
    if has_cargo() && ready(TOOLS) {
        let said = ok("make", &["--silent", "release-rehearsal"]);
        let (before, _) = said.split_once(&format!("/pause@{}\n", digest("index"))).expect("what was published");
        assert!(before.starts_with("127.0.0.1:"), "{said}");
        assert!(said.ends_with("is the one in dist/\n"), "{said}");
    }
}

#[test]
fn a_build_of_something_else_is_refused() {
    if !has_cargo() || !ready(TOOLS) {
        return;
    }
    let line = format!("the tag v9.8.7 is not v{VERSION}, the version in Cargo.toml");
    refuses("xtask/publish.sh", &["build", "v9.8.7"], &line);
    fs::write("/run/changed", digests_without("linux/riscv64")).expect("a file");
    let build = "mount --bind /run/changed digests.txt && exec xtask/publish.sh build"; // others read the file, too
    refuses("unshare", &["--mount", "sh", "-c", build], "different from digests.txt: linux/riscv64");
}

#[test]
fn something_else_is_not_published() {
    if !has_cargo() || !ready(TOOLS) {
        return;
    }
    let folder = copy("/run/refusing");
    let publish = &format!("{folder}/xtask/publish.sh");
    let image = &format!("{}/pause", serve());
    for name in ["pause-arm64", "pause-install.sh", "index"] {
        fs::write(format!("{folder}/digests.txt"), digests_without(name)).expect("a file");
        refuses(publish, &["publish", image], &format!("different from digests.txt: {name}"));
    }
    fs::copy(root().join("digests.txt"), format!("{folder}/digests.txt")).expect("a file");
    let file = format!("{folder}/dist/pause-arm64");
    let program = fs::read(&file).expect("a file");
    fs::write(&file, [&program[..], b"more"].concat()).expect("a file");
    let damaged = "dist/ does not match dist/SHA256SUMS; build it again: xtask/publish.sh build";
    refuses(publish, &["publish", image], damaged);
    fs::write(&file, program).expect("a file");
    let nowhere = format!("cannot look up 127.0.0.1:1/pause:{VERSION}: ");
    let said = run(publish, &["publish", "127.0.0.1:1/pause"]).expect_err("no registry");
    let is_one_line = said.lines().count() == 1;
    assert!(is_one_line && said.contains(&nowhere) && said.ends_with("connect: connection refused"), "{said}");
    // None of this reached the registry.
    assert!(manifest(image).expect_err("no tag").contains("manifest unknown"));
}

#[test]
fn a_tag_never_moves() {
    if !has_cargo() || !ready(TOOLS) {
        return;
    }
    let publish = &format!("{}/xtask/publish.sh", copy("/run/tagged"));
    let image = &format!("{}/pause", serve());
    let tag = format!("docker://{image}:{VERSION}");
    ok("skopeo", &["copy", "--dest-tls-verify=false", "oci-archive:dist/pause.tar", &tag]); // only one platform
    let other = manifest(image).expect("a manifest");
    let line = format!("{image}:{VERSION} already exists and is another image; a tag never moves");
    refuses(publish, &["publish", image], &line);
    assert_eq!(manifest(image).expect("a manifest"), other);
    // A tag for exactly this image is not refused, so that a release that failed after the push can continue.
    let image = &format!("{image}/again");
    for _ in 0..2 {
        assert_eq!(ok(publish, &["publish", image]), format!("{image}@{}\n", digest("index")));
    }
}

/// Puts what `publish` needs, which builds nothing, into this directory.
fn copy(folder: &str) -> &str {
    fs::create_dir(folder).expect("a folder");
    ok("cp", &["-r", "--parents", "Cargo.toml", "digests.txt", "dist", "xtask/publish.sh", folder]);
    folder
}

/// Returns digests.txt, with another digest for `name`.
fn digests_without(name: &str) -> String {
    let digests = fs::read_to_string(root().join("digests.txt")).expect("a file");
    digests.replace(&digest(name)["sha256:".len()..], &"0".repeat(64))
}

/// Returns what the registry stores under this version's tag.
fn manifest(image: &str) -> Result<String, String> {
    run("skopeo", &["inspect", "--raw", "--tls-verify=false", &format!("docker://{image}:{VERSION}")])
}

fn refuses(program: &str, arguments: &[&str], line: &str) {
    let said = run(program, arguments).expect_err(line);
    assert!(said.ends_with(&format!(" failed, exit status: 1: publish.sh: {line}")), "{said}");
}
