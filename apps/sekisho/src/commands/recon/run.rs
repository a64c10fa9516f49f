//! `sekisho recon run`

use super::{door, status};
use crate::commands::door::{Door, Which};
use crate::commands::link::door::{Failure, at, one};
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
    let is_over = |state: &str| matches!(state, "balanced" | "out-of-balance" | "refused");
    let all_over = |seen: &[ReconJson]| !seen.is_empty() && seen.iter().all(|one| is_over(&one.state));
    let waits = if all_over(&seen) { None } else { awaited(&at_door, &args.link)? };
    if let Some(waits) = &waits {
        eprintln!("{waits}");
    }
    let deadline = Instant::now() + Duration::from_secs(args.timeout);
    while !(args.no_wait || all_over(&seen)) {
        if Instant::now() >= deadline {
            return Err(Failure::Said {
                code: "REC2004-E",
                said: format!("the totals of {} with {} are not compared yet", args.day, args.link),
                state: waits.unwrap_or_else(|| "they stay to be sent, and are repeated".into()),
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

/// What has to happen before the totals can be sent, where something has.
fn awaited(door: &Door, name: &str) -> Result<Option<String>, Failure> {
    let link = one(door, name)?;
    let here = at(door);
    let next = match link.state.as_str() {
        "signed-on" | "draining" => return Ok(None),
        "connected" if link.open => return Ok(None),
        "disconnected" => format!("sekisho wait link {name} --for connected{here}"),
        "maintenance" => format!("sekisho link ready {name}{here}"),
        _ => format!("sekisho link sign-on {name}{here}"),
    };
    Ok(Some(format!("link/{name} is {}: the totals go out when it is signed on   ({next})", link.state)))
}
