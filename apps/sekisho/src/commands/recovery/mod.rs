//! `sekisho recovery`: what an unclean stop left, and the order to put it right.

mod begin;
mod plan;
mod stands;

use super::door::Which;
use super::link::door::Failure;
use std::process::ExitCode;

/// What to do; without a command, how it stands.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Exit: 0 done, or nothing to do · 3 no switch answers · 6 refused · 7 not finished in time · \
                        66 no journal there · 78 the configuration is wrong"
)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// Show what will be sent, message by message; works without a switch too (reads)
    #[arg(long)]
    plan: bool,
    #[command(flatten)]
    which: Which,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Tell hosts of everything owed, and wait until they were told (changes)
    Run(begin::Args),
}

/// Does it.
pub fn run(args: &Args) -> ExitCode {
    let done = match &args.command {
        Some(Command::Run(begin)) => begin::run(begin),
        None if args.plan => plan::run(&args.which, args.json),
        None => stands::run(&args.which, args.json),
    };
    done.unwrap_or_else(|failure: Failure| {
        eprintln!("{failure}");
        ExitCode::from(failure.exit_code())
    })
}
