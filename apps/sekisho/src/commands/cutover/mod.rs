//! `sekisho cutover`: business days: ours, and each host's.

mod history;
mod plan;
mod start;
mod status;

use super::door::Door;
use super::link::door::{Failure, unreachable};
use crate::run::days::DaysJson;
use std::process::ExitCode;

/// What our own day is called where links have names.
const OWN: &str = "own";

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// The business day of the switch and of every link, and how far its change is (reads)
    Status(status::Args),
    /// When the next days begin, who begins them, and when totals follow (reads)
    Plan(plan::Args),
    /// Begin our own next day, or ask a host to begin its next, and wait until it has (changes)
    Start(start::Args),
    /// The days that were, from the journal: when, by whom, from which to which, how long it took, what differed (reads)
    History(history::Args),
}

/// Does it. A host moves its day, never we: that it accepts our wish promises nothing.
pub fn run(command: Command) -> ExitCode {
    let done = match command {
        Command::Status(args) => status::run(&args),
        Command::Plan(args) => plan::run(&args),
        Command::Start(args) => start::run(&args),
        Command::History(args) => history::run(&args),
    };
    done.unwrap_or_else(|failure| {
        eprintln!("{failure}");
        ExitCode::from(failure.exit_code())
    })
}

/// Every day, as a running switch knows them.
fn days(door: &Door) -> Result<DaysJson, Failure> {
    let reply = door.get("/v1/days").map_err(|error| unreachable(door, error))?;
    let strange = |_| unreachable(door, door.strange());
    serde_json::from_value(reply.body).map_err(strange)
}
