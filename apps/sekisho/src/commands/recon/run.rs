//! `sekisho recon run`

use super::{door, status};
use crate::commands::door::Which;
use crate::commands::link::door::{self as links, Failure, at};
use crate::commands::paper::Paper;
use crate::exit;
use crate::run::days::ReconJson;
use serde_json::json;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Which day, and how long to wait.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Sends the totals of a day that has ended now, or once more; what was told before is told \
                        again word for word.\n\nExit: 0 balanced · 1 out of balance or refused · 3 no switch answers · \
                        5 no such link or day · 6 refused as things stand · 7 no answer in time"
)]
pub struct Args {
    /// With which host
    #[arg(value_name = "LINK")]
    link: String,
    /// Which day: 2026-11-22
    #[arg(value_name = "DATE")]
    day: String,
    #[command(flatten)]
    which: Which,
    /// Give the order and do not wait for what becomes of it
    #[arg(long)]
    no_wait: bool,
    /// Longest wait, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    timeout: u64,
    /// Who orders it; without it, whoever is logged in
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Does it.
pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let at_door = args.which.door()?;
    let by = at_door.by(args.by.as_deref());
    let mut seen = door::order(&at_door, &args.link, &args.day, by.as_deref())?;
    let deadline = Instant::now() + Duration::from_secs(args.timeout);
    let is_over = |state: &str| matches!(state, "balanced" | "out-of-balance" | "refused");
    let all_over = |seen: &[ReconJson]| !seen.is_empty() && seen.iter().all(|one| is_over(&one.state));
    while !(args.no_wait || all_over(&seen)) {
        let link = links::one(&at_door, &args.link)?;
        let in_session = link.open || link.state == "draining";
        if !in_session {
            let (said, state) = (
                format!("the totals of {} with {} wait for the link", args.day, args.link),
                links::standing(&link),
            );
            let next = match (link.sign_on.as_str(), link.state.as_str()) {
                (_, "disconnected") | ("none", _) => {
                    format!("sekisho wait link {} --for open{}", args.link, at(&at_door))
                }
                (_, "maintenance") => format!("sekisho link ready {}{}", args.link, at(&at_door)),
                _ => format!("sekisho link sign-on {}{}", args.link, at(&at_door)),
            };
            return Err(Failure::Said { code: "REC2005-E", said, state, next, exit: exit::TIMED_OUT });
        }
        if Instant::now() >= deadline {
            return Err(Failure::Said {
                code: "REC2004-E",
                said: format!("the totals of {} with {} are not compared yet", args.day, args.link),
                state: "they stay to be sent, and are repeated".into(),
                next: format!("sekisho recon status --link {}{}", args.link, at(&at_door)),
                exit: exit::TIMED_OUT,
            });
        }
        std::thread::sleep(Duration::from_millis(50));
        seen = door::all(&at_door)?;
        seen.retain(|one| one.link == args.link && one.business_date == args.day);
    }
    let mut paper = Paper::new();
    match args.json {
        true => paper.json(&json!({ "object": "list", "data": seen, "next": null })),
        false => status::show(&seen, &mut paper),
    }
    let is_good = args.no_wait || seen.iter().all(|one| one.is_balanced());
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
