//! `sekisho link watch`

use super::door::{Failure, all};
use crate::commands::door::Which;
use crate::commands::paper::Paper;
use crate::run::links::LinkJson;
use serde::Serialize;
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

/// How often the switch is asked. Changes in between are told all the same: it remembers the last of them.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Which links.
#[derive(Debug, clap::Args)]
#[command(after_help = "Each line is one change; those of before are told first. Ends with Ctrl-C, or with \
                        --most.\nExit: 0 told · 3 no switch answers")]
pub struct Args {
    /// Only these links
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    #[command(flatten)]
    which: Which,
    /// End after so many changes
    #[arg(long, value_name = "N")]
    most: Option<u64>,
    /// Leave out what happened before
    #[arg(long)]
    new: bool,
    /// Print JSON, one object a line
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Line<'a> {
    object: &'static str,
    link: &'a str,
    #[serde(flatten)]
    change: &'a crate::run::links::ChangeJson,
}

/// Does it.
pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let door = args.which.door()?;
    let mut paper = Paper::new();
    let mut told: BTreeMap<String, u64> = BTreeMap::new();
    let mut left = args.most.unwrap_or(u64::MAX);
    if args.new {
        told.extend(all(&door)?.iter().map(|link| (link.name.clone(), link.changes())));
    }
    loop {
        for link in all(&door)?.iter().filter(|link| args.names.is_empty() || args.names.contains(&link.name))
        {
            let from = told.insert(link.name.clone(), link.changes()).unwrap_or(0);
            left = tell(&mut paper, link, from, left, args.json);
        }
        paper.flush();
        if left == 0 || paper.is_closed() {
            return Ok(ExitCode::SUCCESS);
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Tells the changes of a link behind that number; says how many more are wanted.
fn tell(paper: &mut Paper, link: &LinkJson, from: u64, mut left: u64, json: bool) -> u64 {
    for change in link.history.iter().filter(|change| change.number > from) {
        if left == 0 {
            break;
        }
        left -= 1;
        if json {
            paper.json(&Line { object: "link_change", link: &link.name, change });
        } else {
            let by = if change.by.is_empty() { String::new() } else { format!(" by {}", change.by) };
            paper.line(format_args!("{}  {}  {}  {}{by}", change.at, link.name, change.state, change.said));
        }
    }
    left
}
