//! `cargo xtask table`

use xtask::table::of_lines;

#[test]
fn columns_are_as_wide_as_their_widest_cell() {
    let table = "| peer  | size, µs |\n|-------|----------|\n| pause | 1        |\n|       | 20       |\n";
    assert_eq!(of_lines("peer|size, µs\npause|1\n|20\n").expect("a table"), table);
}

#[test]
fn lines_that_make_no_table_are_refused() {
    for (lines, said) in [
        ("", "no line with titles"),
        ("a|b\n1|2\n3\n", "not as many cells as titles: 3"),
        ("a|b\n1|2|3\n", "not as many cells as titles: 1|2|3"),
    ] {
        assert_eq!(of_lines(lines).expect_err("no table").to_string(), said);
    }
}
