//! `sekisho saf show`

use super::door::Failure;
use super::ledger::Ledger;
use super::list::{amount_of, span};
use crate::commands::door::{Door, Which};
use crate::commands::journal::opened::Opened;
use crate::commands::paper::Paper;
use crate::commands::table::Table;
use crate::commands::txn::life::Life;
use crate::run::owed::OwedJson;
use serde::Serialize;
use std::process::ExitCode;
use terms::TxnId;

/// Which message, and how.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit: 0 shown · 5 no such message was ever owed · 66 no journal there")]
pub struct Args {
    /// The number of the owed message
    #[arg(value_name = "ID")]
    id: u64,
    #[command(flatten)]
    which: Which,
    /// Do not ask the switch how it stands this moment
    #[arg(long)]
    local: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// `--json`. Fields are added to it, never changed.
#[derive(Serialize)]
struct Shown<'a> {
    object: &'static str,
    /// `null` where it is not owed any more.
    owed: Option<&'a OwedJson>,
    /// `null` where the switch is on another machine, and its journal with it.
    transaction: serde_json::Value,
}

/// Does it. The story comes from the journal, and how it stands now from the switch, where one answers.
pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let door = args.which.door()?;
    if !door.is_here() && !args.local {
        return standing_elsewhere(args, &door);
    }
    let mut opened = Opened::at(door.data()?.to_owned())?;
    let mut ledger = Ledger::read(&mut opened)?;
    let Some(&txn) = ledger.about.get(&args.id) else {
        let said = format!("no message {} was ever owed", args.id);
        let next = format!("sekisho saf ls{}", door.words());
        return Err(Failure::NoSuchThing { said, next });
    };
    let live = match args.local {
        true => None,
        false => door.get(&format!("/v1/saf/{}", args.id)).ok(),
    };
    let owed = match live {
        Some(reply) if reply.status == 200 => serde_json::from_value(reply.body).ok(),
        Some(reply) if reply.status == 404 => None,
        _ => ledger.owed.remove(&args.id),
    };
    let life = Life::read(&mut opened, TxnId(txn))?;
    let mut paper = Paper::new();
    if args.json {
        let transaction = serde_json::to_value(life.json()).expect("texts, numbers and flags are JSON");
        paper.json(&Shown { object: "owed", owed: owed.as_ref(), transaction });
    } else {
        match &owed {
            Some(owed) => paper.text(standing(owed)),
            None => {
                paper.line(format_args!("saf/{} is not owed any more; how it ended stands below", args.id))
            }
        }
        paper.line("");
        life.print(&mut paper);
    }
    Ok(ExitCode::SUCCESS)
}

/// What a switch elsewhere says of it; the story stands in the journal, on its machine.
fn standing_elsewhere(args: &Args, door: &Door) -> Result<ExitCode, Failure> {
    let reply = door.get(&format!("/v1/saf/{}", args.id)).map_err(|error| door.unreachable(error))?;
    if reply.status == 404 {
        let said = reply.body["said"].as_str().unwrap_or("it is not owed").to_owned();
        let next =
            format!("sekisho saf ls{}   (how it ended: sekisho saf show, on its machine)", door.words());
        return Err(Failure::NoSuchThing { said, next });
    }
    let owed: OwedJson = serde_json::from_value(reply.body).map_err(|_| door.unreachable(door.strange()))?;
    let mut paper = Paper::new();
    match args.json {
        true => {
            paper.json(&Shown { object: "owed", owed: Some(&owed), transaction: serde_json::Value::Null })
        }
        false => {
            paper.text(standing(&owed));
            eprintln!(
                "what happened to its transaction stands in the journal: sekisho saf show, on its machine"
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn standing(owed: &OwedJson) -> Table {
    let mut table = Table::new(&["", ""]);
    let mut row = |name: &str, text: String| table.row([name.to_string(), text]);
    row("owed", format!("saf/{}: a {} to {}", owed.id, owed.duty, owed.link));
    row("about", format!("transaction {}, {} {}", owed.txn, owed.kind, amount_of(owed)));
    row("state", owed.state.clone());
    let link = owed.link_state.as_deref();
    row("link", link.map_or_else(|| "not known: no switch was asked".into(), str::to_string));
    row("attempts", owed.attempts.to_string());
    if let Some(ms) = owed.next_in_ms {
        let what = if owed.state == "sent" { "answer awaited for" } else { "next attempt in" };
        row(what, span(ms as i64));
    }
    row("since", owed.since.clone());
    row("host's day", owed.business_date.clone());
    table
}
