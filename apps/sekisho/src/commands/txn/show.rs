//! `sekisho txn show`

use super::life::Life;
use crate::commands::journal::opened::{Failure, Opened};
use crate::commands::journal::whereabouts::Whereabouts;
use crate::commands::paper::Paper;
use std::path::Path;
use std::process::ExitCode;
use terms::TxnId;

/// Which transaction, and how.
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "sekisho txn show [OPTIONS] [DIR] <ID>",
    after_help = "Exit: 0 shown · 1 the journal is damaged · 5 no such transaction · 66 no journal there"
)]
pub struct Args {
    /// The data directory (may be left out), then the number of a transaction
    #[arg(num_args = 1..=2, required = true, value_names = ["DIR", "ID"])]
    what: Vec<String>,
    #[command(flatten)]
    whereabouts: Whereabouts,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Does it.
pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let (id, named) = match args.what.as_slice() {
        [id] => (id, None),
        [named, id, ..] => (id, Some(Path::new(named))),
        [] => return Err(Failure::NoNumber { said: String::new() }),
    };
    let number = id.strip_prefix("txn:").unwrap_or(id);
    let number = number.parse().map_err(|_| Failure::NoNumber { said: id.clone() })?;
    let mut opened = Opened::at(args.whereabouts.directory(named)?)?;
    let life = Life::read(&mut opened, TxnId(number))?;
    let mut paper = Paper::new();
    match args.json {
        true => paper.json(&life.json()),
        false => life.print(&mut paper),
    }
    Ok(ExitCode::SUCCESS)
}
