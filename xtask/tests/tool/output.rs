//! How the tool runs programs.

use std::process::Command;

use build::output;

#[test]
fn a_program_that_fails_is_named_with_what_it_said() {
    let shell = |script: &str| output(Command::new("sh").args(["-c", script])).map_err(|error| format!("{error:#}"));
    assert_eq!(shell("echo found"), Ok("found\n".to_owned()));
    let failed = "`sh -c echo found; echo why >&2; exit 3` failed, exit status: 3: found\nwhy";
    assert_eq!(shell("echo found; echo why >&2; exit 3"), Err(failed.to_owned()));
    assert_eq!(shell("exit 3"), Err("`sh -c exit 3` failed, exit status: 3".to_owned()));
    let missing = output(Command::new("no-such-program").arg("x")).expect_err("it is missing");
    assert_eq!(format!("{missing:#}"), "cannot run `no-such-program x`: No such file or directory (os error 2)");
}
