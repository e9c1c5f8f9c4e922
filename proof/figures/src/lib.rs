//! What was measured, and the figures in the documents that follow from it. The crates that measure keep samples in
//! samples/; [`pages`] writes all tables.

pub mod bars;
mod chinese;
pub mod compatibility;
pub mod cost;
pub mod kept;
mod kernels;
pub mod pages;
pub mod samples;
mod sentences;
pub mod suites;
mod table;
pub mod tables;

use anyhow::{Context, Result};
use xtask::binaries::{self, Binary};

use samples::Results;
use table::{Table, grouped};

/// A figure in a page.
struct Figure {
    /// Its name in the page's markers.
    name: &'static str,
    content: Content,
    /// The digests of the pauses that were measured; none if it is computed.
    digests: Vec<String>,
    /// The command that measures again.
    by: &'static str,
}

enum Content {
    Table(Table),
    /// Text that has no translation.
    Text(String),
    /// In English and in Chinese.
    Sentence([String; 2]),
}

impl From<Table> for Content {
    fn from(table: Table) -> Self {
        Self::Table(table)
    }
}

impl From<String> for Content {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<[String; 2]> for Content {
    fn from(sentence: [String; 2]) -> Self {
        Self::Sentence(sentence)
    }
}

/// Makes all figures.
fn all() -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    let mut add = |by, digests: &[&str], name, content| {
        let digests = digests.iter().map(|&digest| digest.to_owned()).collect();
        figures.push(Figure { name, content, digests, by });
    };
    let run: Results = kept::read("bench.json")?;
    let built = binaries::of("")?;
    let run = run.with_sizes_of(&built)?;
    let contents: [(_, Content); 10] = [
        ("headline", sentences::headline(&run)?.into()),
        ("benchmarks-summary", tables::summary(&run)?.into()),
        ("benchmarks-machine", tables::machine(&run).into()),
        ("benchmarks-peers", tables::about(&run).into()),
        ("benchmarks-bars", tables::bars(&run).into()),
        ("benchmarks-memory", tables::memory(&run).into()),
        ("benchmarks-pods", tables::pods(&run).into()),
        ("benchmarks-start", tables::starts(&run).into()),
        ("benchmarks-sizes", tables::sizes(&run).into()),
        ("benchmarks-reaping", tables::reaping(&run).into()),
    ];
    contents.into_iter().for_each(|(name, content)| add("make bench", &[&run.digest], name, content));
    let v2: Results = kept::read("bench-v2.json")?;
    add("make bench-v2", &[&v2.digest], "benchmarks-machine-v2", tables::machine(&v2).into());
    add("make bench-v2", &[&v2.digest], "benchmarks-memory-v2", tables::memory(&v2).into());

    let by = "make e2e engines cluster node compatibility";
    let runs: Vec<compatibility::Run> = kept::read(compatibility::FILE)?;
    let digests: Vec<&str> = runs.iter().map(|run| &*run.digest).collect();
    add(by, &digests, "compatibility", compatibility::table(&runs).into());
    add(by, &digests, "compatibility-runs", compatibility::list(&runs).into());
    let costs: Vec<cost::Cost> = kept::read(cost::FILE)?;
    let digests: Vec<&str> = costs.iter().map(|cost| &*cost.digest).collect();
    add(by, &digests, "benchmarks-sandbox", cost::table(&costs).into());
    add(by, &digests, "sandbox", sentences::sandbox(&costs)?.into());

    let suites: Vec<suites::Suite> = kept::read(suites::FILE)?;
    let digests: Vec<&str> = suites.iter().map(|suite| &*suite.digest).collect();
    add("make suites SUITES=--save", &digests, "suites", suites::table(&suites).into());
    add("make suites SUITES=--save", &digests, "suites-tests", suites::lists(&suites).into());

    let text = kept::text(kernels::FILE)?;
    let boots = kernels::boots(&text)?;
    let digests: Vec<&str> = boots.iter().map(|boot| boot[4]).collect();
    add("make kernels KERNELS=--save", &digests, "kernels", kernels::tested(&boots).into());
    add("make kernels KERNELS=--save", &digests, "memory-pages", kernels::memory(&boots).into());

    add("", &[], "states", states()?.into());
    add("", &[], "platforms", platforms(&built).into());
    Ok(figures)
}

/// Shows the states of pause in the model of proof/instructions, whose test compares them.
fn states() -> Result<Table> {
    let text = kept::text("states.txt")?;
    let mut lines = text.lines().map(|line| line.split('|').collect::<Vec<_>>());
    let titles = lines.next().context("states.txt is empty")?;
    Ok(Table::new(&titles, lines.map(|line| line.into_iter().map(str::to_owned).collect()).collect()))
}

/// Shows the sizes of the binaries.
fn platforms(built: &[Binary]) -> Table {
    let row = |binary: &Binary| vec![format!("`{}`", binary.arch.platform()), grouped(binary.bytes.len() as u64)];
    Table::new(&["platform", "bytes"], built.iter().map(row).collect())
}
