//! `sekisho recovery --plan`: what will be sent, before it is.
//!
//! A running switch is asked. Without one the journal is read and folded as a start would fold it, into a lane that is
//! thrown away: what that one owes is what will be sent.

use super::stands::asked;
use crate::commands::control::Unreachable;
use crate::commands::door::Which;
use crate::commands::journal::opened::{self, Opened};
use crate::commands::link::door::{Failure, unreachable};
use crate::commands::paper::Paper;
use crate::commands::saf;
use crate::commands::table::Table;
use crate::run::owed::OwedJson;
use crate::run::{Folded, Plan};
use journal::Step;
use serde::Serialize;
use std::process::ExitCode;
use std::sync::Arc;
use switch::Outbox;
use terms::ForwardId;

/// `--json`. Fields are added to it, never changed.
#[derive(Serialize)]
struct PlanJson {
    object: &'static str,
    /// Whether the stop was unclean.
    needed: bool,
    /// Whether a switch runs, and has decided what was in flight already.
    decided: bool,
    was_in_flight: usize,
    data: Vec<Message>,
}

#[derive(Serialize)]
struct Message {
    /// `cancel` what was in flight, or `resend` what was owed before.
    what: &'static str,
    #[serde(flatten)]
    owed: OwedJson,
}

/// Does it.
pub(super) fn run(which: &Which, json: bool) -> Result<ExitCode, Failure> {
    let door = which.door()?;
    let plan = match asked(&door) {
        Ok(recovery) => PlanJson {
            object: "recovery_plan",
            needed: matches!(recovery.state.as_str(), "needed" | "running"),
            decided: true,
            was_in_flight: recovery.was_in_flight,
            data: messages(saf::every(&door).map_err(|error| unreachable(&door, error))?),
        },
        Err(Failure::Unreachable { source: Unreachable::Nobody { .. }, .. }) if door.is_here() => {
            from_journal(&which.plan()?)?
        }
        Err(other) => return Err(other),
    };
    let mut paper = Paper::new();
    match json {
        true => paper.json(&plan),
        false => print(&plan, &mut paper),
    }
    Ok(ExitCode::SUCCESS)
}

/// What was sent before is sent again; what never was, is what a crash left.
fn messages(owed: Vec<OwedJson>) -> Vec<Message> {
    let what = |owed: &OwedJson| if owed.attempts == 0 { "cancel" } else { "resend" };
    owed.into_iter().map(|owed| Message { what: what(&owed), owed }).collect()
}

fn from_journal(plan: &Plan) -> Result<PlanJson, Failure> {
    let directory = plan.config.journal.dir.clone();
    let mut opened = Opened::at(directory.clone())?;
    let vault = opened.vault().ok_or_else(|| opened::Failure::Nothing {
        directory: directory.clone(),
        what: "journal that could be replayed".into(),
    })?;
    let mut folded = Folded::new(plan, Arc::new(vault));
    let mut wrong = None;
    opened.walk(|step| {
        if let (Step::Record { record, .. }, None) = (step, &wrong) {
            wrong = folded.apply(record).err();
        }
    })?;
    let cannot = |error: &dyn std::error::Error| opened::Failure::Config {
        said: format!("{}: cannot be replayed: {error}", directory.display()),
    };
    if let Some(error) = wrong {
        return Err(cannot(&error).into());
    }
    let (was_in_flight, was_closed) = (folded.in_flight(), folded.was_closed());
    let now = clock::Clock::with_offset_s(0).now();
    let (lane, _) = folded.finish(now, &mut Outbox::new()).map_err(|error| cannot(&error))?;
    let owed = lane.owed(now.instant, ForwardId(0), usize::MAX);
    let data = messages(owed.iter().map(OwedJson::of).collect());
    Ok(PlanJson { object: "recovery_plan", needed: !was_closed, decided: false, was_in_flight, data })
}

fn print(plan: &PlanJson, paper: &mut Paper) {
    let was = plan.was_in_flight;
    paper.line(match (plan.needed, plan.decided) {
        (false, _) => "no recovery: stopped in order, or done".to_string(),
        (true, false) => format!("recovery needed: not stopped in order, {was} in flight"),
        (true, true) => format!("recovery under way or waiting: {was} were in flight"),
    });
    if plan.data.is_empty() {
        return paper.line("nothing is owed to anybody");
    }
    let mut table = Table::new(&["WHAT", "DUTY", "LINK", ">TXN", ">AMOUNT", ">TRIES", "SINCE"]);
    for Message { what, owed } in &plan.data {
        table.row([
            (*what).to_string(),
            owed.duty.clone(),
            owed.link.clone(),
            owed.txn.to_string(),
            saf::amount_of(owed),
            owed.attempts.to_string(),
            owed.since.clone(),
        ]);
    }
    paper.text(table);
}
