//! `sekisho cutover history`: days as the journal remembers them.

use super::OWN;
use crate::commands::door::Which;
use crate::commands::journal::day::balance;
use crate::commands::journal::names::Names;
use crate::commands::journal::opened::Opened;
use crate::commands::link::door::Failure;
use crate::commands::paper::Paper;
use crate::commands::table::Table;
use journal::{CutStage, DayRecord, LinkOrder, Record, Step};
use serde::Serialize;
use std::collections::BTreeMap;
use std::process::ExitCode;
use terms::{BusinessDate, LinkId, Timestamp};

/// Which, and how to show.
#[derive(Debug, clap::Args)]
#[command(after_help = "Read from the journal, also while a switch runs.\n\n\
                        Exit: 0 done · 1 the journal is damaged · 66 no journal there")]
pub struct Args {
    #[command(flatten)]
    which: Which,
    /// Only of this link, or `own`
    #[arg(long, value_name = "NAME")]
    link: Option<String>,
    /// The last so many
    #[arg(long, value_name = "N", default_value_t = 50)]
    last: usize,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// One change of a day. Fields are added to it, never changed.
#[derive(Clone, Debug, Serialize)]
struct Change {
    link: String,
    /// When it was done, UTC.
    at: String,
    /// Who wanted it: a person, `schedule`, a link's name, or `peer` and `calendar` where nobody of ours did.
    by: String,
    from: Option<String>,
    to: String,
    /// From the wish, or the peer's first word, to the new day; `null` where there was one word only.
    took_ms: Option<i64>,
    /// What became of comparing the day that ended.
    totals: Option<String>,
    /// Figures that differ.
    differences: Vec<String>,
}

/// What is known of one link while the journal is read.
#[derive(Default)]
struct Reading {
    date: Option<BusinessDate>,
    asked: Option<(Timestamp, String)>,
    begun: Option<Timestamp>,
}

#[derive(Serialize)]
struct List<'a> {
    object: &'static str,
    data: &'a [Change],
}

/// Does it.
pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let door = args.which.door()?;
    let mut opened = Opened::at(door.data()?.to_owned())?;
    let (mut names, mut teller) = (Names::default(), Teller::default());
    let walked = opened.walk(|step| {
        if let Step::Record { record, .. } = step {
            names.learn(&record);
            teller.read(&record, &names);
        }
    });
    let mut changes = teller.changes;
    changes.retain(|change| args.link.as_ref().is_none_or(|link| change.link == *link));
    let shown = &changes[changes.len().saturating_sub(args.last)..];
    let mut paper = Paper::new();
    match (args.json, shown.is_empty()) {
        (true, _) => paper.json(&List { object: "list", data: shown }),
        (false, true) => paper.line("no day has changed yet"),
        (false, false) => paper.text(table(shown)),
    }
    walked?;
    Ok(ExitCode::SUCCESS)
}

fn table(changes: &[Change]) -> Table {
    let mut table = Table::new(&["AT", "LINK", "FROM", "TO", "BY", ">TOOK", "TOTALS"]);
    for change in changes {
        let totals = match (&change.totals, change.differences.is_empty()) {
            (None, _) => "-".into(),
            (Some(totals), true) => totals.clone(),
            (Some(totals), false) => format!("{totals}: {}", change.differences.join(", ")),
        };
        let took = change.took_ms.map_or_else(|| "-".into(), |ms| format!("{ms} ms"));
        table.row([
            change.at.clone(),
            change.link.clone(),
            change.from.clone().unwrap_or_else(|| "-".into()),
            change.to.clone(),
            change.by.clone(),
            took,
            totals,
        ]);
    }
    table
}

#[derive(Default)]
struct Teller {
    links: BTreeMap<LinkId, Reading>,
    own: Option<BusinessDate>,
    changes: Vec<Change>,
}

impl Teller {
    fn read(&mut self, record: &Record, names: &Names) {
        match record {
            Record::LinkOrdered { link, order: LinkOrder::AskCutover, by, at } => {
                self.links.entry(*link).or_default().asked = Some((*at, by.to_string()));
            }
            Record::Cutover { link, stage: CutStage::Begun, at, .. } => {
                self.links.entry(*link).or_default().begun = Some(*at);
            }
            Record::HostDate { link, date, at, .. } => self.moved(*link, *date, *at, names),
            Record::Day(DayRecord::Own { date, by, at }) => {
                let from = self.own.replace(*date);
                let by = if by.is_empty() { "calendar".into() } else { by.to_string() };
                self.changes.push(change(OWN.into(), *at, by, from, *date, None));
            }
            Record::Day(DayRecord::Compared(compared)) => {
                let (link, day) = (names.link(compared.link), compared.date.to_string());
                let of_day = |change: &&mut Change| change.link == link && change.from.as_ref() == Some(&day);
                if let Some(change) = self.changes.iter_mut().rev().find(of_day) {
                    let differs = compared.ours.differences(&compared.theirs);
                    change.totals = Some(balance(compared.balance).into());
                    change.differences = differs
                        .map(|(figure, ours, theirs)| format!("{} {ours}/{theirs}", figure.name()))
                        .collect();
                }
            }
            _ => {}
        }
    }

    fn moved(&mut self, link: LinkId, date: BusinessDate, at: Timestamp, names: &Names) {
        let reading = self.links.entry(link).or_default();
        let from = reading.date.replace(date);
        // Told the old day with its first word, the peer has moved nothing yet.
        if from == Some(date) {
            return;
        }
        let (asked, begun) = (reading.asked.take(), reading.begun.take());
        let since = asked.as_ref().map(|(at, _)| *at).or(begun);
        let by = match (&asked, begun) {
            (Some((_, by)), _) => by.clone(),
            (None, Some(_)) => "peer".into(),
            (None, None) => "peer or calendar".into(),
        };
        let took_ms = since.map(|since| at.as_unix_ms() - since.as_unix_ms());
        self.changes.push(change(names.link(link), at, by, from, date, took_ms));
    }
}

fn change(
    link: String,
    at: Timestamp,
    by: String,
    from: Option<BusinessDate>,
    to: BusinessDate,
    took_ms: Option<i64>,
) -> Change {
    let (from, to) = (from.map(|from| from.to_string()), to.to_string());
    Change { link, at: at.to_string(), by, from, to, took_ms, totals: None, differences: Vec::new() }
}
