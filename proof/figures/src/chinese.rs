//! The words of the tables in the Chinese pages.

/// A title or a cell, and its translation. A title needs one; other cells stay as they are without.
pub const WORDS: &[(&str, &str)] = &[
    // platforms
    ("platform", "平台"),
    ("bytes", "字节"),
];
