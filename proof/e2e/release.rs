//! The steps of a release that work without the workflow's host: `make release-rehearsal`, and what the steps refuse.

use std::fs;

use build::root;
use engines::{digest, has_cargo, ok, ready, run};

use crate::registry::serve;

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
fn what_would_release_something_else_is_refused() {
    if !has_cargo() || !ready(TOOLS) {
        return;
    }
    refuses(
        "xtask/release.sh",
        &["build", "v9.8.7"],
        &format!("the tag v9.8.7 is not v{VERSION}, the version in Cargo.toml"),
    );
    let digests = fs::read_to_string(root().join("digests.txt")).expect("a file");
    let changed = |name: &str| digests.replace(&digest(name)["sha256:".len()..], &"0".repeat(64));
    fs::write("/run/changed", changed("linux/riscv64")).expect("a file");
    let build = "mount --bind /run/changed digests.txt && exec xtask/release.sh build"; // others read the file, too
    refuses("unshare", &["--mount", "sh", "-c", build], "different from digests.txt: linux/riscv64");

    // `publish` builds nothing, so it works in a copy.
    ok("cp", &["-r", "--parents", "Cargo.toml", "digests.txt", "dist", "xtask/release.sh", "/run"]);
    let copy = "/run/xtask/release.sh";
    let image = &format!("{}/pause", serve());
    for name in ["pause-arm64", "pause-install.sh", "index"] {
        fs::write("/run/digests.txt", changed(name)).expect("a file");
        refuses(copy, &["publish", image], &format!("different from digests.txt: {name}"));
    }
    fs::write("/run/digests.txt", &digests).expect("a file");
    let program = fs::read("/run/dist/pause-arm64").expect("a file");
    fs::write("/run/dist/pause-arm64", [&program[..], b"more"].concat()).expect("a file");
    let damaged = "dist/ does not match dist/SHA256SUMS; build it again: xtask/release.sh build";
    refuses(copy, &["publish", image], damaged);
    fs::write("/run/dist/pause-arm64", program).expect("a file");
    let nowhere = format!("cannot look up 127.0.0.1:1/pause:{VERSION}: ");
    let said = run(copy, &["publish", "127.0.0.1:1/pause"]).expect_err("no registry");
    let lines: Vec<&str> = said.lines().skip(1).collect(); // after its status
    let [line] = lines[..] else { panic!("{said}") };
    assert!(line.contains(&nowhere) && line.ends_with("connect: connection refused"), "{said}");

    // None of this reached the registry. An existing tag is not changed.
    let tag = format!("docker://{image}:{VERSION}");
    let inspect = || run("skopeo", &["inspect", "--raw", "--tls-verify=false", &tag]);
    assert!(inspect().expect_err("no tag").contains("manifest unknown"));
    ok("skopeo", &["copy", "--dest-tls-verify=false", "oci-archive:dist/pause.tar", &tag]); // only one platform
    let other = inspect().expect("a manifest");
    let line = format!("{image}:{VERSION} already exists and is another image; a tag never moves");
    refuses(copy, &["publish", image], &line);
    assert_eq!(inspect().expect("a manifest"), other);
    // A tag with this very image is no reason to refuse, so that a release that failed after the push can continue.
    let image = &format!("{image}/again");
    for _ in 0..2 {
        assert_eq!(ok(copy, &["publish", image]), format!("{image}@{}\n", digest("index")));
    }
}

fn refuses(program: &str, arguments: &[&str], line: &str) {
    let said = run(program, arguments).expect_err(line);
    let (_, said) = said.split_once('\n').expect("a status and a message");
    assert_eq!(said, format!("release.sh: {line}\n"));
}
