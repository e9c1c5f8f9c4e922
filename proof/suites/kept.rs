//! Results that are kept, so that an interrupted run goes on, in the cache that outlives the clone.

use std::path::{Path, PathBuf};
use std::time::Instant;
use std::{env, fs};

use build::{root, write};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Outcomes, Part};

/// The archive of a pause that images.sh made.
pub fn archive(pause: &str) -> PathBuf {
    root().join("target/suites/pauses").join(pause).with_extension("tar")
}

/// Where a suite leaves what it said in its last run with the pause in an archive.
pub fn report(part: &Part, pause: &Path) -> PathBuf {
    let reports = root().join("target/suites/reports");
    fs::create_dir_all(&reports).expect("a folder");
    reports.join(format!("{}, {}", part.name, pause.file_stem().expect("a name").display()))
}

/// How the tests end with a pause, which this runs if that is not kept.
pub fn outcomes(part: &Part, pause: &str) -> Outcomes {
    or(&key(part, pause), || run(part, pause, &[]))
}

/// How these tests, or all, end now.
pub fn run(part: &Part, pause: &str, only: &[String]) -> Outcomes {
    let number = if only.is_empty() { "all".to_owned() } else { only.len().to_string() };
    println!("{}, {pause}: running {number} tests", part.name);
    let start = Instant::now();
    let outcomes = (part.run)(part, &archive(pause), only);
    println!("{}, {pause}: {} minutes", part.name, start.elapsed().as_secs() / 60);
    outcomes
}

/// What tells results apart: the programs of suite and engine, the images, and how they are run.
pub fn key(part: &Part, pause: &str) -> String {
    let mut script = "set -e; sha256sum proof/suites/serve.sh target/suites/images ".to_owned();
    script += &archive(pause).to_string_lossy();
    for program in part.programs {
        script += &format!(" target/engines/{program}/*");
    }
    let digests = shared::ok("sh", &["-c", &script]);
    xtask::sha256(format!("{}{}{digests}", part.name, part.source).as_bytes())
}

/// What is kept under this key, or else what `make` makes, which then is kept.
pub fn or<T: Serialize + DeserializeOwned>(key: &str, make: impl FnOnce() -> T) -> T {
    kept(key).unwrap_or_else(|| {
        let made = make();
        write(&file(key), &serde_json::to_vec_pretty(&made).expect("JSON"), 0o644).expect("a file");
        made
    })
}

/// What is kept under this key.
pub fn kept<T: DeserializeOwned>(key: &str) -> Option<T> {
    serde_json::from_slice(&fs::read(file(key)).ok()?).ok()
}

/// In the folder that proof/packages/fetch.sh calls $kept.
fn file(key: &str) -> PathBuf {
    let cache = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || PathBuf::from(env::var_os("HOME").unwrap_or_else(|| "/root".into())).join(".cache");
    cache.unwrap_or_else(home).join("pause/suites").join(&key[..16]).with_extension("json")
}
