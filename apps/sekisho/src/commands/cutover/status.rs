//! `sekisho cutover status`

use super::{OWN, days};
use crate::commands::door::Which;
use crate::commands::link::door::{Failure, all};
use crate::commands::paper::Paper;
use crate::commands::table::Table;
use crate::run::days::OwnJson;
use crate::run::links::LinkJson;
use serde::Serialize;
use std::process::ExitCode;

/// How to show.
#[derive(Debug, clap::Args)]
#[command(after_help = "The first line is the switch's own day, where the configuration has [day].\n\n\
                        Exit: 0 shown · 3 no switch answers")]
pub struct Args {
    #[command(flatten)]
    which: Which,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// `--json`. Fields are added to it, never changed.
#[derive(Serialize)]
struct Row<'a> {
    link: &'a str,
    business_date: Option<&'a str>,
    stage: &'a str,
    state: &'a str,
    pending: usize,
}

#[derive(Serialize)]
struct List<'a> {
    object: &'static str,
    own: Option<&'a OwnJson>,
    data: Vec<Row<'a>>,
    next: Option<u64>,
}

/// Does it.
pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let door = args.which.door()?;
    let (days, links) = (days(&door)?, all(&door)?);
    let mut paper = Paper::new();
    if args.json {
        let data = links.iter().map(row).collect();
        paper.json(&List { object: "list", own: days.own.as_ref(), data, next: None });
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = Table::new(&["LINK", "DAY", "STAGE", ">OWED", "STATE"]);
    if let Some(own) = &days.own {
        let by = if own.by.is_empty() { own.moves.clone() } else { format!("by {}", own.by) };
        table.row([OWN.into(), own.business_date.clone(), "open".into(), String::new(), by]);
    }
    for link in &links {
        let day = link.business_date.clone().unwrap_or_else(|| "not known".into());
        let owed = link.pending.to_string();
        table.row([link.name.clone(), day, link.cutover.clone(), owed, link.state.clone()]);
    }
    paper.text(table);
    Ok(ExitCode::SUCCESS)
}

fn row(link: &LinkJson) -> Row<'_> {
    Row {
        link: &link.name,
        business_date: link.business_date.as_deref(),
        stage: &link.cutover,
        state: &link.state,
        pending: link.pending,
    }
}
