//! Whatever is written in more than one place is the same everywhere.

use std::fs;

use build::arch::ALL;
use build::{root, write};
use kit::process::{End, command, run};
use kit::skip::{has, has_namespaces};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use serde_json::Value;
use xtask::docs;

#[test]
fn the_table_of_architectures_is_followed_everywhere() {
    let names = |name: fn(&build::arch::Arch) -> String| ALL.iter().map(name).collect::<Vec<_>>();
    let mut files: Vec<String> = fs::read_dir(root().join("src/sys"))
        .expect("src/sys")
        .map(|file| file.expect("a file").file_name().to_string_lossy().into_owned())
        .filter(|name| name != "mod.rs")
        .collect();
    files.sort();
    let mut expected = names(|arch| format!("{}.rs", arch.rust));
    expected.sort();
    assert_eq!(files, expected, "src/sys");

    let compiled = ALL.iter().filter(|arch| !arch.builds_core).map(|arch| arch.triple.to_owned()).collect::<Vec<_>>();
    assert_eq!(quoted_lines("rust-toolchain.toml"), compiled, "rust-toolchain.toml");
    assert!(read("rust-toolchain.toml").contains("\"rust-src\""), "rust-toolchain.toml");

    let machines = read("proof/machines/kernels-machines");
    let mut machines: Vec<&str> =
        machines.lines().filter_map(|line| line.split(' ').next()).filter(|name| *name != "#").collect();
    machines.dedup(); // arm64 and ppc64le have kernels of two page sizes
    assert_eq!(machines, names(|arch| arch.name.to_owned()), "proof/machines/kernels-machines");
}

/// The tables are generated from the build and from the committed results.
#[test]
fn the_tables_in_the_docs_are_what_xtask_writes() {
    for page in docs::pages().unwrap_or_else(|error| panic!("{error:#}")) {
        assert_eq!(page.old, page.new, "{} is out of date: run `cargo xtask docs`", page.path.display());
    }
}

/// A claim that cites a test cites one that exists.
#[test]
fn the_tests_that_the_docs_name_exist() {
    let mut named = 0;
    for page in ["README.md", "SECURITY.md", "docs/how-it-works.md"] {
        let text = read(page);
        let in_code = text.split('`').skip(1).step_by(2);
        for (file, test) in in_code.filter_map(|code| code.split_once("::")) {
            let file = root().join(format!("tests/it/{file}.rs"));
            let source =
                fs::read_to_string(&file).unwrap_or_else(|error| panic!("{page}: {}: {error}", file.display()));
            assert!(source.contains(&format!("fn {test}(")) || source.contains(&format!(" {test}:")), "{page}: {test}");
            named += 1;
        }
    }
    assert_ne!(named, 0);
}

/// Each folder has a row, a README, and something to copy or to run; cells stay short.
#[test]
fn the_table_of_places_names_every_folder() {
    let table = read("deploy/README.md");
    let rows: Vec<Vec<&str>> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"))
        .map(|line| line.split(" | ").collect())
        .collect();
    for row in &rows {
        assert_eq!(row.len(), 6, "{row:?}");
        assert!(row.iter().all(|cell| !cell.is_empty() && cell.chars().count() <= 100), "{row:?}");
    }
    let links: Vec<&str> = rows.iter().filter_map(|row| Some(row[0].split_once("](")?.1.split_once(')')?.0)).collect();
    let tests = git(&["grep", "--files-with-matches", "deploy/", "proof/e2e/*.rs"]);
    let tests: String = tests.lines().map(read).collect();
    let folders = git(&["ls-files", "deploy/*/*"]);
    for folder in links.iter().copied().chain(folders.lines().filter_map(|file| file.split('/').nth(1))) {
        assert!(links.contains(&folder), "no row of deploy/README.md links to {folder}");
        let files: Vec<&str> = folders.lines().filter(|file| file.starts_with(&format!("deploy/{folder}/"))).collect();
        assert!(files.contains(&format!("deploy/{folder}/README.md").as_str()), "{folder} has no README");
        assert!(files.len() > 1 || tests.contains(&format!("deploy/{folder}")), "{folder}: nothing to copy or to run");
    }
}

/// A cell can be read without scrolling.
#[test]
fn table_cells_are_short() {
    for page in ["README.md", "README.zh-CN.md", "deploy/README.md"] {
        for row in read(page).lines().filter(|line| line.starts_with("| ")) {
            let long = row.split(" | ").find(|cell| cell.chars().count() > 102);
            assert_eq!(long, None, "{page}");
        }
    }
}

#[test]
fn the_changelog_and_the_readme_have_this_version() {
    let version = env!("CARGO_PKG_VERSION");
    assert!(read("CHANGELOG.md").contains(&format!("## [{version}]")), "CHANGELOG.md");
    assert!(read("README.md").contains(&format!("pause {version}")), "README.md");
}

#[test]
fn shellcheck_finds_nothing_in_any_script() {
    if has("shellcheck") {
        // The installer's source, because the built script lacks the comments that direct shellcheck.
        let check = "shellcheck deploy/pause-install.sh && git ls-files '*.sh' .ci/run | \
                     grep -v ^deploy/pause-install.sh | xargs shellcheck -x --severity=warning";
        // Without a deadline: the larger scripts take it seconds.
        let check = std::process::Command::new("sh").args(["-c", check]).current_dir(root()).output();
        let check = check.expect("a shell");
        let said = String::from_utf8_lossy(&[check.stdout, check.stderr].concat()).into_owned();
        assert_eq!((check.status.code(), said.as_str()), (Some(0), ""));
    }
}

/// The shipped program depends on one crate.
#[test]
fn the_program_has_one_dependency() {
    let tree = std::process::Command::new(env!("CARGO"))
        .args(["tree", "--package=pause", "--features=product", "--edges=normal", "--prefix=none", "--format={p}"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let tree = String::from_utf8_lossy(&tree.stdout).into_owned();
    let crates: Vec<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(crates, ["pause", "linux-raw-sys"]);
}

/// Nothing that makes the product depends on what measures it, and `make test` runs the tests of every crate except
/// those that need container engines. docs/architecture.md draws the arrows.
#[test]
fn the_crates_depend_on_each_other_as_the_map_says() {
    let metadata = std::process::Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--locked", "--format-version=1"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let metadata: Value = serde_json::from_slice(&metadata.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let arrows = |package: &Value| {
        let dependencies = package["dependencies"].as_array().expect("dependencies").iter();
        let ours = dependencies.filter(|dependency| dependency["path"].is_string() && dependency["kind"] != "dev");
        let mut names: Vec<&str> = ours.map(|dependency| dependency["name"].as_str().expect("a name")).collect();
        names.sort_unstable();
        (package["name"].as_str().expect("a name").to_owned(), names.join(" "))
    };
    let mut found: Vec<(String, String)> = packages.iter().map(arrows).collect();
    found.sort();
    let expected = [
        ("bench", "build kit xtask"),
        ("build", ""),
        ("e2e", "build kit xtask"),
        ("faults", ""),       // all its code is a test
        ("instructions", ""), // so is all of this one's
        ("kit", "build"),
        ("pause", ""),
        ("pod", "build"),
        ("xtask", "build"),
    ];
    assert_eq!(found, expected.map(|(name, to)| (name.to_owned(), to.to_owned())));
    let ids = |list: &str| metadata[list].as_array().expect("a list").iter().map(Value::to_string).collect::<Vec<_>>();
    let tested = ids("workspace_default_members");
    let untested: Vec<String> = ids("workspace_members").into_iter().filter(|id| !tested.contains(id)).collect();
    assert!(matches!(&untested[..], [one] if one.contains("/proof/e2e#")), "default-members lacks {untested:?}");
}

/// xtask writes a file completely or leaves the old one as it was.
#[test]
fn a_full_disk_or_an_unwritable_target_leaves_what_was_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("pause.tar");
    let in_the_way = file.join("more");
    let error = || format!("{:#}", write(&in_the_way, b"new", 0o644).expect_err("it is no folder"));
    let full = || {
        // A disk of two pages, only for this thread.
        unshare(CloneFlags::CLONE_NEWNS).expect("a mount namespace");
        let none = None::<&str>;
        mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none).expect("private mounts");
        mount(Some("tmpfs"), folder.path(), Some("tmpfs"), MsFlags::empty(), Some("size=8k")).expect("a disk");
        write(&file, b"old", 0o644).expect("there is room");
        assert!(error().starts_with("cannot write "), "{}", error());
        let error = write(&file, &[0; 20_000], 0o644).expect_err("there is no room");
        assert!(format!("{error:#}").contains("pause.tar: No space left on device"), "{error:#}");
        assert_eq!(fs::read(&file).expect("a file"), b"old");
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing beside it");
    };
    if has_namespaces() {
        std::thread::scope(|scope| scope.spawn(full).join()).expect("no panic");
    }
}

fn git(arguments: &[&str]) -> String {
    let mut git = command([&["git"], arguments].concat());
    git.current_dir(root());
    let End { code, stdout, stderr } = run(git);
    assert_eq!(code, Some(0), "{stderr}");
    stdout
}

fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).expect(file)
}

fn quoted_lines(file: &str) -> Vec<String> {
    let lines = read(file);
    lines.lines().filter_map(|line| Some(line.trim().strip_prefix('"')?.strip_suffix("\",")?.to_owned())).collect()
}
