//! `sekisho saf ls`

use super::door::Failure;
use super::ledger::{ExceptionJson, Ledger};
use crate::commands::control::Unreachable;
use crate::commands::door::{Door, Which};
use crate::commands::journal::opened::Opened;
use crate::commands::journal::summary::money;
use crate::commands::paper::Paper;
use crate::commands::table::Table;
use crate::run::owed::OwedJson;
use serde::{Deserialize, Serialize};
use std::process::ExitCode;
use terms::{Amount, Currency};

/// What to list, and how.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit: 0 listed · 3 no switch answers (try --local) · 66 no journal there")]
pub struct Args {
    #[command(flatten)]
    which: Which,
    /// Read the journal instead of asking the switch: works without one
    #[arg(long)]
    local: bool,
    /// List what was handed to people instead, from the journal
    #[arg(long)]
    exceptions: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Deserialize)]
struct Page {
    data: Vec<OwedJson>,
    next: Option<u64>,
}

/// `--json`. Fields are added to it, never changed.
#[derive(Serialize)]
struct List<'a, T> {
    object: &'static str,
    data: &'a [T],
    next: Option<u64>,
}

/// Does it.
pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let door = args.which.door()?;
    let mut paper = Paper::new();
    if args.exceptions {
        let exceptions = Ledger::read(&mut Opened::at(door.data()?.to_owned())?)?.exceptions;
        match args.json {
            true => paper.json(&List { object: "list", data: &exceptions, next: None }),
            false => paper.text(exception_table(&exceptions)),
        }
        return Ok(ExitCode::SUCCESS);
    }
    let owed = if args.local {
        Ledger::read(&mut Opened::at(door.data()?.to_owned())?)?.owed.into_values().collect()
    } else {
        every(&door).map_err(|error| door.unreachable(error))?
    };
    if args.json {
        paper.json(&List { object: "list", data: &owed, next: None });
    } else if owed.is_empty() {
        paper.line("nothing is owed");
    } else {
        paper.text(table(&owed));
    }
    Ok(ExitCode::SUCCESS)
}

/// Page after page, until that was all.
pub(crate) fn every(door: &Door) -> Result<Vec<OwedJson>, Unreachable> {
    let (mut all, mut from) = (Vec::new(), Some(0));
    while let Some(first) = from {
        let reply = door.get(&format!("/v1/saf?from={first}"));
        let strange = || door.strange();
        let page: Page = serde_json::from_value(reply?.body).map_err(|_| strange())?;
        all.extend(page.data);
        from = page.next;
    }
    Ok(all)
}

fn table(owed: &[OwedJson]) -> Table {
    let mut table =
        Table::new(&[">ID", "DUTY", "LINK", "STATE", ">TRIES", ">NEXT", ">AMOUNT", ">TXN", "AGE"]);
    let now_ms = clock::Clock::with_offset_s(0).now().wall.as_unix_ms();
    for one in owed {
        let down = if one.link_state.as_deref() == Some("down") { " (down)" } else { "" };
        table.row([
            one.id.to_string(),
            one.duty.clone(),
            format!("{}{down}", one.link),
            one.state.clone(),
            one.attempts.to_string(),
            one.next_in_ms.map_or_else(|| "-".into(), |ms| span(ms as i64)),
            amount_of(one),
            one.txn.to_string(),
            span(now_ms - one.since_ms),
        ]);
    }
    table
}

fn exception_table(exceptions: &[ExceptionJson]) -> Table {
    let mut table = Table::new(&["AT", ">TXN", ">OWED", "WHY IT IS A PERSON'S"]);
    for one in exceptions {
        let forward = one.forward.map_or_else(|| "-".into(), |id| id.to_string());
        table.row([one.at.clone(), one.txn.to_string(), forward, one.reason.clone()]);
    }
    table
}

pub(crate) fn amount_of(owed: &OwedJson) -> String {
    let number = owed.currency.parse().ok().and_then(Currency::numeric).unwrap_or(Currency::NONE);
    match owed.currency.is_empty() {
        true => "-".into(),
        false => money(Amount::minor(owed.amount), number),
    }
}

/// A span of time as people say it.
pub(crate) fn span(ms: i64) -> String {
    let seconds = ms.max(0) / 1_000;
    match seconds {
        0..=119 => format!("{seconds}s"),
        120..=7_199 => format!("{}m", seconds / 60),
        7_200..=172_799 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_said_as_people_say_them() {
        let said = [-5, 0, 59_999, 120_000, 7_200_000, 200_000_000].map(span);
        assert_eq!(said, ["0s", "0s", "59s", "2m", "2h", "2d"]);
    }
}
