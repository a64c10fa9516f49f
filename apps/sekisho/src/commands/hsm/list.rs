//! `sekisho hsm ls` and `sekisho hsm status`

use super::all;
use crate::commands::door::Which;
use crate::commands::link::door::Failure;
use crate::commands::paper::Paper;
use crate::commands::table::Table;
use crate::exit;
use crate::run::hsm::{HsmJson, HsmList, SecurityJson};
use serde::Serialize;
use std::process::ExitCode;

/// How to list.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit: 0 all are well, or there are none · 1 one is not · 3 no switch answers")]
pub struct Args {
    #[command(flatten)]
    which: Which,
    /// Write states with plain characters
    #[arg(long)]
    ascii: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// `--json`. Fields are added to it, never changed.
#[derive(Serialize)]
struct Shown<'a> {
    object: &'static str,
    #[serde(flatten)]
    list: &'a HsmList,
}

/// Does it.
pub(super) fn run(args: &Args, with_figures: bool) -> Result<ExitCode, Failure> {
    let list = all(&args.which.door()?)?;
    let mut paper = Paper::new();
    match args.json {
        true => paper.json(&Shown { object: "hsm", list: &list }),
        false => {
            paper.text(table(&list, args.ascii));
            for hsm in list.data.iter().filter(|hsm| !hsm.warning.is_empty()) {
                paper.line(format!("{}: {}", hsm.name, hsm.warning));
            }
            for hsm in &list.data {
                if let Some(shown) = &hsm.lmk_check_shown {
                    paper.line(format!(
                        "{}: it shows the check value {shown}, and {} is configured: it is not used",
                        hsm.name, hsm.lmk_check
                    ));
                }
            }
            for hsm in list.data.iter().filter(|hsm| hsm.state != "well") {
                if let Some(trouble) = &hsm.trouble {
                    paper.line(format!("{}: {trouble}", hsm.name));
                }
            }
            if with_figures {
                for hsm in &list.data {
                    paper.line(does(hsm));
                }
                paper.line("");
                paper.text(figures(&list));
                let memory =
                    if list.memory_locked { "locked" } else { "may be swapped out: LimitMEMLOCK=infinity" };
                paper.line(format_args!("memory of the switch: {memory}; no core file is written"));
            }
        }
    }
    let is_well = list.data.iter().all(|hsm| hsm.state == "well");
    Ok(ExitCode::from(if is_well { 0 } else { exit::NO }))
}

fn table(list: &HsmList, ascii: bool) -> Table {
    let heads = [
        "NAME",
        "STATE",
        "KIND",
        "ADDRESS",
        ">LINES",
        ">UNDER-WAY",
        ">ASKED",
        ">FAULTS",
        ">SILENT",
        ">MEAN-US",
    ];
    let mut table = Table::new(&heads);
    for hsm in &list.data {
        table.row([
            hsm.name.clone(),
            format!("{} {}", symbol(&hsm.state, ascii), hsm.state.replace('_', "-")),
            hsm.kind.clone(),
            hsm.address.clone().unwrap_or_else(|| "-".into()),
            lines(hsm),
            hsm.under_way.to_string(),
            hsm.asked.to_string(),
            hsm.faults.to_string(),
            hsm.silent.to_string(),
            hsm.us_mean.to_string(),
        ]);
    }
    table
}

fn lines(hsm: &HsmJson) -> String {
    match hsm.address {
        Some(_) => format!("{}/{}", hsm.connections, hsm.connections_wanted),
        None => "-".into(),
    }
}

/// What it may be asked, and by which algorithms it makes codes.
fn does(hsm: &HsmJson) -> String {
    let codes = match hsm.algorithms.is_empty() {
        true => String::new(),
        false => format!("; codes by {}", hsm.algorithms.join(", ")),
    };
    format!("{} does: {}{codes}", hsm.name, hsm.operations.join(", "))
}

/// A state is a symbol and a word, never a colour.
fn symbol(state: &str, ascii: bool) -> &'static str {
    let pair = match state {
        "well" => ("●", "[+]"),
        "tested" => ("◐", "[~]"),
        _ => ("✕", "[x]"),
    };
    if ascii { pair.1 } else { pair.0 }
}

fn figures(list: &HsmList) -> Table {
    let SecurityJson {
        verified,
        under_other_key,
        wrong,
        missing,
        wrong_from_hosts,
        not_verified,
        made,
        pins_moved,
        withheld,
        not_sealed,
    } = list.security;
    let mut table = Table::new(&["SINCE THE START", ">COUNT"]);
    for (what, count) in [
        ("codes verified", verified),
        ("of these, under a key not in force", under_other_key),
        ("codes made", made),
        ("PINs moved", pins_moved),
        ("requests refused: wrong code", wrong),
        ("requests refused: no code", missing),
        ("messages nobody could verify", not_verified),
        ("hosts' messages not believed", wrong_from_hosts),
        ("requests withheld", withheld),
        ("answers without their code", not_sealed),
        ("commands that wait for a module", list.queued as u64),
    ] {
        table.row([what.to_owned(), count.to_string()]);
    }
    table
}
