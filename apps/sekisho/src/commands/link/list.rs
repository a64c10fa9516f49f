//! `sekisho link ls`

use super::door::{Failure, all};
use crate::commands::door::Which;
use crate::commands::paper::Paper;
use crate::commands::saf::span;
use crate::commands::table::Table;
use crate::run::links::LinkJson;
use serde::Serialize;
use std::process::ExitCode;

/// How to list.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit: 0 listed · 3 no switch answers")]
pub struct Args {
    #[command(flatten)]
    which: Which,
    /// Write states with plain characters
    #[arg(long)]
    ascii: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// `--json`. Fields are added to it, never changed.
#[derive(Serialize)]
struct List<'a> {
    object: &'static str,
    data: &'a [LinkJson],
    next: Option<u64>,
}

/// Does it.
pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let links = all(&args.which.door()?)?;
    let mut paper = Paper::new();
    match args.json {
        true => paper.json(&List { object: "list", data: &links, next: None }),
        false => paper.text(table(&links, args.ascii)),
    }
    Ok(ExitCode::SUCCESS)
}

fn table(links: &[LinkJson], ascii: bool) -> Table {
    let heads = ["NAME", "STATE", ">LINES", "DAY", ">IN-FLIGHT", ">OWED", ">LAST-RX", ">AGE"];
    let mut table = Table::new(&heads);
    let now_ms = clock::Clock::with_offset_s(0).now().wall.as_unix_ms();
    for link in links {
        table.row([
            link.name.clone(),
            format!("{} {}", symbol(&link.state, link.open, ascii), link.state),
            format!("{}/{}", link.connections, link.connections_wanted),
            link.business_date.clone().unwrap_or_else(|| "-".into()),
            link.in_flight.to_string(),
            link.pending.to_string(),
            link.silent_ms.map_or_else(|| "-".into(), |ms| span(ms as i64)),
            if link.since_ms == 0 { "-".into() } else { span(now_ms - link.since_ms) },
        ]);
    }
    table
}

/// A state is a symbol and a word, never a colour.
pub(super) fn symbol(state: &str, open: bool, ascii: bool) -> &'static str {
    let pair = match state {
        _ if open => ("●", "[+]"),
        "disconnected" => ("✕", "[x]"),
        "maintenance" => ("⏸", "[=]"),
        "connected" | "signed-off" => ("○", "[-]"),
        _ => ("◐", "[~]"),
    };
    if ascii { pair.1 } else { pair.0 }
}
