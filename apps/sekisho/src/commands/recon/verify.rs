//! `sekisho recon show --verify`: what a running switch has counted, against its journal.

use super::door;
use crate::commands::door::Door;
use crate::commands::journal::names::Names;
use crate::commands::journal::opened::Opened;
use crate::commands::link::door::Failure;
use crate::commands::paper::Paper;
use crate::run::days::CountedDay;
use book::Book;
use journal::Step;
use serde_json::json;
use std::process::ExitCode;

/// Counts the journal up to where the switch had counted, and compares.
pub(super) fn run(door: &Door, as_json: bool) -> Result<ExitCode, Failure> {
    let counted = door::counted(door)?;
    let mut opened = Opened::at(door.data()?.to_owned())?;
    let (mut book, mut names) = (Book::new(), Names::default());
    opened.walk(|step| {
        if let Step::Record { seq, record, .. } = step {
            names.learn(&record);
            if seq.0 <= counted.upto {
                book.apply(&record);
            }
        }
    })?;
    // The switch keeps some weeks at hand; the journal goes back to its beginning.
    let since = counted.data.iter().map(|day| day.business_date.clone()).min().unwrap_or_default();
    let journal: Vec<CountedDay> = CountedDay::all(&book, |link| names.link(link));
    let journal: Vec<CountedDay> = journal.into_iter().filter(|day| day.business_date >= since).collect();
    let missing_from = |these: &[CountedDay], those: &[CountedDay]| -> Vec<String> {
        let lacks = these.iter().filter(|day| !those.contains(day));
        lacks.map(|day| format!("{} {} {}", day.link, day.business_date, day.currency)).collect()
    };
    let mut differs = missing_from(&counted.data, &journal);
    differs.extend(missing_from(&journal, &counted.data));
    differs.sort();
    differs.dedup();
    let (upto, days, agree) = (counted.upto, counted.data.len(), differs.is_empty());
    let mut paper = Paper::new();
    if as_json {
        paper.json(&json!({
            "object": "verification", "agree": agree, "upto": upto, "days": days, "differs": differs,
        }));
    } else if agree {
        paper.line(format_args!("{days} totals agree with the journal up to record {upto}"));
    } else {
        paper.line(format_args!("totals differ from the journal up to record {upto}:"));
        differs.iter().for_each(|day| paper.line(format_args!("  {day}")));
    }
    Ok(if agree { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
