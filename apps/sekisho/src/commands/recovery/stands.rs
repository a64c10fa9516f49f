//! `sekisho recovery`

use crate::commands::door::{Door, Which};
use crate::commands::link::door::{Failure, unreachable};
use crate::commands::paper::Paper;
use crate::run::recovery::RecoveryJson;
use std::process::ExitCode;

/// Does it.
pub(super) fn run(which: &Which, json: bool) -> Result<ExitCode, Failure> {
    let recovery = asked(&which.door()?)?;
    print(&recovery, json);
    Ok(ExitCode::SUCCESS)
}

/// How it stands, as the switch says.
pub(super) fn asked(door: &Door) -> Result<RecoveryJson, Failure> {
    let reply = door.get("/v1/recovery").map_err(|source| match door.is_here() {
        true => Failure::Unreachable {
            source,
            next: "is it running?  sekisho recovery --plan --config FILE   sekisho run --config FILE".into(),
        },
        false => unreachable(door, source),
    })?;
    understood(door, reply.body)
}

pub(super) fn understood(door: &Door, body: serde_json::Value) -> Result<RecoveryJson, Failure> {
    let strange = || unreachable(door, door.strange());
    serde_json::from_value(body).map_err(|_| strange())
}

/// For people or for programs.
pub(super) fn print(recovery: &RecoveryJson, json: bool) {
    let mut paper = Paper::new();
    if json {
        return paper.json(recovery);
    }
    let was = recovery.was_in_flight;
    paper.line(match recovery.state.as_str() {
        "not_needed" => "not needed: the switch was stopped in order".to_string(),
        "needed" => format!("NEEDED: {was} were in flight; no request is taken until: sekisho recovery run"),
        "running" => format!("running: {was} were in flight, {} messages are left to be sent", recovery.left),
        "done" => format!("done: {was} were in flight; every host was told of what it is owed"),
        other => other.to_string(),
    });
    for link in &recovery.links {
        let why = if link.connected { "" } else { " (no connection: they wait for it)" };
        paper.line(format_args!("  {}  {} left{why}", link.name, link.left));
    }
}
