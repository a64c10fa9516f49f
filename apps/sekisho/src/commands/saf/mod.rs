//! `sekisho saf`: messages owed to hosts, and what a person may do about them.

mod door;
mod ledger;
mod list;
mod rule;
mod show;

pub(crate) use list::{amount_of, every};

pub(crate) use list::span;

use std::process::ExitCode;

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List owed messages, the oldest first (reads)
    Ls(list::Args),
    /// Show one owed message and everything that happened to its transaction (reads)
    Show(show::Args),
    /// Send it now instead of at its next turn (changes)
    Retry(rule::Args),
    /// Do not send it until it is released (changes)
    Hold(rule::Args),
    /// Send what was held (changes)
    Release(rule::Args),
    /// It was settled by hand: never send it again (money)
    Settle(rule::SettleArgs),
}

/// Does it. Exit: 0 done or already so, 3 no switch answers, 5 no such message, 6 refused as things stand, 8
/// not known whether it was done, 66 no journal there, 78 the configuration is wrong.
pub fn run(command: Command) -> ExitCode {
    use journal::Ruling;
    let done = match command {
        Command::Ls(args) => list::run(&args),
        Command::Show(args) => show::run(&args),
        Command::Retry(args) => rule::run(&args, Ruling::Retry, None),
        Command::Hold(args) => rule::run(&args, Ruling::Hold, None),
        Command::Release(args) => rule::run(&args, Ruling::Release, None),
        Command::Settle(args) => rule::run(&args.order, Ruling::Settle, args.ended),
    };
    done.unwrap_or_else(|failure| {
        eprintln!("{failure}");
        ExitCode::from(failure.exit_code())
    })
}
