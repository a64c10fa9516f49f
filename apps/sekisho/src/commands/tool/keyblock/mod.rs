//! `sekisho tool keyblock`

mod open;
mod wrap;

use std::process::ExitCode;

/// What to do with a key block.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Check a key block and show what is in it
    Open(open::Args),
    /// Make a key block of a key
    Wrap(wrap::Args),
}

/// Does it.
pub(super) fn run(command: &Command) -> ExitCode {
    match command {
        Command::Open(args) => open::run(args),
        Command::Wrap(args) => wrap::run(args),
    }
}
