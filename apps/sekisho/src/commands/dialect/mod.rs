//! `sekisho dialect`: message formats as data.

pub(crate) mod find;

use std::process::ExitCode;

/// What to do with message formats.
#[derive(Debug, clap::Subcommand)]
pub enum Command {}

/// Does it.
pub fn run(command: Command) -> ExitCode {
    match command {}
}
