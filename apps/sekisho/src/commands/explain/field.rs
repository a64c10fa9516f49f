//! `sekisho explain field`

use crate::commands::dialect::find::{self, NotFound};
use crate::commands::paper::Paper;
use crate::commands::table::Table;
use crate::exit;
use dialects::{Dialect, Outline};
use serde::Serialize;
use std::process::ExitCode;

/// Which element, and where.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The number of the data element
    #[arg(value_name = "N")]
    de: u8,
    /// As this dialect (or dialect file) has it; without it, as each shipped one does
    #[arg(long, value_name = "NAME|FILE")]
    dialect: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// One dialect's element. Fields are added to it, never changed.
#[derive(Serialize)]
struct Explained {
    object: &'static str,
    de: u8,
    dialect: String,
    name: String,
    format: String,
    /// What the switch knows it as; `null` where it is nothing the switch knows.
    known_as: Option<&'static str>,
    /// Message types that must have it.
    mandatory_in: Vec<String>,
    /// Message types that must not.
    forbidden_in: Vec<String>,
    /// Message types whose answer brings it back.
    echoed_in: Vec<String>,
}

#[derive(Serialize)]
struct List {
    object: &'static str,
    data: Vec<Explained>,
    next: Option<u64>,
}

/// Does it.
pub(super) fn run(args: &Args) -> ExitCode {
    let explained = match explained(args) {
        Ok(explained) => explained,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(error.exit_code());
        }
    };
    if explained.is_empty() {
        let whose = args
            .dialect
            .as_deref()
            .map_or("no shipped dialect has an element".into(), |name| format!("{name} has no element"));
        eprintln!("error  {whose} {}", args.de);
        return ExitCode::from(exit::NO_SUCH_THING);
    }
    let mut paper = Paper::new();
    match (args.json, &args.dialect) {
        (true, _) => paper.json(&List { object: "list", data: explained, next: None }),
        (false, Some(_)) => explained.iter().for_each(|one| paper.text(in_full(one))),
        (false, None) => paper.text(side_by_side(&explained)),
    }
    ExitCode::SUCCESS
}

fn explained(args: &Args) -> Result<Vec<Explained>, NotFound> {
    let names: Vec<&str> = match &args.dialect {
        Some(name) => vec![name.as_str()],
        None => Dialect::shipped().iter().map(|(name, _)| *name).collect(),
    };
    let mut all = Vec::new();
    for name in names {
        let found = find::one(name)?;
        let outline = Dialect::outline(&found.toml);
        all.extend(outline.and_then(|outline| of(&found.dialect, &outline, args.de)));
    }
    Ok(all)
}

fn of(dialect: &Dialect, outline: &Outline, de: u8) -> Option<Explained> {
    let shape = dialect.explain(de)?;
    let types = |has: fn(&dialects::Presence) -> &Vec<u8>| {
        let having = outline.messages.iter().filter(|message| has(message).contains(&de));
        having.map(|message| message.mti.clone()).collect()
    };
    Some(Explained {
        object: "field",
        de,
        dialect: dialect.name().into(),
        name: shape.name.into(),
        format: shape.format,
        known_as: outline.map.iter().find(|(known, _)| *known == de).map(|(_, noun)| *noun),
        mandatory_in: types(|message| &message.mandatory),
        forbidden_in: types(|message| &message.forbidden),
        echoed_in: types(|message| &message.echo),
    })
}

fn in_full(one: &Explained) -> Table {
    let mut table = Table::new(&["", ""]);
    let mut row = |name: &str, text: &str| table.row([name.to_string(), text.to_string()]);
    row(&format!("DE {}", one.de), &one.name);
    row("dialect", &one.dialect);
    row("format", &one.format);
    row("the switch", one.known_as.unwrap_or("does not read it; it is not passed on either"));
    for (name, types) in [
        ("mandatory in", &one.mandatory_in),
        ("forbidden in", &one.forbidden_in),
        ("comes back in", &one.echoed_in),
    ] {
        if !types.is_empty() {
            row(name, &types.join(" "));
        }
    }
    table
}

fn side_by_side(all: &[Explained]) -> Table {
    let mut table = Table::new(&["DIALECT", "FORMAT", "KNOWN AS", "NAME"]);
    for one in all {
        let known_as = one.known_as.unwrap_or("-");
        table.row([one.dialect.clone(), one.format.clone(), known_as.into(), one.name.clone()]);
    }
    table
}
