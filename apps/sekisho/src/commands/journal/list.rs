//! `sekisho journal ls`

use super::facts::Read;
use super::names::Names;
use super::opened::{Failure, Opened};
use super::summary::summary;
use super::whereabouts::Whereabouts;
use crate::commands::paper::Paper;
use crate::commands::table::{columns_of, harmless, screen_columns, wrapped};
use clap::builder::PossibleValuesParser;
use journal::{Record, Step, Vault};
use std::collections::VecDeque;
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::process::ExitCode;

/// Which records to list, and how.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The data directory
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
    #[command(flatten)]
    whereabouts: Whereabouts,
    /// Only the last so many
    #[arg(long, value_name = "N")]
    last: Option<usize>,
    /// Only records of this kind; may be given several times
    #[arg(long, value_parser = PossibleValuesParser::new(Record::NAMES))]
    kind: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Does it.
pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let directory = args.whereabouts.directory(args.directory.as_deref())?;
    let mut opened = Opened::at(directory)?;
    let vault = opened.vault();
    let mut listing = Listing::begin(args, vault);
    let walked = opened.walk(|step| listing.take(step));
    listing.end();
    walked.map(|_| ExitCode::SUCCESS)
}

/// Lines as they come, or the last of them when all have come.
struct Listing<'a> {
    args: &'a Args,
    vault: Option<Vault>,
    names: Names,
    kept: VecDeque<String>,
    count: usize,
    paper: Paper,
    is_screen: bool,
}

impl<'a> Listing<'a> {
    fn begin(args: &'a Args, vault: Option<Vault>) -> Self {
        let mut paper = Paper::new();
        if args.json {
            paper.line("{\"object\":\"list\",\"data\":[");
        } else {
            paper.line("     SEQ  TIME                      KIND            TXN  WHAT");
        }
        let is_screen = io::stdout().is_terminal();
        Self { args, vault, names: Names::default(), kept: VecDeque::new(), count: 0, paper, is_screen }
    }

    fn take(&mut self, step: Step) {
        let Step::Record { segment, offset, seq, bytes, record } = step else { return };
        self.names.learn(&record);
        let is_wanted = self.args.kind.is_empty() || self.args.kind.iter().any(|kind| kind == record.name());
        if !is_wanted || self.paper.is_closed() || self.args.last == Some(0) {
            return;
        }
        let read = Read { segment, offset, seq, bytes, record };
        let line = self.line(&read);
        match self.args.last {
            None => self.write(&line),
            Some(last) => {
                if self.kept.len() >= last {
                    self.kept.pop_front();
                }
                self.kept.push_back(line);
            }
        }
    }

    fn line(&self, read: &Read) -> String {
        if self.args.json {
            let facts = read.facts(&self.names, self.vault.as_ref());
            return serde_json::to_string(&facts).expect("texts, numbers and flags are JSON");
        }
        let record = &read.record;
        let at = record.at();
        let at = if at.as_unix_ms() == 0 { "-".into() } else { at.to_string() };
        let txn = record.id().map_or_else(|| "-".into(), |id| id.to_string());
        let head = format!("{:>8}  {at:<24}  {:<9}  {txn:>8}  ", read.seq, record.name());
        let what = harmless(&summary(record, &self.names, self.vault.as_ref()));
        // Elsewhere than on a screen one line each, however long, so that `grep` finds whole records.
        let indent = columns_of(&head);
        let pieces = if self.is_screen {
            wrapped(&what, screen_columns().saturating_sub(indent).max(16), false)
        } else {
            vec![what]
        };
        let between = format!("\n{}", " ".repeat(indent));
        format!("{head}{}", pieces.join(&between)).trim_end().to_string()
    }

    fn write(&mut self, line: &str) {
        let comma = if self.args.json && self.count > 0 { "," } else { "" };
        self.paper.line(format_args!("{comma}{line}"));
        self.count += 1;
    }

    fn end(mut self) {
        for line in std::mem::take(&mut self.kept) {
            self.write(&line);
        }
        if self.args.json {
            self.paper.line("],\"next\":null}");
        }
    }
}
