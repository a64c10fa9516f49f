//! The one binary: parse the command line, do what it says, exit with a code that scripts can trust.

use clap::Parser;
use sekisho::cli::Cli;
use std::process::ExitCode;

fn main() -> ExitCode {
    Cli::parse().command.run()
}
