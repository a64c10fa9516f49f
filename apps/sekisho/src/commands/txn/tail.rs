//! `sekisho txn tail`

use super::choice::Choice;
use super::collect::{Collection, short};
use super::row::Row;
use crate::commands::journal::opened::{Failure, Opened};
use crate::commands::journal::whereabouts::Whereabouts;
use crate::commands::paper::Paper;
use crate::commands::table::harmless;
use journal::{Step, Walk};
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

/// How often the journal is looked at.
const EVERY: Duration = Duration::from_millis(200);

/// What to follow, and how.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The data directory
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
    #[command(flatten)]
    whereabouts: Whereabouts,
    /// Begin with the last so many
    #[arg(long, value_name = "N", default_value_t = 10)]
    last: usize,
    /// Only those that went there
    #[arg(long, value_name = "NAME")]
    link: Option<String>,
    /// Only those of this terminal
    #[arg(long, value_name = "ID")]
    terminal: Option<String>,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

/// Does it, until nobody reads any more.
pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let choice = Choice { link: args.link.clone(), terminal: args.terminal.clone(), ..Choice::default() };
    let mut opened = Opened::at(args.whereabouts.directory(args.directory.as_deref())?)?;
    let mut collection = Collection::of(choice, args.last, opened.vault());
    let (mut walk, mut paper) = (Walk::from_the_start(), Paper::new());
    let mut caught_up = false;
    while !paper.is_closed() {
        let walked = opened.walk_on(&mut walk, |step| {
            let Step::Record { record, .. } = step else { return };
            if let Some(row) = collection.take(&record)
                && caught_up
            {
                paper.line(line(&row, args.json));
            }
        });
        if let Err(source) = walked {
            return Err(Failure::Journal { directory: opened.directory, source });
        }
        if !caught_up {
            collection.rows().iter().filter(|row| !row.is_open()).for_each(|row| {
                paper.line(line(row, args.json));
            });
            caught_up = true;
        }
        paper.flush();
        thread::sleep(EVERY);
        // A switch may have been started or stopped meanwhile: only one that writes is given time to finish.
        opened.look_who_writes();
    }
    Ok(ExitCode::SUCCESS)
}

fn line(row: &Row, json: bool) -> String {
    if json {
        return serde_json::to_string(row).expect("texts, numbers and flags are JSON");
    }
    let link = row.link.as_deref().unwrap_or("-");
    harmless(&format!(
        "{}  {:>6}  {:<12} {:>16}  {:<8} {}  {link}  {}",
        short(&row.at),
        row.txn,
        row.kind,
        row.money(),
        row.terminal_id,
        row.stan,
        row.result()
    ))
}
