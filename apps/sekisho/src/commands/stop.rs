//! `sekisho stop`: the end of a running switch, in order or at once.

use super::door::{Door, Which};
use super::link::door::{Failure, at, unreachable};
use super::paper::Paper;
use crate::exit;
use serde_json::json;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// How to stop.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "In order: nothing new begins, what is in flight is decided and told, the journal is \
                        closed. Refused while a link is signed on or an application has \
                        a session open.\nBy force: what is in flight is decided by \
                        silence at the next start, which is a recovery.\nExit: 0 stopped · 3 no switch answers · 6 \
                        refused, a link is signed on · 7 not in time · 8 not known"
)]
pub struct Args {
    #[command(flatten)]
    which: Which,
    /// Sign off first what is signed on
    #[arg(long, conflicts_with = "force")]
    sign_off: bool,
    /// End at once, without the clean mark: the next start is a recovery
    #[arg(long)]
    force: bool,
    /// Give the order and do not wait for the end
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

/// How often it is looked whether it still answers.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Does it.
pub fn run(args: &Args) -> ExitCode {
    stop(args).unwrap_or_else(|failure| {
        eprintln!("{failure}");
        ExitCode::from(failure.exit_code())
    })
}

fn stop(args: &Args) -> Result<ExitCode, Failure> {
    let door = args.which.door()?;
    order(args, &door)?;
    let ended = if args.no_wait { false } else { wait_for_the_end(args, &door)? };
    let said = match (args.force, ended) {
        (true, true) => "stopped at once; the next start is a recovery",
        (false, true) => "stopped in order",
        (true, false) => "stopping at once; the next start is a recovery",
        (false, false) => "stopping: nothing new begins",
    };
    let mut paper = Paper::new();
    match args.json {
        true => paper.json(&json!({ "object": "stop", "force": args.force, "ended": ended })),
        false => paper.line(said),
    }
    Ok(ExitCode::SUCCESS)
}

fn order(args: &Args, door: &Door) -> Result<(), Failure> {
    let by = door.by(args.by.as_deref());
    let unless_sessions = !args.force && !args.sign_off;
    let body = json!({
        "by": by,
        "force": args.force,
        "sign_off": args.sign_off,
        "unless_sessions": unless_sessions
    });
    let not_known = |said: String| Failure::Unknown { said, next: format!("sekisho status{}", at(door)) };
    let reply = door.post("/v1/stop", &body).map_err(|error| match error {
        error if !error.may_have_been_heard() => unreachable(door, error),
        error => not_known(error.to_string()),
    })?;
    match (reply.status, reply.body["code"].as_str()) {
        (200, _) => Ok(()),
        (409, Some("not_signed_off")) => {
            let said = reply.body["said"].as_str().unwrap_or("a link is signed on");
            let first = reply.body["links"][0].as_str().unwrap_or("NAME");
            let here = at(door);
            Err(Failure::Said {
                code: "SYS1003-E",
                said: format!("it cannot stop in order: {said}"),
                state: "nothing was changed; business goes on".into(),
                next: format!(
                    "sekisho link sign-off {first}{here}   sekisho stop --sign-off{here}   (by force: --force)"
                ),
                exit: exit::REFUSED,
            })
        }
        (409, Some("sessions_open")) => {
            let here = at(door);
            Err(Failure::Said {
                code: "SYS1005-E",
                said: format!("it cannot stop in order: {}", reply.body["said"].as_str().unwrap_or("in use")),
                state: "nothing was changed; business goes on".into(),
                next: format!(
                    "sekisho link sessions{here}   sekisho stop --sign-off{here}   (by force: --force)"
                ),
                exit: exit::REFUSED,
            })
        }
        _ => Err(not_known(reply.body["said"].as_str().unwrap_or("no").into())),
    }
}

/// It has ended when nobody holds its socket any more.
fn wait_for_the_end(args: &Args, door: &Door) -> Result<bool, Failure> {
    let deadline = Instant::now() + Duration::from_secs(args.timeout);
    while door.is_answered() {
        if Instant::now() >= deadline {
            return Err(Failure::Said {
                code: "SYS1004-E",
                said: format!("it has not ended in {} s", args.timeout),
                state: "stopping: nothing new begins, it waits for what is in flight".into(),
                next: format!("sekisho status{}   (by force: sekisho stop --force)", at(door)),
                exit: exit::TIMED_OUT,
            });
        }
        std::thread::sleep(LOOK_EVERY);
    }
    Ok(true)
}
