//! `make compatibility`

use std::process::ExitCode;

fn main() -> ExitCode {
    match engines::compatibility::write_tables() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("compatibility: {error:#}");
            ExitCode::FAILURE
        }
    }
}
