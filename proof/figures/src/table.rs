//! A table in a document, and numbers in it.

use anyhow::{Result, ensure};

use crate::chinese::WORDS;

/// The titles of the columns, and the rows.
pub struct Table {
    titles: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Makes a table with as many cells in each row as there are titles.
    pub fn new(titles: &[&str], rows: Vec<Vec<String>>) -> Self {
        Self { titles: titles.iter().map(|&title| title.to_owned()).collect(), rows }
    }

    /// Writes the table in Markdown, with aligned columns; nothing without rows. What is the same in all rows is not a
    /// column, but a line after the table.
    pub fn markdown(&self, in_chinese: bool) -> Result<String> {
        let Self { titles, rows } = self;
        if rows.is_empty() {
            return Ok(String::new());
        }
        ensure!(rows.iter().all(|row| row.len() == titles.len()), "not as many cells as titles: {titles:?}");
        let said = |text: &str| WORDS.iter().find(|(english, _)| in_chinese && *english == text).map(|word| word.1);
        for title in titles.iter().filter(|title| in_chinese && !title.is_empty()) {
            ensure!(said(title).is_some(), "chinese.rs does not translate the title {title:?}");
        }
        let broken = titles.iter().chain(rows.iter().flatten()).find(|cell| cell.contains(['|', '\n']));
        ensure!(broken.is_none(), "a cell cannot contain this: {broken:?}");
        let said = |cell: &String| said(cell).unwrap_or(cell).to_owned();
        let is_same = |&column: &usize| rows.len() > 1 && rows.iter().all(|row| row[column] == rows[0][column]);
        let (same, columns): (Vec<usize>, Vec<usize>) = (0..titles.len()).partition(is_same);
        let line = |row: &Vec<String>| columns.iter().map(|&column| said(&row[column])).collect::<Vec<_>>();
        let lines: Vec<Vec<String>> = [titles].into_iter().chain(rows).map(line).collect();
        let widths: Vec<usize> =
            (0..columns.len()).map(|at| lines.iter().map(|line| width(&line[at])).max().unwrap_or(0)).collect();
        let mut text = String::new();
        for (at, line) in lines.iter().enumerate() {
            let cells =
                line.iter().zip(&widths).map(|(cell, most)| format!(" {cell}{} |", " ".repeat(most - width(cell))));
            text += &format!("|{}\n", cells.collect::<String>());
            if at == 0 {
                text += &format!("|{}\n", widths.iter().map(|width| "-".repeat(width + 2) + "|").collect::<String>());
            }
        }
        let same: Vec<String> =
            same.iter().map(|&column| format!("{} {}", said(&titles[column]), said(&rows[0][column]))).collect();
        match (same.is_empty(), in_chinese) {
            (true, _) => {}
            (_, false) => text += &format!("\nIn every row: {}.\n", same.join(", ")),
            (_, true) => text += &format!("\n各行相同：{}。\n", same.join("，")),
        }
        Ok(text)
    }
}

/// Returns how many columns of a terminal the text takes: a Chinese character takes two.
fn width(text: &str) -> usize {
    text.chars().map(|c| if c < '\u{2e80}' { 1 } else { 2 }).sum()
}

/// Formats the number with a comma before every three digits.
pub fn grouped(n: u64) -> String {
    match n {
        0..1000 => n.to_string(),
        _ => format!("{},{:03}", grouped(n / 1000), n % 1000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: &[[&str; 3]]) -> Table {
        Table::new(&["", "platform", "bytes"], rows.iter().map(|row| row.map(str::to_owned).to_vec()).collect())
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_and_differ_between_rows() {
        let rows = [["ours", "arm64", "1,332"], ["µs", "arm64", "33.1"]];
        let english =
            "|      | bytes |\n|------|-------|\n| ours | 1,332 |\n| µs   | 33.1  |\n\nIn every row: platform arm64.\n";
        assert_eq!(table(&rows).markdown(false).expect("a table"), english);
        let chinese = "|        | 字节  |\n|--------|-------|\n| 本项目 | 1,332 |\n| µs     | 33.1  |\n\n各行相同：平台 arm64。\n";
        assert_eq!(table(&rows).markdown(true).expect("a table"), chinese);
        let one = "|      | platform | bytes |\n|------|----------|-------|\n| ours | arm64    | 1,332 |\n";
        assert_eq!(table(&rows[..1]).markdown(false).expect("a table"), one);
    }

    #[test]
    fn what_makes_no_table_is_refused() {
        let error = |table: Table| table.markdown(true).expect_err("no table").to_string();
        assert_eq!(error(table(&[["a|b", "", ""]])), "a cell cannot contain this: Some(\"a|b\")");
        assert_eq!(error(Table::new(&["a"], vec![vec![]])), "not as many cells as titles: [\"a\"]");
        assert_eq!(
            error(Table::new(&["unknown"], vec![vec![String::new()]])),
            "chinese.rs does not translate the title \"unknown\""
        );
    }
}
