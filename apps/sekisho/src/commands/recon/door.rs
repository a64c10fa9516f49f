//! A running switch asked about comparisons.

use crate::commands::control::Reply;
use crate::commands::door::Door;
use crate::commands::link::door::{Failure, at, unreachable};
use crate::exit;
use crate::run::days::{CountedJson, ReconJson};
use serde_json::json;

/// Every comparison at hand.
pub(super) fn all(door: &Door) -> Result<Vec<ReconJson>, Failure> {
    let reply = door.get("/v1/reconciliations").map_err(|error| unreachable(door, error))?;
    list(door, reply)
}

/// What the lane has counted.
pub(super) fn counted(door: &Door) -> Result<CountedJson, Failure> {
    let reply = door.get("/v1/totals").map_err(|error| unreachable(door, error))?;
    serde_json::from_value(reply.body).map_err(|_| strange(door))
}

/// Orders a comparison.
pub(super) fn order(door: &Door, link: &str, day: &str, by: Option<&str>) -> Result<Vec<ReconJson>, Failure> {
    let body = json!({ "by": by, "link": link, "business_date": day });
    let asked = door.post("/v1/reconciliations", &body);
    let reply = asked.map_err(|error| match error {
        error if !error.may_have_been_heard() => unreachable(door, error),
        error => Failure::Unknown { said: error.to_string(), next: status(door) },
    })?;
    match reply.status {
        200 => list(door, reply),
        _ => Err(refused(door, link, &reply)),
    }
}

fn list(door: &Door, reply: Reply) -> Result<Vec<ReconJson>, Failure> {
    serde_json::from_value(reply.body["data"].clone()).map_err(|_| strange(door))
}

fn refused(door: &Door, link: &str, reply: &Reply) -> Failure {
    let said = reply.body["said"].as_str().unwrap_or("no").to_owned();
    let (code, exit, next) = match reply.body["code"].as_str() {
        Some("no_such_link") => ("LNK2001-E", exit::NO_SUCH_THING, format!("sekisho link ls{}", at(door))),
        Some("no_such_day") => ("REC2001-E", exit::NO_SUCH_THING, status(door)),
        Some("not_spoken") => {
            ("REC2002-E", exit::REFUSED, "see [link.reconciliation] in docs/configuration.md".into())
        }
        Some("awaits_answer") => ("REC2003-E", exit::REFUSED, status(door)),
        _ => ("REC2000-E", exit::REFUSED, format!("sekisho link show {link}{}", at(door))),
    };
    Failure::Said { code, said, state: "nothing was sent".into(), next, exit }
}

fn status(door: &Door) -> String {
    format!("sekisho recon status{}", at(door))
}

fn strange(door: &Door) -> Failure {
    unreachable(door, door.strange())
}
