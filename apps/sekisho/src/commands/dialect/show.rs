//! `sekisho dialect show`

use super::find::{self, Found};
use crate::commands::paper::Paper;
use crate::commands::table::Table;
use dialects::{Dialect, MacInput, MacJoin, MacRule, Outline, Presence};
use serde::Serialize;
use std::process::ExitCode;
use terms::Pairing;

/// Which dialect to show, and how.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A shipped dialect (see `sekisho dialect ls`) or a dialect file
    #[arg(value_name = "NAME|FILE")]
    dialect: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Print the dialect file as it is written: a beginning for one of your own
    #[arg(long, conflicts_with = "json")]
    toml: bool,
}

/// Does it.
pub(super) fn run(args: &Args) -> ExitCode {
    let Found { dialect, toml } = match find::one(&args.dialect) {
        Ok(found) => found,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(error.exit_code());
        }
    };
    let mut paper = Paper::new();
    if args.toml {
        paper.text(&toml);
    } else if let Some(outline) = Dialect::outline(&toml) {
        let shown = Shown::of(&dialect, &outline);
        if args.json {
            paper.json(&shown);
        } else {
            shown.print(&mut paper);
        }
    }
    ExitCode::SUCCESS
}

/// `--json`. Fields are added to it, never changed.
#[derive(Serialize)]
struct Shown<'a> {
    object: &'static str,
    name: &'a str,
    summary: &'a str,
    edition: &'static str,
    framing: &'a str,
    coding: Vec<Pair<'a>>,
    matching: Vec<&'static str>,
    mac: Option<Mac>,
    fields: Vec<Field>,
    kinds: Vec<Pair<'a>>,
    network: Vec<Pair<'a>>,
    codes: Vec<CodeRow<'a>>,
    messages: Vec<MessageRow<'a>>,
}

#[derive(Serialize)]
struct Pair<'a> {
    key: &'a str,
    means: &'a str,
}

#[derive(Serialize)]
struct Field {
    de: u8,
    format: String,
    /// What the switch knows it as; `null` where it is nothing the switch knows.
    known_as: Option<&'static str>,
    name: String,
}

#[derive(Serialize)]
struct CodeRow<'a> {
    text: &'a str,
    code: &'static str,
    outcome: &'static str,
}

#[derive(Serialize)]
struct MessageRow<'a> {
    mti: &'a str,
    mandatory: &'a [u8],
    conditional: &'a [u8],
    optional: &'a [u8],
    forbidden: &'a [u8],
    rest_is_optional: bool,
    echo: &'a [u8],
}

#[derive(Serialize)]
struct Mac {
    position: u8,
    algorithm: String,
    /// `null`: the whole body before it.
    elements: Option<Vec<u8>>,
    join: &'static str,
}

impl<'a> Shown<'a> {
    fn of(dialect: &'a Dialect, outline: &'a Outline) -> Self {
        Self {
            object: "dialect",
            name: dialect.name(),
            summary: dialect.summary(),
            edition: outline.edition,
            framing: dialect.framing(),
            coding: outline.style.iter().map(|(sort, coding)| Pair { key: sort, means: coding }).collect(),
            matching: matching(dialect.pairing()),
            mac: dialect.mac().map(Mac::of),
            fields: fields(dialect, outline),
            kinds: outline.kinds.iter().map(|(key, kind)| Pair { key, means: kind.name() }).collect(),
            network: outline.network.iter().map(|(key, one)| Pair { key, means: one.name() }).collect(),
            codes: (outline.codes.iter())
                .map(|(text, code, outcome)| CodeRow { text, code: code.name(), outcome: outcome.name() })
                .collect(),
            messages: outline.messages.iter().map(MessageRow::of).collect(),
        }
    }

    fn print(&self, paper: &mut Paper) {
        paper.text(self.head());
        paper.line("\nELEMENTS");
        let mut table = Table::new(&[">DE", "FORMAT", "KNOWN AS", "NAME"]);
        for field in &self.fields {
            let known_as = field.known_as.unwrap_or("-").to_string();
            table.row([field.de.to_string(), field.format.clone(), known_as, field.name.clone()]);
        }
        paper.text(table);
        paper.line("\nMESSAGES");
        paper.text(self.messages());
        paper.line("\nRESPONSE CODES");
        let mut table = Table::new(&["TEXT", "MEANS", "OUTCOME"]);
        for row in &self.codes {
            table.row([row.text, row.code, row.outcome].map(str::to_string));
        }
        paper.text(table);
        for (title, pairs) in [("KINDS", &self.kinds), ("NETWORK MANAGEMENT", &self.network)] {
            paper.line(format!("\n{title}"));
            paper.text(two_columns(pairs));
        }
    }

    fn head(&self) -> Table {
        let mut table = Table::new(&["", ""]);
        let mut row = |key: &str, text: String| table.row([key.to_string(), text]);
        row("name", self.name.to_string());
        row("summary", self.summary.to_string());
        row("edition", self.edition.to_string());
        row("framing", if self.framing.is_empty() { "-".into() } else { self.framing.to_string() });
        let coding: Vec<String> =
            self.coding.iter().map(|one| format!("{} {}", one.key, one.means)).collect();
        row("coding", coding.join(", "));
        row("matching", self.matching.join(", "));
        row("mac", self.mac.as_ref().map_or_else(|| "none".into(), Mac::in_words));
        table
    }

    /// One block for all types with the same presence.
    fn messages(&self) -> Table {
        let mut table = Table::new(&["", "", ""]);
        let mut done = vec![false; self.messages.len()];
        for (at, message) in self.messages.iter().enumerate() {
            if done[at] {
                continue;
            }
            let mut types = Vec::new();
            for (other, like) in self.messages.iter().enumerate().skip(at) {
                if like.says_the_same(message) {
                    done[other] = true;
                    types.push(like.mti);
                }
            }
            for (line, (key, text)) in message.lines().into_iter().enumerate() {
                let types = types.chunks(3).nth(line).map_or_else(String::new, |types| types.join(" "));
                table.row([types, key.to_string(), text]);
            }
        }
        table
    }
}

impl<'a> MessageRow<'a> {
    fn of(presence: &'a Presence) -> Self {
        Self {
            mti: &presence.mti,
            mandatory: &presence.mandatory,
            conditional: &presence.conditional,
            optional: &presence.optional,
            forbidden: &presence.forbidden,
            rest_is_optional: presence.rest_is_optional,
            echo: &presence.echo,
        }
    }

    fn says_the_same(&self, other: &Self) -> bool {
        let lists =
            |one: &Self| [one.mandatory, one.conditional, one.optional, one.forbidden, one.echo].concat();
        let lengths = |one: &Self| [one.mandatory.len(), one.conditional.len(), one.optional.len()];
        lists(self) == lists(other)
            && lengths(self) == lengths(other)
            && self.echo == other.echo
            && self.rest_is_optional == other.rest_is_optional
    }

    fn lines(&self) -> Vec<(&'static str, String)> {
        let rest: &[u8] = &[];
        let optional = if self.rest_is_optional { rest } else { self.optional };
        let lists = [
            ("mandatory", self.mandatory),
            ("conditional", self.conditional),
            ("optional", optional),
            ("forbidden", self.forbidden),
            ("echoed", self.echo),
        ];
        let mut lines: Vec<_> = (lists.into_iter())
            .filter(|(_, elements)| !elements.is_empty())
            .map(|(key, elements)| (key, numbers(elements)))
            .collect();
        lines.push(("rest", if self.rest_is_optional { "optional" } else { "forbidden" }.to_string()));
        lines
    }
}

impl Mac {
    fn of(rule: &MacRule) -> Self {
        Self {
            position: rule.position,
            algorithm: rule.algorithm.clone(),
            elements: match &rule.input {
                MacInput::WholeBody => None,
                MacInput::Elements(elements) => Some(elements.clone()),
            },
            join: match rule.join {
                MacJoin::Concatenate => "concatenate",
                MacJoin::Spaces => "spaces",
            },
        }
    }

    fn in_words(&self) -> String {
        let over = match &self.elements {
            None => "the whole body".to_string(),
            Some(elements) => format!("{} ({})", numbers(elements), self.join),
        };
        let by = if self.algorithm.is_empty() { String::new() } else { format!(", {}", self.algorithm) };
        format!("in DE {}{by}, over {over}", self.position)
    }
}

fn fields(dialect: &Dialect, outline: &Outline) -> Vec<Field> {
    let numbers = (2..=u8::MAX).take_while(|de| usize::from(*de) < dialect.spec().fields.len());
    let field = |de| {
        let said = dialect.explain(de)?;
        let known_as = outline.map.iter().find(|(one, _)| *one == de).map(|(_, name)| *name);
        Some(Field { de, format: said.format, known_as, name: said.name.to_string() })
    };
    numbers.filter_map(field).collect()
}

/// What an answer must have in common with its request; our trace number always.
fn matching(pairing: Pairing) -> Vec<&'static str> {
    let parts = [
        (true, "stan"),
        (pairing.terminal_id, "terminal_id"),
        (pairing.rrn, "rrn"),
        (pairing.transmitted_at, "transmitted_at"),
        (pairing.acquirer_id, "acquirer_id"),
        (pairing.amount, "amount"),
    ];
    parts.into_iter().filter(|(wanted, _)| *wanted).map(|(_, name)| name).collect()
}

fn numbers(elements: &[u8]) -> String {
    elements.iter().map(u8::to_string).collect::<Vec<_>>().join(" ")
}

fn two_columns(pairs: &[Pair<'_>]) -> Table {
    let mut table = Table::new(&["", ""]);
    for pair in pairs {
        table.row([pair.key.to_string(), pair.means.to_string()]);
    }
    table
}
