//! `sekisho link sessions`: applications that are in.

use super::door::{Failure, unreachable};
use crate::commands::door::Which;
use crate::commands::paper::Paper;
use crate::commands::table::Table;
use serde_json::Value;
use std::process::ExitCode;

/// Which switch, and how.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit: 0 listed · 3 no switch answers")]
pub struct Args {
    /// Those of this link alone, and those of all links
    #[arg(value_name = "NAME")]
    link: Option<String>,
    #[command(flatten)]
    which: Which,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Does it.
pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let door = args.which.door()?;
    let reply = door.get("/v1/sessions").map_err(|error| unreachable(&door, error))?;
    let Some(all) = reply.body["data"].as_array().filter(|_| reply.status == 200) else {
        return Err(unreachable(&door, door.strange()));
    };
    let is_about = |session: &&Value| {
        args.link.is_none() || session["link"].is_null() || session["link"].as_str() == args.link.as_deref()
    };
    let sessions: Vec<&Value> = all.iter().filter(is_about).collect();
    let mut paper = Paper::new();
    if args.json {
        paper.json(&serde_json::json!({ "object": "list", "data": sessions, "next": null }));
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = Table::new(&[">NO", "APPLICATION", "LINK", "CALLER", "STATE", "SINCE"]);
    let text = |session: &Value, name: &str| session[name].as_str().unwrap_or("-").to_owned();
    for session in sessions {
        table.row([
            session["number"].to_string(),
            text(session, "application"),
            text(session, "link"),
            text(session, "caller"),
            text(session, "state"),
            text(session, "opened_at"),
        ]);
    }
    paper.text(table);
    Ok(ExitCode::SUCCESS)
}
