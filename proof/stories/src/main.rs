//! The program under the name Cargo tells these tests: the same library, the same first line.

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    sekisho::cli::Cli::parse().command.run()
}
