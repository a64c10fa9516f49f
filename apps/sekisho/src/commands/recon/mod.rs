//! `sekisho recon`: totals to compare with hosts, counted from the journal. Nothing here changes anything.

mod show;

use std::process::ExitCode;

/// What to look at.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Show the totals of each day with each host
    Show(show::Args),
}

/// Does it. Exit: 0 done, 1 the journal is damaged, 66 there is no journal, 78 the configuration is wrong.
pub fn run(command: Command) -> ExitCode {
    let Command::Show(args) = command;
    show::run(&args).unwrap_or_else(|failure| {
        eprintln!("{failure}");
        ExitCode::from(failure.exit_code())
    })
}
