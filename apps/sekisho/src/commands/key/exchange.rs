//! `sekisho key exchange`

use super::person::person;
use super::place::{Why, owner};
use crate::commands::control::{Reply, Unreachable};
use crate::commands::door::{Door, Which};
use crate::commands::link::door::{Failure, unreachable};
use crate::commands::paper::Paper;
use crate::exit;
use keys::Owner;
use serde_json::{Value, json};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// With whom, and why.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The switch must run. Who draws the keys says [link.key_exchange]; an exchange that a host does not accept is tried three
times with other keys each time, and the keys in force stay.")]
pub struct Args {
    /// link/NAME
    #[arg(value_name = "OWNER", value_parser = owner)]
    owner: Owner,
    /// Give the order and leave
    #[arg(long)]
    no_wait: bool,
    /// How long to wait for the end
    #[arg(long, value_name = "S", default_value_t = 200)]
    timeout_s: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    why: Why,
    #[command(flatten)]
    which: Which,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let Owner::Link(name) = args.owner else {
        let next = "a terminal and an access system fetch theirs: their own message begins it";
        return Err(said("KEY2021-E", "an exchange is begun with a link".to_string(), next, exit::USAGE));
    };
    let door = args.which.door()?;
    // Of a switch elsewhere the key says who it is.
    let by = if door.is_here() { Some(person()?) } else { None };
    let place = format!("/v1/keys/exchange/{name}");
    let body = json!({ "by": by, "reason": args.why.reason });
    let before = understood(&door, door.post(&place, &body))?;
    let ended = before["ended"].as_u64().unwrap_or(0);
    let deadline = Instant::now() + Duration::from_secs(args.timeout_s);
    let mut shown = before;
    while !args.no_wait && (shown["under_way"] == true || shown["ended"].as_u64() == Some(ended)) {
        if Instant::now() >= deadline {
            let said_so = format!("the exchange with {name} has not ended in {} s", args.timeout_s);
            return Err(said("KEY2022-E", said_so, "sekisho key ls", exit::TIMED_OUT));
        }
        std::thread::sleep(Duration::from_millis(50));
        shown = understood(&door, door.get(&place))?;
    }
    let mut paper = Paper::new();
    if let Some(why) = shown["failed"].as_str().filter(|_| !args.no_wait) {
        let next = format!("sekisho link show {name}   sekisho key show link/{name}");
        return Err(said(
            "KEY2023-E",
            format!("keys with {name} were not exchanged: {why}"),
            &next,
            exit::REFUSED,
        ));
    }
    match args.json {
        true => paper.json(&shown),
        false if args.no_wait => paper.line(format_args!("key/{} exchange begun", args.owner)),
        false => paper.line(format_args!("key/{} exchanged", args.owner)),
    }
    Ok(ExitCode::SUCCESS)
}

fn understood(door: &Door, reply: Result<Reply, Unreachable>) -> Result<Value, Failure> {
    let reply = reply.map_err(|error| unreachable(door, error))?;
    match reply.status {
        200 => Ok(reply.body),
        404 => {
            let why = reply.body["said"].as_str().unwrap_or("no").to_string();
            Err(said("KEY2020-E", why, "sekisho link ls", exit::NO_SUCH_THING))
        }
        _ => {
            let why = reply.body["said"].as_str().unwrap_or("no").to_string();
            Err(said("KEY2024-E", why, "sekisho key exchange", exit::REFUSED))
        }
    }
}

fn said(code: &'static str, said: String, next: &str, exit: u8) -> Failure {
    Failure::Said { code, said, state: "the keys in force stay".into(), next: next.into(), exit }
}
