//! `sekisho txn find`

use super::choice::Choice;
use super::collect::Collection;
use super::list::{gather, print};
use crate::commands::journal::opened::{Failure, Opened};
use crate::commands::journal::whereabouts::Whereabouts;
use std::path::PathBuf;
use std::process::ExitCode;

/// Found at most; a search that finds more says too little.
const FOUND_MAX: usize = 1_000;

/// What is known of the transaction. All of it must hold.
#[derive(Debug, clap::Args)]
#[command(
    group = clap::ArgGroup::new("known").required(true).multiple(true)
        .args(["terminal", "stan", "rrn", "pan_last4", "txn"]),
    after_help = "Exit: 0 found · 5 there is none"
)]
pub struct Args {
    /// The data directory
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
    #[command(flatten)]
    whereabouts: Whereabouts,
    /// The terminal
    #[arg(long, value_name = "ID")]
    terminal: Option<String>,
    /// The terminal's trace number
    #[arg(long, value_name = "N")]
    stan: Option<u32>,
    /// The reference number, as the source or as the host knows it
    #[arg(long, value_name = "RRN")]
    rrn: Option<String>,
    /// The last four digits of the card
    #[arg(long, value_name = "DDDD")]
    pan_last4: Option<String>,
    /// Its number
    #[arg(long, value_name = "ID")]
    txn: Option<u64>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Does it.
pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let choice = Choice {
        txn: args.txn,
        terminal: args.terminal.clone(),
        stan: args.stan,
        rrn: args.rrn.clone(),
        pan_last4: args.pan_last4.clone(),
        ..Choice::default()
    };
    let directory = args.whereabouts.directory(args.directory.as_deref())?;
    let mut opened = Opened::at(directory.clone())?;
    let mut collection = Collection::of(choice, FOUND_MAX, opened.vault());
    let walked = gather(&mut opened, &mut collection);
    let rows = collection.rows();
    if rows.is_empty() && walked.is_ok() {
        return Err(Failure::Nothing { directory, what: "such transaction".into() });
    }
    print(&rows, args.json);
    if let [only] = rows[..]
        && !args.json
    {
        eprintln!("next: sekisho txn show {} {}", directory.display(), only.txn);
    }
    walked.map(|()| ExitCode::SUCCESS)
}
