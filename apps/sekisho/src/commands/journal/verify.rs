//! `sekisho journal verify`

use super::opened::{self, Failure, Opened, with_sources};
use super::progress::Progress;
use super::whereabouts::Whereabouts;
use crate::commands::paper::Paper;
use crate::commands::table::Table;
use crate::exit;
use journal::{Cause, Ending, JournalError, Position, Record, Seq, Snapshot, Step, Storage, Walk};
use serde::Serialize;
use std::path::PathBuf;
use std::process::ExitCode;
use terms::Timestamp;

/// Which journal to verify.
#[derive(Debug, clap::Args)]
#[command(after_help = "Changes nothing, and may run beside a switch at work.\n\n\
                        Exit: 0 all of it is as it was written · 1 damaged · 66 no journal there")]
pub struct Args {
    /// The data directory
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
    #[command(flatten)]
    whereabouts: Whereabouts,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Does it.
pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let directory = args.whereabouts.directory(args.directory.as_deref())?;
    let mut opened = Opened::at(directory)?;
    let (found, damage) = examine(&mut opened)?;
    let mut paper = Paper::new();
    if args.json {
        paper.json(&found);
    } else {
        paper.line(found.headline());
        paper.text(found.table());
    }
    drop(paper);
    let Some(error) = damage else {
        if found.bad_snapshots.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
        eprintln!(
            "damaged: the journal is whole, and a snapshot is not: a start passes it over and reads more"
        );
        return Ok(ExitCode::from(exit::NO));
    };
    eprintln!("damaged: {}", with_sources(&error));
    eprintln!("nothing was changed; everything before that place is whole");
    Ok(ExitCode::from(exit::NO))
}

/// `--json`. Fields are added to it, never changed.
#[derive(Default, Serialize)]
struct Found {
    object: &'static str,
    directory: String,
    ok: bool,
    in_use_by: Option<String>,
    segments: usize,
    bytes: u64,
    snapshots: usize,
    /// Of these, not whole: a start passes them over and reads the records instead.
    bad_snapshots: Vec<u64>,
    batches: u64,
    records: u64,
    records_per_sync: Option<f64>,
    first_at: Option<String>,
    last_at: Option<String>,
    /// Whether every opening said that its records are durable.
    synced: bool,
    end: &'static str,
    end_segment: Option<u32>,
    end_offset: Option<u64>,
    chain: Option<String>,
    damage: Option<DamageJson>,
}

#[derive(Serialize)]
struct DamageJson {
    segment: Option<u32>,
    offset: Option<u64>,
    said: String,
}

fn examine(opened: &mut Opened) -> Result<(Found, Option<JournalError>), Failure> {
    let (segments, bytes) = size(opened)?;
    let mut progress = Progress::of(bytes);
    let mut seen = Seen { synced: true, ..Seen::default() };
    let mut walk = Walk::from_the_start();
    let ended = opened.walk_on(&mut walk, |step| {
        seen.take(&step);
        progress.at(seen.bytes, seen.records);
    });
    drop(progress);
    let (snapshots, bad_snapshots) = look_at_snapshots(opened);
    let mut found = Found {
        object: "verification",
        directory: opened.directory.display().to_string(),
        ok: ended.is_ok() && bad_snapshots.is_empty(),
        in_use_by: opened.holder.as_ref().map(ToString::to_string),
        segments,
        bytes,
        snapshots,
        bad_snapshots,
        batches: walk.batches(),
        records: walk.records(),
        records_per_sync: (walk.batches() > 0).then(|| tenths(walk.records(), walk.batches())),
        first_at: seen.first.map(|at| at.to_string()),
        last_at: seen.last.map(|at| at.to_string()),
        synced: seen.synced,
        ..Found::default()
    };
    if let Some(position) = walk.position() {
        found.stand_at(position);
    }
    let damage = match ended {
        Ok(ending) => {
            found.end = name(ending);
            None
        }
        Err(error) => {
            found.end = "damaged";
            found.damage = Some(DamageJson::of(&error));
            Some(error)
        }
    };
    Ok((found, damage))
}

/// How many there are, and which of them are not whole. One that has gone meanwhile was replaced by its writer.
fn look_at_snapshots(opened: &mut Opened) -> (usize, Vec<u64>) {
    let all = opened.disk.snapshots().unwrap_or_default();
    let is_bad = |next: &Seq| match opened.disk.read_snapshot(*next) {
        Ok(bytes) => !Snapshot::is_whole(&bytes, opened::LANE),
        Err(error) => error.cause != Cause::Missing,
    };
    let bad = all.iter().copied().filter(is_bad).map(|next| next.0).collect();
    (all.len(), bad)
}

fn size(opened: &mut Opened) -> Result<(usize, u64), Failure> {
    let directory = opened.directory.clone();
    let failed =
        |source| Failure::Journal { directory: directory.clone(), source: JournalError::Storage(source) };
    let segments = opened.disk.segments().map_err(failed)?;
    let bytes = segments.iter().map(|segment| opened.disk.segment_bytes(*segment).unwrap_or(0)).sum();
    Ok((segments.len(), bytes))
}

fn tenths(records: u64, batches: u64) -> f64 {
    (records as f64 / batches as f64 * 10.0).round() / 10.0
}

const fn name(ending: Ending) -> &'static str {
    match ending {
        Ending::Empty => "empty",
        Ending::Clean => "clean",
        Ending::Torn { .. } => "torn",
        Ending::BetweenSegments => "between_segments",
    }
}

/// What went by.
#[derive(Default)]
struct Seen {
    bytes: u64,
    records: u64,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    synced: bool,
}

impl Seen {
    fn take(&mut self, step: &Step) {
        match step {
            Step::Batch { bytes, .. } => self.bytes += u64::from(*bytes),
            Step::Record { record, .. } => {
                self.records += 1;
                let at = record.at();
                if at.as_unix_ms() != 0 {
                    self.first.get_or_insert(at);
                    self.last = Some(at);
                }
                self.synced &= !matches!(record, Record::Opened { synced: false, .. });
            }
        }
    }
}

impl DamageJson {
    fn of(error: &JournalError) -> Self {
        let (segment, offset) = match *error {
            JournalError::Damaged { segment, offset, .. }
            | JournalError::Unreadable { segment, offset, .. } => (Some(segment), Some(offset)),
            JournalError::OtherLane { segment, .. } => (Some(segment), Some(0)),
            JournalError::Storage(_)
            | JournalError::UnreadableSnapshot { .. }
            | JournalError::TooLarge { .. }
            | JournalError::Stopped => (None, None),
        };
        Self { segment, offset, said: with_sources(error) }
    }
}

impl Found {
    fn stand_at(&mut self, position: Position) {
        self.end_segment = Some(position.segment);
        self.end_offset = Some(position.offset);
        self.chain = Some(position.chain.iter().map(|byte| format!("{byte:02x}")).collect());
    }

    fn headline(&self) -> String {
        let verdict = match (self.ok, self.end) {
            (false, "damaged") => "DAMAGED",
            (false, _) => "good, A SNAPSHOT IS DAMAGED",
            (true, "empty") => "empty",
            (true, _) => "good",
        };
        format!("journal {}: {verdict}", self.directory)
    }

    fn table(&self) -> Table {
        let mut table = Table::new(&["", ""]);
        let mut row = |key: &str, text: String| table.row([key.to_string(), text]);
        if let Some(holder) = &self.in_use_by {
            row("in use by", holder.clone());
        }
        let snapshots = match self.snapshots {
            0 => String::new(),
            1 => ", 1 snapshot".into(),
            count => format!(", {count} snapshots"),
        };
        row("segments", format!("{}, {} MiB{snapshots}", self.segments, self.bytes >> 20));
        for next in &self.bad_snapshots {
            row("snapshot", format!("{next:020}.snapshot is NOT WHOLE: a start passes it over"));
        }
        row("records", thousands(self.records));
        if let Some(per_sync) = self.records_per_sync {
            row("syncs", format!("{}, {per_sync} records each", thousands(self.batches)));
        }
        for (key, at) in [("first", &self.first_at), ("last", &self.last_at)] {
            row(key, at.clone().unwrap_or_else(|| "-".into()));
        }
        if !self.synced {
            row(
                "synced",
                "NO: it was opened at least once without syncing, so nothing was durable then".into(),
            );
        }
        if let (Some(segment), Some(offset), Some(chain)) = (self.end_segment, self.end_offset, &self.chain) {
            let before = if self.damage.is_none() { "" } else { ", up to the damage" };
            row("chain", format!("good up to segment {segment}, offset {offset}{before}"));
            row("head", chain[..16].to_string());
        }
        row("end", self.end_in_words().into());
        table
    }

    fn end_in_words(&self) -> &'static str {
        match (self.end, self.in_use_by.is_some()) {
            ("torn", true) => "a batch is being written",
            ("torn", false) => "pieces of a batch that was never durable; the next start cuts them",
            ("between_segments", _) => "between two segments; the next start goes on in the new one",
            ("clean", _) => "behind a whole batch",
            ("empty", _) => "nothing was written yet",
            _ => "damaged",
        }
    }
}

/// A number as people read it.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let places = digits.len();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (places - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_numbers_can_be_read() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
    }
}
