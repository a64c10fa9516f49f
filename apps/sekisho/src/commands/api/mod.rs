//! `sekisho api`: who may call over TCP, and what they find there.

mod key;

use std::process::ExitCode;

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Keys of callers over TCP: make one, list them, take one away
    #[command(subcommand)]
    Key(key::Command),
}

/// Does it. Exit: 0 done, 5 nobody of that name, 6 refused, 73 the file cannot be written, 78 the configuration or
/// the file is wrong.
pub fn run(command: Command) -> ExitCode {
    match command {
        Command::Key(command) => key::run(command),
    }
}
