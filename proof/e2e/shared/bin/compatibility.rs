//! `make compatibility`

use std::process::ExitCode;

fn main() -> ExitCode {
    match shared::compatibility::write_tables() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("compatibility: {error:#}");
            ExitCode::FAILURE
        }
    }
}
