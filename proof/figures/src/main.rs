//! `cargo figures`

use std::env;
use std::process::ExitCode;

use anyhow::Result;
use figures::compatibility;
use figures::pages::Pages;

const USAGE: &str = "\
Usage: cargo figures [--check | --compatibility]
  Writes the tables of all documents from proof/figures/samples, and names those that were measured with another pause
  than the one in digests.txt.
  --check          writes nothing; fails if a document is out of date
  --compatibility  first keeps what make e2e, engines and node ran, if all of it passed";

fn main() -> ExitCode {
    let arguments: Vec<String> =
        env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned()).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        [] => figures(Pages::write),
        ["--check"] => figures(Pages::check),
        ["--compatibility"] => compatibility::keep().and_then(|()| figures(Pages::write)),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("figures: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn figures(act: fn(&Pages) -> Result<()>) -> Result<()> {
    let pages = Pages::new()?;
    eprint!("{}", pages.old());
    act(&pages)
}
