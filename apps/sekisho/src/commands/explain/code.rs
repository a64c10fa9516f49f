//! `sekisho explain rc`

use crate::commands::dialect::find;
use crate::commands::paper::Paper;
use crate::commands::table::Table;
use crate::exit;
use dialects::Dialect;
use journal::Duty;
use serde::Serialize;
use std::process::ExitCode;
use switch::Settles;
use terms::{Code, Outcome};

/// Which code, and where.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A response code as a network writes it, such as 91, or by its name, such as host_down
    #[arg(value_name = "CODE")]
    code: String,
    /// As this dialect (or dialect file) means it; without it, as each shipped one does
    #[arg(long, value_name = "NAME|FILE")]
    dialect: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// One meaning, and who means it. Fields are added to it, never changed.
#[derive(Serialize)]
struct Meaning {
    object: &'static str,
    /// As it is written, where the dialects agree on that.
    text: String,
    code: &'static str,
    meaning: &'static str,
    outcome: &'static str,
    money: &'static str,
    /// What it says when it answers a reversal we owe.
    to_a_reversal: &'static str,
    /// What it says when it answers an advice we owe.
    to_an_advice: &'static str,
    dialects: Vec<String>,
}

#[derive(Serialize)]
struct List {
    object: &'static str,
    data: Vec<Meaning>,
    next: Option<u64>,
}

/// Does it.
pub(super) fn run(args: &Args) -> ExitCode {
    let tables = match tables(args.dialect.as_deref()) {
        Ok(tables) => tables,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(error.exit_code());
        }
    };
    let meanings = meanings(&args.code, &tables);
    if meanings.is_empty() {
        let whose = args
            .dialect
            .as_deref()
            .map_or("no shipped dialect has a code".into(), |name| format!("{name} has no code"));
        eprintln!("error  {whose} `{}`\n  next    sekisho dialect show NAME", args.code);
        return ExitCode::from(exit::NO_SUCH_THING);
    }
    let mut paper = Paper::new();
    if args.json {
        paper.json(&List { object: "list", data: meanings, next: None });
    } else {
        meanings.iter().for_each(|meaning| print(meaning, &mut paper));
    }
    ExitCode::SUCCESS
}

type CodeTable = (String, Vec<(String, Code, Outcome)>);

fn tables(dialect: Option<&str>) -> Result<Vec<CodeTable>, find::NotFound> {
    let codes = |toml: &str| Dialect::outline(toml).map(|outline| outline.codes).unwrap_or_default();
    match dialect {
        Some(name) => find::one(name).map(|found| vec![(found.dialect.name().into(), codes(&found.toml))]),
        None => Ok(Dialect::shipped().iter().map(|(name, toml)| ((*name).into(), codes(toml))).collect()),
    }
}

/// Dialects that mean the same are said together.
fn meanings(wanted: &str, tables: &[CodeTable]) -> Vec<Meaning> {
    let mut meanings: Vec<Meaning> = Vec::new();
    for (dialect, codes) in tables {
        let found = codes.iter().filter(|(text, code, _)| text == wanted || code.name() == wanted);
        for (text, code, outcome) in found {
            let same = |known: &&mut Meaning| {
                (known.text.as_str(), known.code, known.outcome) == (text, code.name(), outcome.name())
            };
            match meanings.iter_mut().find(same) {
                Some(known) => known.dialects.push(dialect.clone()),
                None => meanings.push(Meaning::of(text, *code, *outcome, dialect)),
            }
        }
    }
    // One that the switch has and no dialect writes is still explained.
    if meanings.is_empty()
        && let Some(code) = Code::named(wanted)
    {
        meanings.push(Meaning { dialects: Vec::new(), ..Meaning::of("", code, code.outcome(), "") });
    }
    meanings
}

impl Meaning {
    fn of(text: &str, code: Code, outcome: Outcome, dialect: &str) -> Self {
        Self {
            object: "response_code",
            text: text.into(),
            code: code.name(),
            meaning: code.meaning(),
            outcome: outcome.name(),
            money: money(outcome),
            to_a_reversal: to_a_debt(Settles::by(Duty::Reversal, code)),
            to_an_advice: to_a_debt(Settles::by(Duty::Advice, code)),
            dialects: vec![dialect.into()],
        }
    }
}

const fn money(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Approved => "the host did it; the terminal is told so, and nothing is owed",
        Outcome::Refused => "nothing was posted; the terminal is told no, and nothing is owed",
        Outcome::Unknown => {
            "nobody knows; where money may have moved, the host is owed a reversal (or the posting of a deposit)"
        }
        Outcome::NotSent => "not a byte left us; the terminal is told no, and nothing is owed",
    }
}

const fn to_a_debt(settles: Settles) -> &'static str {
    match settles {
        Settles::Paid => "the debt is paid",
        Settles::NotYet => "not done; it is sent again later",
        Settles::NoOriginal => {
            "there is nothing to undo: believed at once from a host that keeps tombstones, from others only \
             after link.host.guard_ms"
        }
        Settles::ForAPerson => "refused; it is not sent again, and a person has to settle it",
    }
}

fn print(meaning: &Meaning, paper: &mut Paper) {
    let mut table = Table::new(&["", ""]);
    let mut row = |name: &str, text: &str| table.row([name.to_string(), text.to_string()]);
    row(if meaning.text.is_empty() { "-" } else { &meaning.text }, meaning.code);
    row("means", meaning.meaning);
    row("outcome", meaning.outcome);
    row("money", meaning.money);
    row("to a reversal we owe", meaning.to_a_reversal);
    row("to an advice we owe", meaning.to_an_advice);
    row("in", &meaning.dialects.join(", "));
    paper.text(table);
    paper.line("");
}
