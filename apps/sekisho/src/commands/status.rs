//! `sekisho status`: the whole switch on half a screen.

use super::door::Which;
use super::health::facts::Facts;
use super::link::door::{Failure, unreachable};
use super::paper::Paper;
use super::saf::span;
use super::table::Table;
use std::process::ExitCode;

/// How to show it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit: 0 shown · 3 no switch answers\nIs it well?  sekisho doctor")]
pub struct Args {
    #[command(flatten)]
    which: Which,
    /// Print JSON: everything the switch says of itself
    #[arg(long)]
    json: bool,
}

/// Does it.
pub fn run(args: &Args) -> ExitCode {
    show(args).unwrap_or_else(|failure| {
        eprintln!("{failure}");
        ExitCode::from(failure.exit_code())
    })
}

fn show(args: &Args) -> Result<ExitCode, Failure> {
    let door = args.which.door()?;
    let nobody = |error| unreachable(&door, error);
    let mut paper = Paper::new();
    if args.json {
        paper.json(&door.get("/v1/status").map_err(nobody)?.body);
        return Ok(ExitCode::SUCCESS);
    }
    paper.text(table(&Facts::of(&door).map_err(nobody)?));
    Ok(ExitCode::SUCCESS)
}

fn table(facts: &Facts) -> Table {
    let (status, counts) = (&facts.status, &facts.status.transactions);
    let mut table = Table::new(&["", ""]);
    let mut row = |head: &str, said: String| table.row([head.to_string(), said]);
    let unsafe_ = if status.durable { "" } else { " · NOTHING IS DURABLE (--unsafe-no-sync)" };
    row(
        "switch",
        format!("{}, version {}, since {}{unsafe_}", status.state, status.version, status.started_at),
    );
    if let Some(why) = shut(status.takes_none_because.as_deref()) {
        row("", format!("EVERY NEW REQUEST IS DECLINED: {why}"));
    }
    row("day", status.business_date.clone());
    row(
        "recovery",
        match facts.recovery.state.as_str() {
            "running" => format!("running: {} messages are left to be sent", facts.recovery.left),
            state => state.replace('_', " "),
        },
    );
    for listener in &status.listeners {
        row("listener", format!("{} on {}", listener.name, listener.listen));
    }
    for module in status.hsm.data.iter().filter(|module| !module.warning.is_empty()) {
        row("module", format!("{}: {}", module.name, module.warning));
    }
    for link in &facts.links {
        let day = link.business_date.as_deref().unwrap_or("-");
        row(
            "link",
            format!(
                "{} {} {}, {}/{} connections, day {day}, {} in flight, {} owed",
                if link.open { "●" } else { "○" },
                link.name,
                link.state,
                link.connections,
                link.connections_wanted,
                link.in_flight,
                link.pending
            ),
        );
    }
    row(
        "requests",
        format!(
            "{} in flight · {} approved · {} refused · {} unknown · {} not sent{} · last {}",
            counts.in_flight,
            counts.approved,
            counts.refused,
            counts.unknown,
            counts.not_sent,
            match counts.turned_away {
                0 => String::new(),
                turned_away => format!(" · {turned_away} turned away"),
            },
            counts.silent_ms.map_or_else(|| "never".into(), |ms| format!("{} ago", span(ms as i64)))
        ),
    );
    row("owed", format!("{} wait for their host · {} items for a person", counts.pending, counts.exceptions));
    let (latency, journal) = (&status.decision_us, &status.journal);
    let ms = |us: u64| us as f64 / 1_000.0;
    row("decided in", format!("{:.1} ms median, {:.1} ms at 99 of 100", ms(latency.p50), ms(latency.p99)));
    row(
        "journal",
        format!(
            "{} · {} records, {} syncs of {:.1} ms",
            journal.dir,
            journal.records,
            journal.syncs,
            ms(journal.sync_us_mean)
        ),
    );
    if matches!(journal.verified.state.as_str(), "damaged" | "unread") {
        row("", format!("DAMAGED before the snapshot of the start: {}", journal.verified.said));
    }
    table
}

/// Why no request is taken, in words.
fn shut(why: Option<&str>) -> Option<&str> {
    Some(match why? {
        "no_room" => "the disk is full (sekisho check disk)",
        "recovery_needed" => "recovery waits for a person (sekisho recovery --plan)",
        "draining" => "it is stopping",
        other => other,
    })
}
