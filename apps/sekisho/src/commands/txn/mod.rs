//! `sekisho txn`: transactions as the journal knows them, also while a switch runs. Nothing here changes anything.

mod choice;
mod collect;
mod find;
pub(crate) mod life;
mod list;
mod reasons;
mod row;
mod show;
mod tail;

use super::journal::opened::Failure;
use crate::exit;
use std::process::ExitCode;

/// What to look at.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List transactions, the newest last
    Ls(list::Args),
    /// Show one from first byte to last, with the reason of each decision
    Show(show::Args),
    /// Print transactions as they are decided, until interrupted
    Tail(tail::Args),
    /// Find transactions by what a receipt or a host's report says
    Find(find::Args),
}

/// Does it. Exit: 0 done, 1 the journal is damaged, 5 no such transaction, 66 there is no journal, 78 the
/// configuration is wrong.
pub fn run(command: Command) -> ExitCode {
    let done = match command {
        Command::Ls(args) => list::run(&args),
        Command::Show(args) => show::run(&args),
        Command::Tail(args) => tail::run(&args),
        Command::Find(args) => find::run(&args),
    };
    done.unwrap_or_else(|failure| {
        eprintln!("{failure}");
        ExitCode::from(match failure {
            Failure::Nothing { .. } => exit::NO_SUCH_THING,
            other => other.exit_code(),
        })
    })
}
