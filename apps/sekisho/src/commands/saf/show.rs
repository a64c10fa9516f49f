//! `sekisho saf show`

use super::door::Failure;
use super::ledger::Ledger;
use super::list::{amount_of, span};
use crate::commands::control;
use crate::commands::door::Which;
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
    transaction: serde_json::Value,
}

/// Does it. The story comes from the journal, and how it stands now from the switch, where one answers.
pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let door = args.which.door()?;
    let mut opened = Opened::at(door.data.clone())?;
    let mut ledger = Ledger::read(&mut opened)?;
    let Some(&txn) = ledger.about.get(&args.id) else {
        let said = format!("no message {} was ever owed", args.id);
        let next = format!("sekisho saf ls --socket {}", door.socket.display());
        return Err(Failure::NoSuchThing { said, next });
    };
    let live = match args.local {
        true => None,
        false => control::get(&door.socket, &format!("/v1/saf/{}", args.id)).ok(),
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
