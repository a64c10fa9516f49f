//! `sekisho audit`: who did what to which key, and the proof that nobody bent it.

use super::key::place::Place;
use super::key::{ended, of_store};
use super::link::door::Failure;
use super::paper::Paper;
use super::table::Table;
use keystore::{Line, StoreError, Verified, entries, verify};
use serde::Serialize;
use std::process::ExitCode;

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Read all of it and check every entry (reads)
    Verify(VerifyArgs),
    /// The entries, the newest last (reads)
    Ls(ListArgs),
    /// Every entry as a line of JSON, with its digests, for whoever checks them elsewhere (reads)
    Export(ExportArgs),
}

/// Which, and what it should end with.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Note number and digest of the last entry where nobody reaches the audit: `--since` then proves that nothing before it
was changed, and that its end was not cut off. Exit: 0 whole, 1 damaged.")]
pub struct VerifyArgs {
    /// An entry noted before, as NUMBER:DIGEST; it must still be there
    #[arg(long, value_name = "NUMBER:DIGEST", value_parser = noted)]
    since: Option<(u64, String)>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

/// Which, and how many.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// Of this owner or thing alone
    #[arg(long, value_name = "OWNER")]
    on: Option<String>,
    /// The newest so many
    #[arg(long, value_name = "N", default_value_t = 50)]
    most: usize,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

/// Which.
#[derive(Debug, clap::Args)]
pub struct ExportArgs {
    /// From this entry on
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    from: u64,
    #[command(flatten)]
    place: Place,
}

fn noted(text: &str) -> Result<(u64, String), String> {
    let parts = text.split_once(':').and_then(|(number, digest)| Some((number.parse().ok()?, digest)));
    let parts = parts.filter(|(_, digest): &(u64, &str)| digest.len() == 64);
    parts
        .map(|(number, digest)| (number, digest.to_string()))
        .ok_or_else(|| "NUMBER:DIGEST, as verify prints it".into())
}

/// `--json`. Fields are added to it, never changed.
#[derive(Serialize)]
struct Whole {
    object: &'static str,
    entries: u64,
    digest: String,
    sealed: bool,
    owners: u64,
    torn_bytes: u64,
}

#[derive(Serialize)]
struct List {
    object: &'static str,
    data: Vec<Line>,
    next: Option<u64>,
}

/// Does it. Exit: 0 done or whole, 1 damaged, 78 it cannot be read.
pub fn run(command: Command) -> ExitCode {
    ended(match command {
        Command::Verify(args) => check(&args),
        Command::Ls(args) => list(&args),
        Command::Export(args) => export(&args),
    })
}

fn check(args: &VerifyArgs) -> Result<ExitCode, Failure> {
    let (directory, _) = args.place.directory()?;
    let mut is_there = args.since.is_none();
    let verified = verify(&directory, |line| {
        let noted = args.since.as_ref();
        is_there |= noted.is_some_and(|(number, digest)| *number == line.number && *digest == line.digest);
    });
    let damaged = |said: &dyn std::fmt::Display| {
        eprintln!("damaged: {said}");
        Ok(ExitCode::from(crate::exit::NO))
    };
    match verified {
        Err(StoreError::Audit(error)) => damaged(&error),
        Err(error @ (StoreError::PutBack { .. } | StoreError::Resealed { .. } | StoreError::Seal { .. })) => {
            damaged(&error)
        }
        Err(error) => Err(of_store(error)),
        Ok(_) if !is_there => {
            damaged(&"the entry you noted is not there: the audit was cut off or made anew")
        }
        Ok(Verified { entries, digest, sealed, owners, torn_bytes }) => {
            let digest = digest.to_string();
            let mut paper = Paper::new();
            if args.json {
                paper.json(&Whole { object: "audit", entries, digest, sealed, owners, torn_bytes });
            } else {
                let seals = match sealed {
                    true => format!("every seal fits, and so do the keys of {owners} owners"),
                    false => "no key to look at the seals or at files of keys with".into(),
                };
                paper.line(format_args!("whole: {entries} entries, {seals}"));
                if torn_bytes > 0 {
                    paper.line(format_args!(
                        "torn   {torn_bytes} bytes at the end, of an entry whose writing was stopped: it was not done"
                    ));
                }
                paper.line(format_args!("note   {entries}:{digest}"));
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn lines(place: &Place, mut keep: impl FnMut(&Line) -> bool) -> Result<Vec<Line>, Failure> {
    let (directory, _) = place.directory()?;
    let mut lines = Vec::new();
    let visited = entries(&directory, |line| {
        if keep(line) {
            lines.push(line.clone());
        }
    });
    visited.map_err(of_store)?;
    Ok(lines)
}

fn list(args: &ListArgs) -> Result<ExitCode, Failure> {
    let mut data = lines(&args.place, |line| args.on.as_ref().is_none_or(|on| *on == line.on))?;
    data.drain(..data.len().saturating_sub(args.most));
    let mut paper = Paper::new();
    if args.json {
        paper.json(&List { object: "list", data, next: None });
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = Table::new(&[">NO", "AT", "BY", "ACT", "ON", "WHAT AND WHY"]);
    for line in data {
        let by = if line.second.is_empty() { line.by } else { format!("{}, {}", line.by, line.second) };
        let mut told = line.changes;
        told.push(line.reason);
        table.row([line.number.to_string(), line.at, by, line.act, line.on, told.join("; ")]);
    }
    paper.text(table);
    Ok(ExitCode::SUCCESS)
}

fn export(args: &ExportArgs) -> Result<ExitCode, Failure> {
    let mut paper = Paper::new();
    for line in lines(&args.place, |line| line.number >= args.from)? {
        paper.line(serde_json::to_string(&line).expect("texts and numbers"));
    }
    Ok(ExitCode::SUCCESS)
}
