//! `sekisho explain LNK2104`: what a code means that a command, or the client API, has said.

use super::catalogue::{Entry, all};
use crate::commands::paper::Paper;
use crate::commands::table::Table;
use crate::exit;
use crate::run::api::problem::Wrong;
use serde_json::json;
use std::process::ExitCode;

/// Does it. The letter behind the number may be left away, and small letters are letters.
pub(super) fn run(words: &[String]) -> ExitCode {
    let as_json = words.iter().any(|word| word == "--json");
    let named: Vec<&String> = words.iter().filter(|word| *word != "--json").collect();
    let [said] = named.as_slice() else {
        eprintln!("error  one code, such as LNK2104\n  next    sekisho explain --help");
        return ExitCode::from(exit::USAGE);
    };
    let code: String = said.to_ascii_uppercase().chars().take(7).collect();
    if let Some(entry) = all().find(|entry| entry.code == code && said.len() <= 9) {
        show(entry, as_json);
        return ExitCode::SUCCESS;
    }
    if let Some(wrong) = Wrong::ALL.iter().find(|wrong| wrong.code() == said.as_str()) {
        show_problem(*wrong, as_json);
        return ExitCode::SUCCESS;
    }
    let known = all().map(|entry| entry.code).chain(Wrong::ALL.iter().map(|wrong| wrong.code()));
    let near = dialects::did_you_mean(if code.len() == 7 { &code } else { said }, known);
    eprintln!(
        "error  nothing here says `{}`{near}\n  next    sekisho explain --help   (a network's code: sekisho explain rc \
         CODE)",
        said.escape_debug()
    );
    ExitCode::from(exit::NO_SUCH_THING)
}

fn show(entry: &Entry, as_json: bool) {
    let Entry { code, means, system, operator } = entry;
    let mut paper = Paper::new();
    if as_json {
        return paper.json(&json!({
            "object": "code", "code": code, "meaning": means, "system": system, "operator": operator,
        }));
    }
    let mut table = Table::new(&["", ""]);
    for (name, text) in [("code", *code), ("means", means), ("system", system), ("operator", operator)] {
        table.row([name.to_owned(), text.to_owned()]);
    }
    paper.text(table);
}

fn show_problem(wrong: Wrong, as_json: bool) {
    let (status, again) = (wrong.status().as_u16(), wrong.retryable());
    let mut paper = Paper::new();
    if as_json {
        return paper.json(&json!({
            "object": "code", "code": wrong.code(), "meaning": wrong.title(), "status": status, "retryable": again,
        }));
    }
    let mut table = Table::new(&["", ""]);
    let again =
        if again { "The same request may succeed later." } else { "The same request will be refused again." };
    for (name, text) in [
        ("code", wrong.code()),
        ("means", wrong.title()),
        (
            "system",
            "The API answered this as a problem; where outcome_known is false, look the transaction up.",
        ),
        ("operator", again),
    ] {
        table.row([name.to_owned(), text.to_owned()]);
    }
    paper.text(table);
    paper.line(format_args!("status {status}"));
}
