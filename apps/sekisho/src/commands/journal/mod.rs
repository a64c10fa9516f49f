//! `sekisho journal`: looking at what a switch remembers, also while it runs. Nothing here changes anything.

pub(crate) mod day;
pub(crate) mod facts;
mod list;
pub(crate) mod names;
pub(crate) mod opened;
mod progress;
mod show;
pub(crate) mod summary;
mod verify;
pub(crate) mod whereabouts;

use std::process::ExitCode;

/// What to look at.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Check every byte: heads, checksums, the hash chain, that nothing is missing
    Verify(verify::Args),
    /// List records
    Ls(list::Args),
    /// Show one record, or all records of one transaction
    Show(show::Args),
}

/// Does it. Exit: 0 done, 1 the journal is damaged or has no such record, 66 there is none, 78 the
/// configuration is wrong.
pub fn run(command: Command) -> ExitCode {
    let done = match command {
        Command::Verify(args) => verify::run(&args),
        Command::Ls(args) => list::run(&args),
        Command::Show(args) => show::run(&args),
    };
    done.unwrap_or_else(|failure| {
        eprintln!("{failure}");
        ExitCode::from(failure.exit_code())
    })
}
