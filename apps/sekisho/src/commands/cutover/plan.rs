//! `sekisho cutover plan`

use super::{OWN, days};
use crate::commands::door::Which;
use crate::commands::link::door::Failure;
use crate::commands::paper::Paper;
use crate::commands::table::Table;
use crate::run::days::LinkDayJson;
use std::process::ExitCode;

/// How to show.
#[derive(Debug, clap::Args)]
#[command(after_help = "Times are the switch's own local time.\n\nExit: 0 shown · 3 no switch answers")]
pub struct Args {
    #[command(flatten)]
    which: Which,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Does it.
pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let days = days(&args.which.door()?)?;
    let mut paper = Paper::new();
    if args.json {
        paper.json(&days);
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = Table::new(&["LINK", "DAY", "NEXT", "BEGUN BY", "TOTALS"]);
    if let Some(own) = &days.own {
        let next = match (&own.next_at, own.moves.as_str()) {
            (Some(at), _) => at.clone(),
            (None, "by_order") => "when ordered".into(),
            (None, _) => "with its host's".into(),
        };
        let by = if own.moves == "by_order" { "sekisho cutover start own".into() } else { own.moves.clone() };
        table.row([OWN.into(), own.business_date.clone(), next, by, String::new()]);
    }
    for link in &days.links {
        let day = link.business_date.clone().unwrap_or_else(|| "not known".into());
        let (next, by) = moved(link);
        table.row([link.link.clone(), day, next, by, totals(link)]);
    }
    paper.text(table);
    Ok(ExitCode::SUCCESS)
}

fn moved(link: &LinkDayJson) -> (String, String) {
    match (&link.ask_cutover_at, link.moved_by.as_str()) {
        (_, "calendar") => ("midnight".into(), "our calendar".into()),
        (Some(at), _) => (format!("asked for at {at}"), "the host, asked by us".into()),
        (None, _) => ("when it says so".into(), "the host".into()),
    }
}

fn totals(link: &LinkDayJson) -> String {
    match link.reconcile_after_ms {
        Some(ms) => format!("{} s after", ms.div_ceil(1_000)),
        None => "not compared".into(),
    }
}
