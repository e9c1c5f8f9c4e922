//! The kernels on which pause was tested, and its memory there. kernels-boot.sh writes a line per boot, with a |
//! between its cells: architecture, kernel, release of Debian, size of a page, digest of pause, and for each program
//! whose memory was measured its name and KiB.

use anyhow::{Result, ensure};

use crate::table::Table;

/// The cells of a boot.
pub type Boot<'a> = Vec<&'a str>;

/// The file of the boots, in the order of kernels-machines, then of releases.
pub const FILE: &str = "kernels.txt";

/// Parses the boots in this text.
pub fn boots(text: &str) -> Result<Vec<Boot<'_>>> {
    let boots: Vec<Boot> = text.lines().map(|line| line.split('|').collect()).collect();
    let short = boots.iter().find(|boot| boot.len() < 5);
    ensure!(short.is_none(), "{FILE}: less than five cells: {short:?}");
    Ok(boots)
}

/// Makes the table of all boots.
pub fn tested(boots: &[Boot]) -> Table {
    let rows = boots.iter().map(|boot| boot[..4].iter().map(|&cell| cell.to_owned()).collect());
    Table::new(&["architecture", "kernel", "Debian", "page size"], rows.collect())
}

/// Shows the memory of each program, on the newest kernel of each architecture and page size.
pub fn memory(boots: &[Boot]) -> Table {
    let mut newest: Vec<&Boot> = Vec::new();
    for boot in boots {
        match newest.iter_mut().find(|other| (other[0], other[3]) == (boot[0], boot[3])) {
            Some(older) => *older = boot,
            None => newest.push(boot),
        }
    }
    let rows = newest.into_iter().flat_map(|boot| {
        boot[5..].iter().map(|program| {
            let (name, kib) = program.split_once(": ").unwrap_or_default();
            [boot[0], boot[3], boot[1], name].into_iter().chain(kib.split(' ')).map(str::to_owned).collect()
        })
    });
    let titles = ["architecture", "page size", "kernel", "program", "RSS, KiB", "page tables", "private", "shared"];
    Table::new(&titles, rows.collect())
}
