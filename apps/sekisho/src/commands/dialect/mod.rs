//! `sekisho dialect`: message formats as data.

mod check;
pub(crate) mod find;
mod import;
mod list;
mod show;

use std::process::ExitCode;

/// What to do with message formats.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List the dialects that come with the switch
    Ls(list::Args),
    /// Show all a dialect says: elements, messages, codes, matching, MAC
    Show(show::Args),
    /// Look for what is wrong in dialect files, with the line
    Check(check::Args),
    /// Make a dialect file from a jPOS packager (XML) or a moov-io spec (JSON)
    Import(import::Args),
}

/// Does it. Exit: 0 done, 1 the answer is no, 66 no such dialect or file, 73 the output cannot be made, 78 the
/// dialect file is wrong.
pub fn run(command: Command) -> ExitCode {
    match command {
        Command::Ls(args) => list::run(&args),
        Command::Show(args) => show::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Import(args) => import::run(&args),
    }
}
