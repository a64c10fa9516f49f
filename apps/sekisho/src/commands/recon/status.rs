//! `sekisho recon status`

use super::door;
use crate::commands::door::Which;
use crate::commands::link::door::Failure;
use crate::commands::paper::Paper;
use crate::commands::table::Table;
use crate::run::days::ReconJson;
use serde::Serialize;
use std::process::ExitCode;

/// Which, and how to show.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "One line for each day that has ended, host and currency; differences beneath, ours and theirs.\n\n\
                        Exit: 0 shown, and nothing is out of balance · 1 something is, or was refused · \
                        3 no switch answers"
)]
pub struct Args {
    #[command(flatten)]
    which: Which,
    /// Only with this host
    #[arg(long, value_name = "NAME")]
    link: Option<String>,
    /// Only this day: 2026-11-22
    #[arg(long, value_name = "DATE")]
    day: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct List<'a> {
    object: &'static str,
    data: &'a [ReconJson],
    next: Option<u64>,
}

/// Does it.
pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let mut all = door::all(&args.which.door()?)?;
    all.retain(|one| args.link.as_ref().is_none_or(|link| one.link == *link));
    all.retain(|one| args.day.as_ref().is_none_or(|day| one.business_date == *day));
    let mut paper = Paper::new();
    match (args.json, all.is_empty()) {
        (true, _) => paper.json(&List { object: "list", data: &all, next: None }),
        (false, true) => paper.line("no day has ended yet"),
        (false, false) => show(&all, &mut paper),
    }
    let is_wrong = |one: &ReconJson| matches!(one.state.as_str(), "out-of-balance" | "refused");
    Ok(if all.iter().any(is_wrong) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// For people: a line each, and beneath it what differs.
pub(super) fn show(all: &[ReconJson], paper: &mut Paper) {
    let mut table = Table::new(&["LINK", "DAY", "CURRENCY", "STATE", ">SENT", "COMPARED"]);
    for one in all {
        let compared = one.compared_at.clone().unwrap_or_else(|| match one.in_ms {
            Some(0) => "waits for what is open".into(),
            Some(ms) => format!("in {} s", ms.div_ceil(1_000)),
            None => "-".into(),
        });
        let currency = one.currency.clone().unwrap_or_else(|| "-".into());
        let (link, day, state) = (one.link.clone(), one.business_date.clone(), one.state.clone());
        table.row([link, day, currency, state, one.attempts.to_string(), compared]);
    }
    paper.text(table);
    let before = || all.iter().filter(|one| one.is_not_asked_for());
    if let Some(last) = before().next_back() {
        paper.line(format_args!(
            "\nnot-asked-for: {} not reconciled, before it was asked for",
            before().count()
        ));
        paper.line(format_args!("next  sekisho recon run {} {}", last.link, last.business_date));
    }
    for one in all.iter().filter(|one| !one.differences.is_empty()) {
        paper.line(format_args!("\n{} {} differs", one.link, one.business_date));
        let mut table = Table::new(&["", ">OURS", ">THEIRS", ">DIFFERENCE"]);
        for (figure, difference) in &one.differences {
            let of = |said: &std::collections::BTreeMap<String, i128>| {
                said.get(figure).map_or_else(|| "-".into(), i128::to_string)
            };
            table.row([figure.clone(), of(&one.ours), of(&one.theirs), difference.to_string()]);
        }
        paper.text(table);
        paper.line(format_args!("next  sekisho recon show --link {} --day {}", one.link, one.business_date));
    }
}
