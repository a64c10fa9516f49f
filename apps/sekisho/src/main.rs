//! The one binary: parse the command line, do what it says, exit with a code that scripts can trust.

use clap::Parser;
use sekisho::cli::Cli;
use sekisho::fx;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut words = std::env::args_os();
    // Called by an old name, it is the old tool.
    match words.next().and_then(|called| fx::Name::of(Path::new(&called))) {
        Some(name) => fx::called(name, words.collect()),
        None => Cli::parse().command.run(),
    }
}
