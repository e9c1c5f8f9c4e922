//! `cargo xtask table`: formats tables and numbers for the documents.

use anyhow::{Context, Result, ensure};

/// A table in Markdown, with aligned columns.
pub fn table(titles: &[&str], rows: Vec<Vec<String>>) -> String {
    let titles: Vec<String> = titles.iter().map(|&title| title.to_owned()).collect();
    let width = |column: usize| rows.iter().chain([&titles]).map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..titles.len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!(" {cell:width$} |"));
        format!("|{}\n", cells.collect::<String>())
    };
    let rule: String = widths.iter().map(|width| format!("{}|", "-".repeat(width + 2))).collect();
    format!("{}|{rule}\n{}", line(&titles), rows.iter().map(line).collect::<String>())
}

/// The table of these lines, which have a | between their cells; the titles are on the first.
pub fn of_lines(lines: &str) -> Result<String> {
    let cells = |line: &str| line.split('|').map(str::to_owned).collect::<Vec<_>>();
    let mut rows = lines.lines().map(cells);
    let titles = rows.next().context("no line with titles")?;
    let rows: Vec<Vec<String>> = rows.collect();
    let other = rows.iter().find(|row| row.len() != titles.len());
    ensure!(other.is_none(), "not as many cells as titles: {}", other.unwrap_or(&titles).join("|"));
    Ok(table(&titles.iter().map(String::as_str).collect::<Vec<_>>(), rows))
}

/// The number with a comma before every three digits.
pub fn grouped(n: u64) -> String {
    match n {
        0..1000 => n.to_string(),
        _ => format!("{},{:03}", grouped(n / 1000), n % 1000),
    }
}
