//! One transaction from first byte to last: its records, in order, and what each of them means.

use super::reasons::{Line, Teller};
use super::row::Row;
use crate::commands::journal::facts::{Fact, Facts, Read};
use crate::commands::journal::names::Names;
use crate::commands::journal::opened::{Failure, Opened};
use crate::commands::paper::Paper;
use crate::commands::table::Table;
use journal::{Record, Step, Vault};
use serde::Serialize;
use std::collections::BTreeSet;
use terms::{Code, ForwardId, TxnId};

/// Everything the journal knows of one transaction.
pub(crate) struct Life {
    id: TxnId,
    records: Vec<Read>,
    names: Names,
    vault: Option<Vault>,
}

/// `--json`. Fields are added to it, never changed.
#[derive(Serialize)]
pub(crate) struct LifeJson {
    object: &'static str,
    txn: u64,
    summary: Option<Row>,
    /// What happened, in words, with the reason of each decision.
    timeline: Vec<Line>,
    records: Vec<Facts>,
}

impl Life {
    /// Reads it from the journal, the journal's openings in between included.
    pub(crate) fn read(opened: &mut Opened, id: TxnId) -> Result<Self, Failure> {
        let vault = opened.vault();
        let mut gathering = Gathering::of(Self { id, records: Vec::new(), names: Names::default(), vault });
        let walked = opened.walk(|step| gathering.take(step));
        if gathering.life.records.is_empty() {
            walked?;
            let what = format!("transaction {id}");
            return Err(Failure::Nothing { directory: opened.directory.clone(), what });
        }
        // What was found before a damage is whole, and may be what somebody needs most.
        if let Err(failure) = walked {
            eprintln!("{failure}");
        }
        Ok(gathering.life)
    }

    /// As JSON.
    pub(crate) fn json(&self) -> LifeJson {
        let facts = |read: &Read| {
            let mut facts = read.facts(&self.names, self.vault.as_ref());
            facts.add("after_ms", Fact::Number(self.after_ms(read)));
            facts
        };
        LifeJson {
            object: "transaction",
            txn: self.id.0,
            summary: self.row(),
            timeline: self.lines(),
            records: self.records.iter().map(facts).collect(),
        }
    }

    /// For people.
    pub(crate) fn print(&self, paper: &mut Paper) {
        if let Some(row) = self.row() {
            paper.text(head(&row));
        }
        let mut timeline = Table::new(&[">AFTER", "", ">SEQ", "WHAT"]);
        for line in self.lines() {
            let after = format!("+{}.{:03}", line.after_ms / 1_000, line.after_ms % 1_000);
            let what = match line.because.is_empty() {
                true => line.what,
                false => format!("{}: {}", line.what, line.because),
            };
            timeline.row([after, line.mark.into(), line.seq.to_string(), what]);
        }
        paper.line("");
        paper.text(timeline);
    }

    fn row(&self) -> Option<Row> {
        let mut records = self.records.iter().map(|read| &read.record);
        let mut row = Row::begin(records.next()?, &self.names, self.vault.as_ref())?;
        records.for_each(|record| {
            row.take(record);
        });
        Some(row)
    }

    fn lines(&self) -> Vec<Line> {
        let mut teller = Teller::of(&self.names);
        let lines = self.records.iter().flat_map(|read| teller.tell(read.seq, &read.record));
        let mut lines: Vec<Line> = lines.collect();
        let began = self.records.first().map_or(0, |read| read.record.at().as_unix_ms());
        lines.iter_mut().for_each(|line| line.after_ms = (line.at_ms - began).max(0) as u64);
        lines
    }

    fn after_ms(&self, read: &Read) -> u64 {
        let began = self.records.first().map_or(0, |first| first.record.at().as_unix_ms());
        (read.record.at().as_unix_ms() - began).max(0) as u64
    }
}

fn head(row: &Row) -> Table {
    let mut table = Table::new(&["", ""]);
    let mut line = |name: &str, text: String| table.row([name.to_string(), text]);
    let amount = if row.amount == 0 { String::new() } else { format!("  {}", row.money()) };
    line("TXN", format!("{}  {}{amount}  {}", row.txn, row.kind, row.pan));
    line(
        "ASKED",
        format!("{}  {}/{} STAN {} RRN {}", row.at, row.source, row.terminal_id, row.stan, dash(&row.rrn)),
    );
    let meaning = row.code.and_then(Code::named).map_or("", Code::meaning);
    let wire = row.wire_code.as_ref().map_or_else(String::new, |wire| format!(" [{wire}]"));
    line("RESULT", format!("{}{wire}. {meaning}", row.result()).trim_end().to_string());
    match (&row.link, &row.route, &row.business_date) {
        (Some(link), Some(route), Some(day)) => {
            line("ROUTE", format!("\"{route}\" to {link}, business day {day}"));
        }
        _ => line("ROUTE", "none: no host heard of it".into()),
    }
    table
}

fn dash(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
}

/// Picks out of a journal what is about one transaction.
struct Gathering {
    life: Life,
    forwards: BTreeSet<ForwardId>,
    /// Openings since its last record: part of its life only where something follows.
    openings: Vec<Read>,
}

impl Gathering {
    fn of(life: Life) -> Self {
        Self { life, forwards: BTreeSet::new(), openings: Vec::new() }
    }

    fn take(&mut self, step: Step) {
        let Step::Record { segment, offset, seq, bytes, record } = step else { return };
        // Names that are given later are not what these records meant.
        if self.life.records.is_empty() {
            self.life.names.learn(&record);
        }
        let is_its_own = record.id() == Some(self.life.id)
            || record.forward().is_some_and(|forward| self.forwards.contains(&forward));
        let is_opening = matches!(record, Record::Opened { .. }) && !self.life.records.is_empty();
        let forward = record.forward();
        let read = Read { segment, offset, seq, bytes, record };
        if is_its_own {
            self.forwards.extend(forward);
            self.life.records.append(&mut self.openings);
            self.life.records.push(read);
        } else if is_opening {
            self.openings.push(read);
        }
    }
}
