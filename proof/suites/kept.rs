//! Stores results in the cache that outlives the clone, so that an interrupted run can continue.

use std::path::{Path, PathBuf};
use std::time::Instant;
use std::{env, fs};

use build::{root, write};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Outcomes, Part};

/// Returns the archive of a pause that images.sh made.
pub fn archive(pause: &str) -> PathBuf {
    root().join("target/suites/pauses").join(pause).with_extension("tar")
}

/// Returns the file for the report of a suite's last run with the pause in an archive.
pub fn report(part: &Part, pause: &Path) -> PathBuf {
    let reports = root().join("target/suites/reports");
    fs::create_dir_all(&reports).expect("a folder");
    reports.join(format!("{}, {}", part.name, pause.file_stem().expect("a name").display()))
}

/// Returns how the tests end with a pause, and runs them if that is not stored.
pub fn outcomes(part: &Part, pause: &str) -> Outcomes {
    or(&key(part, pause), || run(part, pause, &[]))
}

/// Runs these tests, or all, and returns how they end.
pub fn run(part: &Part, pause: &str, only: &[String]) -> Outcomes {
    let number = if only.is_empty() { "all".to_owned() } else { only.len().to_string() };
    println!("{}, {pause}: running {number} tests", part.name);
    let start = Instant::now();
    let outcomes = (part.run)(part, &archive(pause), only);
    println!("{}, {pause}: {} minutes", part.name, start.elapsed().as_secs() / 60);
    outcomes
}

/// Returns a digest of what results depend on: the programs of suite and engine, the images, and how they are run.
pub fn key(part: &Part, pause: &str) -> String {
    let mut script = format!("sha256sum proof/suites/serve.sh target/suites/images target/suites/pauses/{pause}.tar");
    for program in part.programs {
        script += &format!(" target/engines/{program}/*");
    }
    let digests = shared::ok("sh", &["-c", &script]);
    xtask::sha256(format!("{}{}{digests}", part.name, part.source).as_bytes())
}

/// Returns what is stored under this key. If nothing is, stores and returns what `make` returns.
pub fn or<T: Serialize + DeserializeOwned>(key: &str, make: impl FnOnce() -> T) -> T {
    kept(key).unwrap_or_else(|| {
        let made = make();
        write(&file(key), &serde_json::to_vec_pretty(&made).expect("JSON"), 0o644).expect("a file");
        made
    })
}

/// Returns what is stored under this key.
pub fn kept<T: DeserializeOwned>(key: &str) -> Option<T> {
    serde_json::from_slice(&fs::read(file(key)).ok()?).ok()
}

/// Returns the file for a key, in the directory that proof/packages/fetch.sh calls $kept.
fn file(key: &str) -> PathBuf {
    let cache = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || PathBuf::from(env::var_os("HOME").unwrap_or_else(|| "/root".into())).join(".cache");
    cache.unwrap_or_else(home).join("pause/suites").join(&key[..16]).with_extension("json")
}
