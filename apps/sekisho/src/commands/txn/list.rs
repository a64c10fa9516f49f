//! `sekisho txn ls`

use super::choice::{Choice, OUTCOMES, Since};
use super::collect::{Collection, table};
use super::row::Row;
use crate::commands::journal::opened::{Failure, Opened};
use crate::commands::journal::whereabouts::Whereabouts;
use crate::commands::paper::Paper;
use clap::builder::PossibleValuesParser;
use journal::Step;
use serde::Serialize;
use std::path::PathBuf;
use std::process::ExitCode;

/// Which transactions to list, and how.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The data directory
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
    #[command(flatten)]
    whereabouts: Whereabouts,
    /// Only the last so many
    #[arg(long, value_name = "N", default_value_t = 20)]
    last: usize,
    /// Only with this outcome
    #[arg(long, value_parser = PossibleValuesParser::new(OUTCOMES))]
    outcome: Option<String>,
    /// Only those that went there
    #[arg(long, value_name = "NAME")]
    link: Option<String>,
    /// Only those of this terminal
    #[arg(long, value_name = "ID")]
    terminal: Option<String>,
    /// Only those asked since: 10m, 2h, 3d ago, or 2026-11-22T14:03 (UTC)
    #[arg(long, value_name = "WHEN")]
    since: Option<Since>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// `--json`. Fields are added to it, never changed.
#[derive(Serialize)]
struct List<'a> {
    object: &'static str,
    data: &'a [&'a Row],
    next: Option<u64>,
}

/// Does it.
pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let choice = Choice {
        outcome: args.outcome.clone(),
        link: args.link.clone(),
        terminal: args.terminal.clone(),
        since_ms: args.since.map(Since::as_unix_ms),
        ..Choice::default()
    };
    let mut opened = Opened::at(args.whereabouts.directory(args.directory.as_deref())?)?;
    let mut collection = Collection::of(choice, args.last, opened.vault());
    let walked = gather(&mut opened, &mut collection);
    let rows = collection.rows();
    if !rows.is_empty() || walked.is_ok() || args.json {
        print(&rows, args.json);
    }
    walked.map(|()| ExitCode::SUCCESS)
}

/// Reads the whole journal.
pub(super) fn gather(opened: &mut Opened, collection: &mut Collection) -> Result<(), Failure> {
    let walked = opened.walk(|step| {
        if let Step::Record { record, .. } = step {
            collection.take(&record);
        }
    });
    walked.map(drop)
}

/// Rows for people or for programs.
pub(super) fn print(rows: &[&Row], json: bool) {
    let mut paper = Paper::new();
    match json {
        true => paper.json(&List { object: "list", data: rows, next: None }),
        false => paper.text(table(rows)),
    }
}
