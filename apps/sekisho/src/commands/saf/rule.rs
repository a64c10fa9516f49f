//! `sekisho saf hold|release|retry|settle`

use super::door::Failure;
use crate::commands::door::Which;
use crate::commands::paper::Paper;
use journal::Ruling;
use serde_json::json;
use std::process::ExitCode;

/// Which message, and why.
#[derive(Debug, clap::Args)]
#[command(after_help = "The order and its reason stand in the journal for ever.\n\
                        Exit: 0 done or already so · 3 no switch answers · 5 no such message · 6 refused · \
                        8 not known whether it was done")]
pub struct Args {
    /// The number of the owed message (sekisho saf ls)
    #[arg(value_name = "ID")]
    id: u64,
    #[command(flatten)]
    which: Which,
    /// Why, at most 64 bytes: a ticket, a name at the host, what was found
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Who orders it; without it, whoever is logged in
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The same, and how it ended.
#[derive(Debug, clap::Args)]
pub struct SettleArgs {
    #[command(flatten)]
    pub(super) order: Args,
    /// How the transaction stands at its host now; without it, applications are not told how it ended
    #[arg(long, value_name = "HOW")]
    pub(super) ended: Option<Ended>,
}

/// How a transaction stands when a person has settled it.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(super) enum Ended {
    /// It is done, and stands
    Done,
    /// Nothing of it stands
    Undone,
}

/// Does it.
pub(super) fn run(args: &Args, ruling: Ruling, ended: Option<Ended>) -> Result<ExitCode, Failure> {
    let door = args.which.door()?;
    let mut body = json!({ "by": door.by(args.by.as_deref()), "reason": args.reason });
    if let Some(ended) = ended {
        body["ended"] = json!(match ended {
            Ended::Done => "done",
            Ended::Undone => "undone",
        });
    }
    let place = format!("/v1/saf/{}/{}", args.id, ruling.name());
    let reply = door.post(&place, &body).map_err(|error| door.unanswered(args.id, error))?;
    if reply.status != 200 {
        return Err(door.refusal(args.id, &format!("cannot {} saf/{}", ruling.name(), args.id), &reply));
    }
    let mut paper = Paper::new();
    if args.json {
        paper.json(&reply.body);
    } else {
        let already = if reply.body["already"] == true { "already " } else { "" };
        let state = reply.body["state"].as_str().unwrap_or("?");
        paper.line(format_args!("saf/{} {already}{}; it is {state} now", args.id, done(ruling)));
    }
    Ok(ExitCode::SUCCESS)
}

const fn done(ruling: Ruling) -> &'static str {
    match ruling {
        Ruling::Hold => "held",
        Ruling::Release => "released",
        Ruling::Retry => "retried",
        Ruling::Settle => "settled",
    }
}
