//! `sekisho recon`: totals of days: counted from the journal, and compared with hosts.

mod door;
mod run;
mod show;
mod status;
mod verify;

use std::process::ExitCode;

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Which days balance with their hosts, which do not, both sides of each difference (reads)
    Status(status::Args),
    /// Compare the totals of a day now, or once more (changes)
    Run(run::Args),
    /// Show the totals of each day with each host, counted from the journal (reads)
    Show(show::Args),
}

/// Does it. Exit: 0 done, 1 the journal is damaged or something is out of balance, 66 there is no journal, 78 the
/// configuration is wrong.
pub fn run(command: Command) -> ExitCode {
    let done = match command {
        Command::Status(args) => status::run(&args),
        Command::Run(args) => run::run(&args),
        Command::Show(args) => show::run(&args),
    };
    done.unwrap_or_else(|failure| {
        eprintln!("{failure}");
        ExitCode::from(failure.exit_code())
    })
}
