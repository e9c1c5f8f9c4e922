//! Makes the tables in docs/fragments from the stored runs.

use std::path::PathBuf;

use anyhow::Result;
use build::root;

use crate::samples::Results;
use crate::tables;

/// The path and text of each file.
pub fn all() -> Result<Vec<(PathBuf, String)>> {
    let (run, run_v2) = (Results::kept()?, Results::kept_v2()?);
    let fragments = [
        ("summary", tables::summary(&run)?),
        ("machine", tables::machine(&run)),
        ("peers", tables::about(&run)),
        ("bars", tables::bars(&run)),
        ("memory", tables::memory(&run)),
        ("machine-v2", tables::machine(&run_v2)),
        ("memory-v2", tables::memory(&run_v2)),
        ("pods", tables::pods(&run)),
        ("start", tables::starts(&run)),
        ("sizes", tables::sizes(&run)),
        ("reaping", tables::reaping(&run)),
    ];
    let docs = root().join("docs");
    let fragment = |(name, text): (&str, String)| {
        (docs.join(format!("fragments/benchmarks-{name}.md")), format!("{}\n", text.trim_end()))
    };
    Ok(fragments.into_iter().map(fragment).collect())
}

/// Writes all files, or none if one cannot be made.
pub fn write_all() -> Result<()> {
    for (path, text) in all()? {
        build::write(&path, text.as_bytes(), 0o644)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    /// A change of a table or the samples must regenerate the files.
    #[test]
    fn the_fragments_follow_from_the_samples() {
        for (path, text) in super::all().unwrap_or_else(|error| panic!("{error:#}")) {
            let is = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(is == text, "{} is out of date: run `make bench BENCH=--docs`", path.display());
        }
    }
}
