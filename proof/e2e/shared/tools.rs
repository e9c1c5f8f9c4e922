//! Runs tools to their end.

use std::process::Command;

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
