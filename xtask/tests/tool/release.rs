//! `cargo xtask release`: where it sets the version, and what it refuses. Each test works on a copy of the tree.

use std::fs;
use std::path::Path;

use build::arch::ALL;
use build::root;
use kit::process::{End, command, run};
use tempfile::TempDir;
use xtask::release::{check, keep_programs, release, set_version};

const NOW: &str = env!("CARGO_PKG_VERSION");
const NEXT: &str = "98.7.6";

#[test]
fn the_version_stands_nowhere_but_where_release_sets_it() {
    let copy = Copy::of_the_tree();
    set_version(copy.path(), NOW, NEXT).expect("it is set");
    // The next release would miss a version in another place. Cargo's files and the changelog may contain it.
    let allowed = [":!CHANGELOG.md", ":!*Cargo.toml", ":!Cargo.lock"];
    let grep = ["grep", "--fixed-strings", "--line-number", "--word-regexp", NOW, "--", "."];
    let left = copy.git(&[&grep[..], &allowed].concat());
    assert_eq!(left, "");
    let other = copy.git(&["grep", "--extended-regexp", "--line-number", r"localhost/pause:[0-9]"]);
    let other: Vec<&str> = other.lines().filter(|line| !line.contains(&format!("localhost/pause:{NEXT}"))).collect();
    assert_eq!(other, [""; 0]);
    for (file, line) in [
        ("Cargo.toml", format!("version = \"{NEXT}\"")),
        ("Dockerfile", format!("version=\"{NEXT}\"")),
        ("docs/behaviour.md", format!("prints `pause {NEXT}` on stdout")),
        ("docs/behaviour.zh-CN.md", format!("`pause {NEXT}`")),
        ("docs/install.md", format!("localhost/pause:{NEXT}")),
        ("deploy/podman/containers.conf", format!("infra_image = \"localhost/pause:{NEXT}\"")),
    ] {
        assert!(fs::read_to_string(copy.path().join(file)).expect(file).contains(&line), "{file}: {line}");
    }
}

/// Checks that they are kept for the installer, which counts those that are still running.
#[test]
fn the_programs_of_earlier_releases_are_kept() {
    let copy = Copy::of_the_tree();
    let read = |file: &str| fs::read_to_string(copy.path().join(file)).expect(file);
    let before = read("xtask/earlier-programs.txt");
    keep_programs(copy.path()).expect("they are kept");
    let lines: Vec<String> = read("digests.txt").lines().take(ALL.len()).map(|line| format!("{line}\n")).collect();
    assert!(lines.iter().zip(ALL).all(|(line, arch)| line.ends_with(&format!("  pause-{}\n", arch.name))), "{lines:?}");
    assert_eq!(read("xtask/earlier-programs.txt"), before + &lines.concat());
}

#[test]
fn each_refusal_is_one_line_and_changes_nothing() {
    let copy = Copy::of_the_tree();
    let refuses = |version: &str, line: &str| {
        let before = copy.git(&["status", "--porcelain"]);
        let error = format!("{:#}", check(copy.path(), version).expect_err("it is refused"));
        assert!(error.starts_with(line), "{version:?}: {error}");
        assert_eq!(error.lines().count(), 1, "{error}");
        assert_eq!(copy.git(&["status", "--porcelain"]), before);
    };
    for nonsense in ["", "1", "1.2", "1.2.3.4", "v1.2.3", "01.2.3", "1.2.3-rc1", "1.2.-3", "+1.2.3", "--help"] {
        refuses(nonsense, "not a version: ");
    }
    refuses(NOW, &format!("{NOW} does not come after {NOW}"));
    refuses("0.0.1", &format!("0.0.1 does not come after {NOW}"));
    refuses(NEXT, &format!("CHANGELOG.md has no section `## [{NEXT}]`"));
    let changelog = copy.path().join("CHANGELOG.md");
    let old = fs::read_to_string(&changelog).expect("text");
    let with = |section: &str| old.replacen("\n## [", &format!("\n## [{NEXT}]\n{section}\n## ["), 1);
    fs::write(&changelog, with("")).expect("a file");
    refuses(NEXT, &format!("in CHANGELOG.md, the section of {NEXT} is empty"));
    fs::write(&changelog, with("### Added\n- A thing.\n")).expect("a file");
    refuses(NEXT, "the tree is not clean");
    copy.commit();
    assert_eq!(check(copy.path(), NEXT).expect("it can be released"), NOW);
    copy.git(&["tag", &format!("v{NEXT}")]);
    refuses(NEXT, &format!("the tag v{NEXT} already exists"));
}

#[test]
fn a_release_that_fails_changes_nothing() {
    let copy = Copy::of_the_tree();
    fs::write(copy.path().join("CHANGELOG.md"), format!("\n## [{NEXT}]\n- A thing.\n")).expect("a file");
    fs::remove_file(copy.path().join("digests.txt")).expect("a file"); // which the release reads last
    copy.commit();
    let error = format!("{:#}", release(copy.path(), NEXT).expect_err("it cannot"));
    assert!(error.starts_with("nothing has changed: cannot read ") && error.lines().count() == 1, "{error}");
    assert_eq!(copy.git(&["status", "--porcelain"]), "");
}

/// A repository with the present files of this one.
struct Copy(TempDir);

impl Copy {
    fn of_the_tree() -> Self {
        let copy = Self(tempfile::tempdir().expect("a folder"));
        let files = "git ls-files -z --cached --others --exclude-standard | \
                     tar --null --files-from=- --ignore-failed-read -cf - | tar -xf - -C \"$0\"";
        let mut files = command(["sh", "-c", files, &copy.path().to_string_lossy()]);
        files.current_dir(root());
        assert_eq!(run(files).code, Some(0));
        copy.git(&["init", "--quiet"]);
        copy.commit();
        copy
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn commit(&self) {
        self.git(&["add", "--all"]);
        self.git(&["-c", "user.name=test", "-c", "user.email=test", "commit", "--quiet", "--message=All"]);
    }

    /// Returns what git prints; empty also if `git grep` finds nothing.
    fn git(&self, args: &[&str]) -> String {
        let mut git = command(["git"]);
        git.args(args).current_dir(self.path());
        let End { code, stdout, stderr } = run(git);
        assert!(code == Some(0) || args[0] == "grep" && code == Some(1), "git {args:?}: {stderr}");
        stdout
    }
}
