use std::process::ExitCode;

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub enum Command {}

/// Does it.
pub fn run(command: Command) -> ExitCode {
    match command {}
}
