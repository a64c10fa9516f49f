//! `sekisho recovery run`

use super::stands::{asked, print, understood};
use crate::commands::door::Which;
use crate::commands::link::door::{Failure, at, unreachable};
use crate::exit;
use serde_json::json;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Of which switch, and how long to wait.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    which: Which,
    /// Who orders it; without it, whoever is logged in
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Longest wait, in seconds; 0 to order it and go
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    timeout: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// How often the switch is asked.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Does it.
pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let door = args.which.door()?;
    let by = door.by(args.by.as_deref());
    let reply = door.post("/v1/recovery", &json!({ "by": by })).map_err(|error| match error {
        error if !error.may_have_been_heard() => unreachable(&door, error),
        error => Failure::Unknown { said: error.to_string(), next: format!("sekisho recovery{}", at(&door)) },
    })?;
    if reply.status != 200 {
        return Err(Failure::Said {
            code: "DAY3101-E",
            said: reply.body["said"].as_str().unwrap_or("no").to_string(),
            state: "nothing was changed".into(),
            next: format!("sekisho recovery{}", at(&door)),
            exit: exit::REFUSED,
        });
    }
    let mut recovery = understood(&door, reply.body)?;
    let deadline = Instant::now() + Duration::from_secs(args.timeout);
    while recovery.state != "done" {
        if args.timeout > 0 && Instant::now() >= deadline {
            return Err(Failure::Said {
                code: "DAY3102-E",
                said: format!("not every host was told in {} s", args.timeout),
                state: format!("{} messages are left; they go out as their links open", recovery.left),
                next: format!("sekisho recovery{0}   sekisho link ls{0}", at(&door)),
                exit: exit::TIMED_OUT,
            });
        }
        if args.timeout == 0 {
            break;
        }
        std::thread::sleep(LOOK_EVERY);
        recovery = asked(&door)?;
    }
    print(&recovery, args.json);
    Ok(ExitCode::SUCCESS)
}
