//! Runs tools to their end.

use std::path::Path;
use std::process::{Command, Output};

use build::root;
use kit::skip::{does_not_apply, is_installed};

/// Runs a program in the project's directory. Returns its stdout if it succeeds, otherwise an error that contains all
/// of its output.
pub fn run(program: &str, arguments: &[&str]) -> Result<String, String> {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    build::output(&mut command).map_err(|error| format!("{error:#}"))
}

/// Runs a program as [`run`] does, which must succeed.
pub fn ok(program: &str, arguments: &[&str]) -> String {
    run(program, arguments).unwrap_or_else(|error| panic!("{error}"))
}

/// Makes an image of one program in this machine's Docker, unless it is there. `changes` are arguments of
/// `docker import`.
pub fn make_image(program: &Path, path: &str, changes: &str, name: &str) {
    if run("docker", &["image", "inspect", name]).is_err() {
        let (folder, file) = (program.parent().expect("a folder"), program.file_name().expect("a name"));
        let tar = format!("tar -C {} -c --transform='s|.*|{path}|' {}", folder.display(), file.display());
        ok("sh", &["-c", &format!("{tar} | docker import {changes} - {name}")]);
    }
}

/// Returns how a command ended whose stderr goes to its stdout: its exit status, and all of its output.
pub fn end(output: &Output) -> (i32, String) {
    (output.status.code().expect("no signal"), String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Returns whether cargo is installed, which make needs. The machine of `make node` lacks it; its dist/ is built
/// outside.
pub fn has_cargo() -> bool {
    let found = is_installed("cargo");
    if !found {
        does_not_apply("there is no cargo, which make needs");
    }
    found
}
