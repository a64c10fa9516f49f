//! `sekisho cutover`: the business day of each host, and asking for the next.

use super::door::Which;
use super::link::door::{Failure, all};
use super::link::order;
use super::paper::Paper;
use super::table::Table;
use crate::run::links::LinkJson;
use serde::Serialize;
use std::process::ExitCode;

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// The business day of every link, and how far its change is (reads)
    Status(StatusArgs),
    /// Ask the peer to begin its next day, and wait until it has (changes)
    Start(order::Args),
}

/// How to show.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit: 0 shown · 3 no switch answers")]
pub struct StatusArgs {
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
    data: Vec<Row<'a>>,
    next: Option<u64>,
}

/// Does it. The peer moves the day, never we: that it accepts our wish promises nothing.
pub fn run(command: Command) -> ExitCode {
    let done = match command {
        Command::Status(args) => status(&args),
        Command::Start(args) => order::run(&args, journal::LinkOrder::AskCutover),
    };
    done.unwrap_or_else(|failure| {
        eprintln!("{failure}");
        ExitCode::from(failure.exit_code())
    })
}

fn status(args: &StatusArgs) -> Result<ExitCode, Failure> {
    let links = all(&args.which.door()?)?;
    let mut paper = Paper::new();
    if args.json {
        let data = links.iter().map(row).collect();
        paper.json(&List { object: "list", data, next: None });
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = Table::new(&["LINK", "DAY", "STAGE", ">OWED", "STATE"]);
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
