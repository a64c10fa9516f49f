//! `sekisho hsm test`

use crate::commands::door::Which;
use crate::commands::link::door::{Failure, at, unreachable};
use crate::commands::paper::Paper;
use crate::commands::table::Table;
use crate::exit;
use crate::run::hsm::HsmTest;
use serde::Serialize;
use serde_json::json;
use std::process::ExitCode;

/// Which to test.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit: 0 it is well · 1 it is not · 3 no switch answers · 5 no such module")]
pub struct Args {
    /// Its name, as `sekisho hsm ls` shows it
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    which: Which,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// `--json`. Fields are added to it, never changed.
#[derive(Serialize)]
struct Shown<'a> {
    object: &'static str,
    #[serde(flatten)]
    test: &'a HsmTest,
}

/// Does it.
pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let door = args.which.door()?;
    let no_such = || Failure::Said {
        code: "HSM3001-E",
        said: format!("no security module is called `{}`", args.name.escape_debug()),
        state: "nothing was asked".into(),
        next: format!("sekisho hsm ls{}", at(&door)),
        exit: exit::NO_SUCH_THING,
    };
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if args.name.is_empty() || !args.name.bytes().all(legal) {
        return Err(no_such());
    }
    let place = format!("/v1/hsm/{}/test", args.name);
    let reply = door.post(&place, &json!({})).map_err(|error| unreachable(&door, error))?;
    if reply.status == 404 {
        return Err(no_such());
    }
    let strange = door.strange();
    let test: HsmTest = serde_json::from_value(reply.body).map_err(|_| unreachable(&door, strange))?;
    let mut paper = Paper::new();
    if args.json {
        paper.json(&Shown { object: "hsm_test", test: &test });
    } else {
        let mut table = Table::new(&["ASKED", "WELL", "SAID", ">US"]);
        for step in &test.steps {
            let well = if step.ok { "yes" } else { "no" };
            table.row([step.asked.clone(), well.into(), step.said.clone(), step.us.to_string()]);
        }
        paper.text(table);
    }
    Ok(ExitCode::from(if test.ok { 0 } else { exit::NO }))
}
