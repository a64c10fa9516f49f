//! `sekisho link show`

use super::door::{Failure, one};
use super::list::symbol;
use crate::commands::door::Which;
use crate::commands::paper::Paper;
use crate::commands::saf::span;
use crate::commands::table::Table;
use crate::run::links::LinkJson;
use serde::Serialize;
use std::process::ExitCode;

/// Which link, and how.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit: 0 shown · 3 no switch answers · 5 no such link")]
pub struct Args {
    /// The link (sekisho link ls)
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    which: Which,
    /// Write states with plain characters
    #[arg(long)]
    ascii: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct One<'a> {
    object: &'static str,
    #[serde(flatten)]
    link: &'a LinkJson,
}

/// Does it.
pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let link = one(&args.which.door()?, &args.name)?;
    let mut paper = Paper::new();
    if args.json {
        paper.json(&One { object: "link", link: &link });
    } else {
        paper.text(facts(&link, args.ascii));
        paper.line("");
        paper.text(history(&link));
    }
    Ok(ExitCode::SUCCESS)
}

fn facts(link: &LinkJson, ascii: bool) -> Table {
    let mut table = Table::new(&["", ""]);
    let mut row = |what: &str, said: String| table.row([what.into(), said]);
    let open = if link.open { "business passes" } else { "business is declined" };
    row("link", link.name.clone());
    row("state", format!("{} {}, {open}", symbol(&link.state, link.open, ascii), link.state));
    row("since", link.since.clone());
    row("dialect", link.dialect.clone());
    row("sign-on", link.sign_on.replace('_', " "));
    row("lines", format!("{} of {} stand", link.connections, link.connections_wanted));
    let day = link.business_date.as_deref().unwrap_or("not known");
    row("day", if link.cutover == "open" { day.into() } else { format!("{day}, {}", link.cutover) });
    row("in flight", link.in_flight.to_string());
    row("owed", link.pending.to_string());
    if let Some(sessions) = link.sessions {
        row("sessions", sessions.to_string());
    }
    row(
        "last word",
        link.silent_ms.map_or_else(|| "none yet".into(), |ms| format!("{} ago", span(ms as i64))),
    );
    if let Some(ms) = link.awaited_ms {
        row("awaited", format!("an answer, for {} more", span(ms as i64)));
    }
    let took = link.echo.us.map_or_else(String::new, |us| format!(", the last in {}", milliseconds(us)));
    row("echoes", format!("{} answered, {} missed{took}", link.echo.answered, link.echo.missed));
    if let Some(failure) = &link.last_failure {
        let why = match &failure.code {
            Some(code) => format!("refused with {} ({code})", failure.wire_code),
            None => "not answered".into(),
        };
        row("failed", format!("{} at {}: {why}", failure.about.replace('_', "-"), failure.at));
    }
    table
}

fn history(link: &LinkJson) -> Table {
    let mut table = Table::new(&[">NO", "AT", "STATE", "WHY"]);
    for change in &link.history {
        let by = if change.by.is_empty() { String::new() } else { format!(" by {}", change.by) };
        let why = format!("{}{by}", change.said);
        table.row([change.number.to_string(), change.at.clone(), change.state.clone(), why]);
    }
    table
}

/// Microseconds as people say them.
pub(super) fn milliseconds(us: u64) -> String {
    format!("{}.{} ms", us / 1_000, us / 100 % 10)
}
