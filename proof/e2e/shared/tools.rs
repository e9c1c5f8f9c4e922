//! Runs tools to their end.

use std::process::{Command, Output};

use build::root;

/// Runs a program in the folder of the project. Returns what it prints on stdout if it succeeds, otherwise all its
/// output.
pub fn run(program: &str, arguments: &[&str]) -> Result<String, String> {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    build::output(&mut command).map_err(|error| format!("{error:#}"))
}

/// The same as [`run`], for a program that must succeed.
pub fn ok(program: &str, arguments: &[&str]) -> String {
    run(program, arguments).unwrap_or_else(|error| panic!("{error}"))
}

/// How a command ended whose stderr goes to its stdout: its exit status, and all that it said.
pub fn end(output: &Output) -> (i32, String) {
    (output.status.code().expect("no signal"), String::from_utf8_lossy(&output.stdout).into_owned())
}
