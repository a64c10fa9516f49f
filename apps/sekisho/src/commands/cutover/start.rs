//! `sekisho cutover start`

use super::OWN;
use crate::commands::door::Door;
use crate::commands::link::door::{Failure, at, unreachable};
use crate::commands::link::order;
use crate::commands::paper::Paper;
use crate::exit;
use crate::run::days::DaysJson;
use serde_json::json;
use std::process::ExitCode;

/// Whose day.
#[derive(Debug, clap::Args)]
#[group(skip)]
#[command(after_help = "NAME is a link, or `own` for the switch's own day.")]
pub struct Args {
    #[command(flatten)]
    order: order::Args,
}

/// Does it, name by name.
pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let (own, links): (Vec<&String>, Vec<&String>) = args.order.names.iter().partition(|name| *name == OWN);
    if !own.is_empty() {
        begin(&args.order)?;
    }
    match links.is_empty() {
        true => Ok(ExitCode::SUCCESS),
        false => {
            let names = links.into_iter().cloned().collect();
            order::run(&args.order.naming(names), journal::LinkOrder::AskCutover)
        }
    }
}

/// Our own day: moved when the record of it is durable.
fn begin(args: &order::Args) -> Result<(), Failure> {
    let door = args.door()?;
    let by = door.by(args.by().as_deref());
    let asked = door.post("/v1/cutovers", &json!({ "by": by, "what": OWN }));
    let reply = asked.map_err(|error| match error {
        error if !error.may_have_been_heard() => unreachable(&door, error),
        error => Failure::Unknown { said: error.to_string(), next: status(&door) },
    })?;
    if reply.status != 200 {
        return Err(refused(&door, &reply.body));
    }
    let days: DaysJson =
        serde_json::from_value(reply.body).map_err(|_| unreachable(&door, door.strange()))?;
    let mut paper = Paper::new();
    match (args.json(), &days.own) {
        (true, own) => paper.json(own),
        (false, Some(own)) => {
            paper.line(format_args!("{OWN} cut over, business day {}", own.business_date));
        }
        (false, None) => {}
    }
    Ok(())
}

fn refused(door: &Door, body: &serde_json::Value) -> Failure {
    let said = body["said"].as_str().unwrap_or("no").to_owned();
    let (code, next) = match body["code"].as_str() {
        Some("no_day") => ("DAY2001-E", "put [day] into the configuration; docs/configuration.md".into()),
        Some("is_tomorrow") => ("DAY2002-E", status(door)),
        Some("goes_with") => ("DAY2003-E", format!("sekisho cutover start LINK{}", at(door))),
        _ => ("DAY2000-E", status(door)),
    };
    Failure::Said { code, said, state: "the day stays as it was".into(), next, exit: exit::REFUSED }
}

fn status(door: &Door) -> String {
    format!("sekisho cutover status{}", at(door))
}
