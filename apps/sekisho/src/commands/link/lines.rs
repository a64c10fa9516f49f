//! `sekisho link lines|cut`: the connections of one link, and breaking one of them.

use super::door::{Failure, at, in_a_path, no_such_link, unreachable};
use crate::commands::control::Reply;
use crate::commands::door::{Door, Which};
use crate::commands::paper::Paper;
use crate::commands::table::Table;
use crate::exit;
use crate::run::links::LineJson;
use serde::Serialize;
use serde_json::json;
use std::process::ExitCode;

/// Which link, and how.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit: 0 shown · 3 no switch answers · 5 no such link")]
pub struct Args {
    /// The link (sekisho link ls)
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    which: Which,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Which connection.
#[derive(Debug, clap::Args)]
#[command(after_help = "What is in flight on it counts as unanswered, as where a connection is lost.\n\
                        Exit: 0 closed, or nothing stood there · 3 no switch answers · 5 no such link or connection")]
pub struct CutArgs {
    /// The link (sekisho link ls)
    #[arg(value_name = "NAME")]
    name: String,
    /// The connection (sekisho link lines)
    #[arg(value_name = "NO")]
    number: usize,
    #[command(flatten)]
    which: Which,
    /// Who orders it; without it, whoever is logged in
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

/// `--json`. Fields are added to it, never changed.
#[derive(Serialize)]
struct List<'a> {
    object: &'static str,
    data: &'a [LineJson],
    next: Option<u64>,
}

/// Shows them.
pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let lines = all(&args.which.door()?, &args.name)?;
    let mut paper = Paper::new();
    match args.json {
        true => paper.json(&List { object: "list", data: &lines, next: None }),
        false => paper.text(table(&lines)),
    }
    Ok(ExitCode::SUCCESS)
}

/// Breaks one.
pub(super) fn run_cut(args: &CutArgs) -> Result<ExitCode, Failure> {
    let door = args.which.door()?;
    let CutArgs { name, number, .. } = args;
    if !cut(&door, name, *number, door.by(args.by.as_deref()).as_deref())? {
        return Err(Failure::Said {
            code: "LNK2010-E",
            said: format!("link \"{name}\" has no connection {number}"),
            state: "nothing was changed".into(),
            next: format!("sekisho link lines {name}{}", at(&door)),
            exit: exit::NO_SUCH_THING,
        });
    }
    Paper::new().line(format_args!("link/{name} connection {number} closed"));
    Ok(ExitCode::SUCCESS)
}

/// Every connection of a link, those of a pair together.
pub(crate) fn all(door: &Door, name: &str) -> Result<Vec<LineJson>, Failure> {
    let place = format!("/v1/links/{}/lines", in_a_path(name)?);
    let reply = door.get(&place).map_err(|error| unreachable(door, error))?;
    if reply.status == 404 {
        return Err(no_such_link(door, name));
    }
    let data = serde_json::from_value(reply.body["data"].clone());
    data.map_err(|_| unreachable(door, door.strange()))
}

/// Breaks a connection; `false` where there is none of that number.
pub(crate) fn cut(door: &Door, name: &str, number: usize, by: Option<&str>) -> Result<bool, Failure> {
    let place = format!("/v1/links/{}/lines/{number}/cut", in_a_path(name)?);
    let Reply { status, body } =
        door.post(&place, &json!({ "by": by })).map_err(|error| unreachable(door, error))?;
    match (status, body["code"].as_str()) {
        (200, _) => Ok(true),
        (404, Some("no_such_line")) => Ok(false),
        (404, _) => Err(no_such_link(door, name)),
        _ => {
            let said = body["said"].as_str().unwrap_or("no").to_owned();
            Err(Failure::Unknown { said, next: format!("sekisho link lines {name}{}", at(door)) })
        }
    }
}

/// For people.
pub(crate) fn table(lines: &[LineJson]) -> Table {
    let mut table = Table::new(&[">NO", "WHO CALLS", "STATE", "PEER", "WHY"]);
    for line in lines {
        let peer = line.peer.clone().unwrap_or_else(|| "-".into());
        let why = line.said.clone().unwrap_or_default();
        table.row([line.number.to_string(), line.called_by.clone(), line.state.clone(), peer, why]);
    }
    table
}
