//! `sekisho key`: keys by reference and check value, and what people may do about them. Nothing here prints a key.

mod adopt;
mod exchange;
mod failure;
mod list;
mod make;
mod order;
pub(crate) mod person;
pub(crate) mod place;

pub(crate) use failure::{of_ceremony, of_fault, of_module, of_store};
pub(crate) use make::{Shape, add};
pub(crate) use order::role;

use super::link::door::Failure;
use std::process::ExitCode;

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// All keys: owner, purpose, generation, state, check value (reads)
    Ls(list::Args),
    /// One owner's keys, those that are over too (reads)
    Show(list::ShowArgs),
    /// Draw a key; it is in force once its check value is confirmed (changes)
    Generate(make::GenerateArgs),
    /// Take a key into the books that lies in a token already (changes)
    Adopt(adopt::AdoptArgs),
    /// Take a key from under a transport key; the cryptogram comes from standard input (changes)
    Import(make::ImportArgs),
    /// Put a key under a transport key for its other owner; takes two people (changes)
    Export(make::ExportArgs),
    /// Exchange keys with a host over its link, and wait for the end (changes)
    Exchange(exchange::Args),
    /// Confirm a key's check value and bring it into force, now or at a moment (changes)
    Activate(order::ActivateArgs),
    /// Go back to the key before, as long as its overlap lasts; takes two people (changes)
    Rollback(order::Args),
    /// Let nothing pass under a key (changes)
    Suspend(order::Args),
    /// Let a suspended key go on; takes two people (changes)
    Resume(order::Args),
    /// Somebody else may know it: it is never used again, nor what went under it (changes)
    Compromise(order::CompromiseArgs),
    /// Erase a key that is not in force (changes)
    Destroy(order::DestroyArgs),
}

/// Does it. Exit: 0 done, 4 a second person is needed, 5 no such key, 6 refused, 65 a key or check value that makes
/// no sense, 73 the store cannot be written, 78 the store or the configuration is wrong.
pub fn run(command: Command) -> ExitCode {
    let done = match command {
        Command::Ls(args) => list::run(&args),
        Command::Show(args) => list::show(&args),
        Command::Generate(args) => make::generate(&args),
        Command::Adopt(args) => adopt::adopt(&args),
        Command::Import(args) => make::import(&args),
        Command::Export(args) => make::export(&args),
        Command::Exchange(args) => exchange::run(&args),
        Command::Activate(args) => order::activate(&args),
        Command::Rollback(args) => order::rollback(&args),
        Command::Suspend(args) => order::suspend(&args),
        Command::Resume(args) => order::resume(&args),
        Command::Compromise(args) => order::compromise(&args),
        Command::Destroy(args) => order::destroy(&args),
    };
    ended(done)
}

pub(crate) fn ended(done: Result<ExitCode, Failure>) -> ExitCode {
    done.unwrap_or_else(|failure| {
        eprintln!("{failure}");
        ExitCode::from(failure.exit_code())
    })
}
