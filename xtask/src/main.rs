//! `cargo xtask VERB`

use std::env;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use build::arch::Arch;
use build::write;
use xtask::{dist, reference, release, tidy};

const USAGE: &str = "\
Usage: cargo xtask VERB
  build   build pause for this machine
  dist    build pause for every platform, with checksums and a bill of materials, into dist/
  image [NAME TAG [PLATFORMS]]
          build the image of all platforms, or of PLATFORMS such as linux/amd64,linux/arm64:
          dist/pause.tar and dist/pause-install.sh, and a .gz of each
  archive FILE
          write the image of all platforms to FILE, and nothing into dist/
  digests print the digests of all of these, in the format of digests.txt
  tidy    check the documents, the scripts, and whatever must be the same in several places
  release X.Y.Z
          set the version in every file, and print the steps that remain to be done by hand";

fn main() -> ExitCode {
    let args: Vec<String> = env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match args[..] {
        ["build"] => Arch::here().and_then(build::pause).map(|file| println!("{}", file.display())),
        ["dist"] => dist::write_binaries(),
        ["digests"] => {
            dist::digests().map(|digests| digests.iter().for_each(|(name, digest)| println!("{digest}  {name}")))
        }
        ["image"] => image(reference::NAME, reference::TAG, ""),
        ["image", name, tag] => image(name, tag, ""),
        ["image", name, tag, platforms] => image(name, tag, platforms),
        ["archive", file] => dist::archive().and_then(|bytes| write(Path::new(file), &bytes, 0o644)),
        ["tidy"] => tidy::all(),
        ["release", version] => release::release(build::root(), version).map(|left| println!("{left}")),
        ["-h" | "--help"] => return say(USAGE),
        _ => {
            eprintln!("xtask: no such verb or argument: {:?}; see cargo xtask --help", args.join(" "));
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn image(name: &str, tag: &str, platforms: &str) -> Result<()> {
    dist::write_image(&reference::parse(name, tag)?, platforms)
}

fn say(text: &str) -> ExitCode {
    println!("{text}");
    ExitCode::SUCCESS
}
