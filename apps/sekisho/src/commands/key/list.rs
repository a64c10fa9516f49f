use super::place::{Place, no_such_key, owner};
use crate::commands::link::door::Failure;
use crate::commands::paper::Paper;
use crate::commands::table::Table;
use hsm::ops::Role;
use keys::{HeldKey, Owner};
use serde::Serialize;
use std::process::ExitCode;

/// Which, and how to show them.
#[derive(Debug, clap::Args)]
#[command(after_help = "Keys are shown by check value and never otherwise.")]
pub struct Args {
    /// Those that are over, too
    #[arg(long)]
    all: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

/// Whose, and how to show them.
#[derive(Debug, clap::Args)]
pub struct ShowArgs {
    /// link/NAME, listener/NAME, terminal/ID or house
    #[arg(value_name = "OWNER", value_parser = owner)]
    owner: Owner,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

/// `--json`. Fields are added to it, never changed.
#[derive(Serialize)]
pub(super) struct KeyJson {
    object: &'static str,
    owner: String,
    key: &'static str,
    generation: u32,
    state: &'static str,
    check_value: String,
    origin: &'static str,
    made_at: String,
    since: String,
    until: Option<String>,
    awaits_keys: bool,
}

#[derive(Serialize)]
struct List {
    object: &'static str,
    data: Vec<KeyJson>,
    next: Option<u64>,
}

impl KeyJson {
    pub(super) fn of(owner: &Owner, key: &HeldKey, awaits_keys: bool) -> Self {
        Self {
            object: "key",
            owner: owner.to_string(),
            key: key.role.name(),
            generation: key.generation,
            state: key.state.name(),
            check_value: key.check.to_string(),
            origin: key.origin.name(),
            made_at: key.made_at.to_string(),
            since: key.since.to_string(),
            until: key.until.map(|until| until.to_string()),
            awaits_keys: awaits_keys && matches!(key.role, Role::Tpk | Role::Tak),
        }
    }
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let mut desk = args.place.desk()?;
    let mut data = Vec::new();
    for owner in desk.store.owners().map_err(super::of_store)? {
        let holding = desk.holding(&owner)?;
        let shown = holding.keys().iter().filter(|key| args.all || !key.state.is_over());
        data.extend(shown.map(|key| KeyJson::of(&owner, key, holding.awaits_keys())));
    }
    print(data, args.json);
    Ok(ExitCode::SUCCESS)
}

pub(super) fn show(args: &ShowArgs) -> Result<ExitCode, Failure> {
    let mut desk = args.place.desk()?;
    let holding = desk.holding(&args.owner)?;
    if holding.keys().is_empty() {
        return Err(no_such_key(&args.owner, "key"));
    }
    let of = |key| KeyJson::of(&args.owner, key, holding.awaits_keys());
    print(holding.keys().iter().map(of).collect(), args.json);
    Ok(ExitCode::SUCCESS)
}

fn print(data: Vec<KeyJson>, json: bool) {
    let mut paper = Paper::new();
    if json {
        return paper.json(&List { object: "list", data, next: None });
    }
    let mut table = Table::new(&["OWNER", "KEY", ">GEN", "STATE", "KCV", "ORIGIN", "SINCE", "UNTIL"]);
    for key in data {
        let state = if key.awaits_keys { "void" } else { key.state };
        let until = key.until.unwrap_or_else(|| "-".into());
        let generation = key.generation.to_string();
        let row = [
            key.owner,
            key.key.into(),
            generation,
            state.into(),
            key.check_value,
            key.origin.into(),
            key.since,
            until,
        ];
        table.row(row);
    }
    paper.text(table);
}
