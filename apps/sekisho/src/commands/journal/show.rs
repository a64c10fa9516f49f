//! `sekisho journal show`

use super::facts::{Fact, Facts, Read};
use super::names::Names;
use super::opened::{Failure, Opened};
use super::summary::summary;
use super::whereabouts::Whereabouts;
use crate::commands::paper::Paper;
use crate::commands::table::Table;
use journal::{Seq, Step, Vault};
use serde::Serialize;
use std::path::Path;
use std::process::ExitCode;
use std::str::FromStr;
use terms::{Timestamp, TxnId};

/// What to show, and how.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The data directory (may be left out), then the number of a record, or txn: and that of a transaction
    #[arg(num_args = 1..=2, required = true, value_names = ["DIR", "SEQ|txn:ID"])]
    what: Vec<String>,
    #[command(flatten)]
    whereabouts: Whereabouts,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// One record, or all of one transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Record(Seq),
    Transaction(TxnId),
}

impl FromStr for Wanted {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        let number = |digits: &str| digits.parse().map_err(|_| Failure::NoNumber { said: text.into() });
        match text.strip_prefix("txn:") {
            Some(id) => Ok(Self::Transaction(TxnId(number(id)?))),
            None => Ok(Self::Record(Seq(number(text)?))),
        }
    }
}

/// Does it.
pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let (wanted, named) = match args.what.as_slice() {
        [wanted] => (wanted, None),
        [named, wanted, ..] => (wanted, Some(Path::new(named))),
        [] => return Err(Failure::NoNumber { said: String::new() }),
    };
    let wanted: Wanted = wanted.parse()?;
    let mut opened = Opened::at(args.whereabouts.directory(named)?)?;
    let mut found = Found { records: Vec::new(), names: Names::default(), vault: opened.vault() };
    let walked = opened.walk(|step| found.take(wanted, step));
    // What was found before a damage is whole, and may be what somebody needs most.
    if found.records.is_empty() {
        walked?;
        return Err(Failure::Nothing { directory: opened.directory, what: wanted.in_words() });
    }
    let mut paper = Paper::new();
    match wanted {
        Wanted::Record(_) => found.show_record(args.json, &mut paper),
        Wanted::Transaction(id) => found.show_transaction(id, args.json, &mut paper),
    }
    drop(paper);
    walked.map(|_| ExitCode::SUCCESS)
}

impl Wanted {
    fn in_words(self) -> String {
        match self {
            Self::Record(seq) => format!("record {seq}"),
            Self::Transaction(id) => format!("transaction {id}"),
        }
    }
}

struct Found {
    records: Vec<Read>,
    names: Names,
    vault: Option<Vault>,
}

/// `--json` of a transaction.
#[derive(Serialize)]
struct Transaction {
    object: &'static str,
    txn: u64,
    records: Vec<Facts>,
}

impl Found {
    fn take(&mut self, wanted: Wanted, step: Step) {
        let Step::Record { segment, offset, seq, bytes, record } = step else { return };
        // Names that are given later are not what this record meant.
        if self.records.is_empty() {
            self.names.learn(&record);
        }
        let is_wanted = match wanted {
            Wanted::Record(wanted) => seq == wanted,
            Wanted::Transaction(id) => record.id() == Some(id),
        };
        if is_wanted {
            self.records.push(Read { segment, offset, seq, bytes, record });
        }
    }

    fn facts(&self, read: &Read) -> Facts {
        read.facts(&self.names, self.vault.as_ref())
    }

    fn show_record(&self, json: bool, paper: &mut Paper) {
        for read in &self.records {
            let facts = self.facts(read);
            if json { paper.json(&facts) } else { paper.text(table(&facts)) }
        }
    }

    fn show_transaction(&self, id: TxnId, json: bool, paper: &mut Paper) {
        let began = self.records.first().map_or(Timestamp::from_unix_ms(0), |read| read.record.at());
        let after_ms = |read: &Read| (read.record.at().as_unix_ms() - began.as_unix_ms()).max(0) as u64;
        if json {
            let facts = |read: &Read| {
                let mut facts = self.facts(read);
                facts.add("after_ms", Fact::Number(after_ms(read)));
                facts
            };
            let records = self.records.iter().map(facts).collect();
            return paper.json(&Transaction { object: "transaction", txn: id.0, records });
        }
        paper.line(format!("transaction {id}, from {began}"));
        let mut timeline = Table::new(&[">AFTER", ">SEQ", "KIND", "WHAT"]);
        for read in &self.records {
            let ms = after_ms(read);
            let what = summary(&read.record, &self.names, self.vault.as_ref());
            let after = format!("+{}.{:03}", ms / 1_000, ms % 1_000);
            timeline.row([after, read.seq.to_string(), read.record.name().to_string(), what]);
        }
        paper.text(timeline);
        for read in &self.records {
            paper.line("");
            paper.text(table(&self.facts(read)));
        }
    }
}

fn table(facts: &Facts) -> Table {
    let mut table = Table::new(&["", ""]);
    for (name, fact) in facts.0.iter().filter(|(_, fact)| !matches!(fact, Fact::Nothing)) {
        table.row([(*name).to_string(), fact.to_string()]);
    }
    table
}
