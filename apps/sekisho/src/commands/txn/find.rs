//! `sekisho txn find`

use super::choice::Choice;
use super::collect::Collection;
use super::list::{gather, print};
use crate::commands::ceremony::quiet_line;
use crate::commands::journal::opened::{Failure, Opened};
use crate::commands::journal::whereabouts::Whereabouts;
use journal::{CardDigest, Vault};
use std::path::PathBuf;
use std::process::ExitCode;
use terms::Pan;
use zeroize::Zeroizing;

/// Found at most; a search that finds more says too little.
const FOUND_MAX: usize = 1_000;

/// What is known of the transaction. All of it must hold.
#[derive(Debug, clap::Args)]
#[command(
    group = clap::ArgGroup::new("known").required(true).multiple(true)
        .args(["terminal", "stan", "rrn", "pan_last4", "pan", "txn"]),
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
    /// The card, whole: its number is typed without an echo, or piped in; never an argument
    #[arg(long)]
    pan: bool,
    /// Its number
    #[arg(long, value_name = "ID")]
    txn: Option<u64>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Does it.
pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let directory = args.whereabouts.directory(args.directory.as_deref())?;
    let mut opened = Opened::at(directory.clone())?;
    let vault = opened.vault();
    let card = args.pan.then(|| asked_card(vault.as_ref())).transpose()?;
    let choice = Choice {
        card,
        txn: args.txn,
        terminal: args.terminal.clone(),
        stan: args.stan,
        rrn: args.rrn.clone(),
        pan_last4: args.pan_last4.clone(),
        ..Choice::default()
    };
    let mut collection = Collection::of(choice, FOUND_MAX, vault);
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

/// The digest of the number on standard input: what is looked for. The number itself goes no further.
fn asked_card(vault: Option<&Vault>) -> Result<CardDigest, Failure> {
    let wrong = |said: &str| Failure::Config { said: said.into() };
    let vault = vault.ok_or_else(|| wrong("without the data key no card is found by its number"))?;
    let line = quiet_line("card number: ", 64).map_err(|error| wrong(&format!("standard input: {error}")))?;
    let digits = Zeroizing::new(line.iter().copied().filter(u8::is_ascii_digit).collect::<Vec<u8>>());
    let other = line.iter().any(|byte| !byte.is_ascii_digit() && !b" -\r".contains(byte));
    let pan = Pan::new(&digits).filter(|_| !other && digits.len() >= 12);
    pan.map(|pan| vault.digest_of(&pan)).ok_or_else(|| wrong("that is no card number of 12 to 19 digits"))
}
