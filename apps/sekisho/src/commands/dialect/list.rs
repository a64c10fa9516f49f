//! `sekisho dialect ls`

use crate::commands::paper::Paper;
use crate::commands::table::Table;
use dialects::{Dialect, Outline};
use serde::Serialize;
use std::process::ExitCode;

/// How to list dialects.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct List {
    object: &'static str,
    data: Vec<Row>,
    next: Option<u64>,
}

#[derive(Serialize)]
struct Row {
    name: String,
    edition: &'static str,
    numbers: String,
    bitmap: String,
    framing: String,
    fields: usize,
    summary: String,
}

/// Does it.
pub(super) fn run(args: &Args) -> ExitCode {
    let rows: Vec<Row> = Dialect::shipped().iter().filter_map(|(_, toml)| Row::of(toml)).collect();
    let mut paper = Paper::new();
    if args.json {
        paper.json(&List { object: "list", data: rows, next: None });
        return ExitCode::SUCCESS;
    }
    let mut table = Table::new(&["NAME", "EDITION", "NUMBERS/BITMAP", "FRAMING", ">FIELDS", "SUMMARY"]);
    for row in rows {
        let coding = format!("{}/{}", row.numbers, row.bitmap);
        let cells = [row.name, row.edition.into(), coding, row.framing, row.fields.to_string(), row.summary];
        table.row(cells);
    }
    paper.text(table);
    ExitCode::SUCCESS
}

impl Row {
    fn of(toml: &str) -> Option<Self> {
        let (dialect, outline) = (Dialect::load(toml).ok()?, Dialect::outline(toml)?);
        Some(Self {
            name: dialect.name().into(),
            edition: outline.edition,
            numbers: coding(&outline, "numbers"),
            bitmap: coding(&outline, "bitmap"),
            framing: dialect.framing().into(),
            fields: dialect.spec().fields.iter().flatten().count(),
            summary: dialect.summary().into(),
        })
    }
}

fn coding(outline: &Outline, sort: &str) -> String {
    outline.style.iter().find(|(one, _)| *one == sort).map_or_else(String::new, |(_, coding)| coding.clone())
}
