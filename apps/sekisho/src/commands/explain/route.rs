//! `sekisho explain route`

use crate::commands::paper::Paper;
use crate::commands::table::Table;
use crate::config::{Config, ConfigError};
use crate::exit;
use crate::run::Plan;
use serde::Serialize;
use std::path::PathBuf;
use std::process::ExitCode;
use switch::{Objection, Route, Routes};
use terms::{Kind, MessageType, Pan, SourceId, Text, Txn};

/// Which request, and by which configuration.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit: 0 there is a route · 1 there is none · 2 no such card, kind or listener · \
                        78 the configuration is wrong")]
pub struct Args {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = "sekisho.toml")]
    config: PathBuf,
    /// First digits of the card: as many as are known, no more than you may write down
    #[arg(long, value_name = "DIGITS", default_value = "")]
    pan: String,
    /// What is wanted, such as withdrawal
    #[arg(long, value_name = "KIND", default_value = "withdrawal")]
    kind: String,
    /// First characters of the account a transfer goes to: as many as are known
    #[arg(long, value_name = "ACCOUNT", default_value = "")]
    to: String,
    /// From which listener or peer; without it, from the first listener
    #[arg(long, value_name = "NAME")]
    listener: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// `--json`. Fields are added to it, never changed.
#[derive(Serialize)]
struct Explained {
    object: &'static str,
    pan: String,
    kind: String,
    listener: String,
    /// Where it goes; `null` where there is no route.
    link: Option<String>,
    route: Option<String>,
    lines: Vec<LineJson>,
    /// Of a transfer with `--to`: where its credit goes.
    credit: Option<Credit>,
}

/// The second leg of a transfer, and why there is one or none.
#[derive(Serialize)]
struct Credit {
    to: String,
    /// `null` where the host that pays keeps the account too: one message.
    link: Option<String>,
    receiver: Option<String>,
    why: String,
}

#[derive(Serialize)]
struct LineJson {
    route: String,
    prefix: String,
    link: String,
    /// `chosen`, `no`, or `not_reached`: an earlier line had decided.
    verdict: &'static str,
    why: String,
}

/// Why there is nothing to explain.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}")]
    Config(#[from] ConfigError),
    #[error("`{0}` are no first digits of a card: at most 19 digits")]
    NoDigits(String),
    #[error("`{0}` is no account: at most 28 characters, and only with --kind transfer")]
    NoAccount(String),
    #[error("kind `{name}` is not known{hint}")]
    NoKind { name: String, hint: String },
    #[error("listener `{name}` is not known{hint}")]
    NoListener { name: String, hint: String },
}

/// Does it.
pub(super) fn run(args: &Args) -> ExitCode {
    let explained = match explained(args) {
        Ok(explained) => explained,
        Err(failure) => {
            eprintln!("error  {failure}");
            return ExitCode::from(match failure {
                Failure::Config(_) => exit::CONFIG,
                Failure::NoDigits(_)
                | Failure::NoAccount(_)
                | Failure::NoKind { .. }
                | Failure::NoListener { .. } => exit::USAGE,
            });
        }
    };
    let mut paper = Paper::new();
    match args.json {
        true => paper.json(&explained),
        false => print(&explained, &mut paper),
    }
    ExitCode::from(if explained.link.is_some() { 0 } else { exit::NO })
}

fn explained(args: &Args) -> Result<Explained, Failure> {
    let config = Config::load(&args.config)?;
    let plan = Plan::of(&config, &args.config)?;
    let (routes, sources, links) = plan.routing();
    let first = config.listener.first().map(|listener| listener.name.clone()).unwrap_or_default();
    let listener = args.listener.clone().unwrap_or(first);
    let Some(source) = sources.iter().position(|name| *name == listener) else {
        let hint = dialects::did_you_mean(&listener, sources.iter().map(String::as_str));
        return Err(Failure::NoListener { name: listener, hint });
    };
    let txn = to_account(request(&args.pan, &args.kind)?, &args.to)?;
    let source = SourceId(source as u16);
    let mut chosen = None;
    let mut lines = Vec::new();
    for route in routes.lines() {
        let objection = route.objection(source, &txn);
        let (verdict, why) = match (chosen, objection) {
            (Some(_), _) => ("not_reached", "an earlier line has decided".into()),
            (None, None) => ("chosen", chosen_because(route)),
            (None, Some(objection)) => ("no", against(route, objection, args, &sources)),
        };
        if verdict == "chosen" {
            chosen = Some(route);
        }
        let link = links.get(usize::from(route.link.0)).cloned().unwrap_or_default();
        // One line of the configuration is one route for each peer of its listener: it is told once, as it was chosen.
        let is_same = |line: &LineJson| {
            line.route == route.name.as_str()
                && route.prefix.is_empty()
                && line.prefix.is_empty()
                && line.link == link
        };
        if let Some(told) = lines.last().filter(|line| is_same(line)).map(|line| line.verdict) {
            if verdict == "no" || told == "chosen" {
                continue;
            }
            lines.pop();
        }
        lines.push(LineJson {
            route: route.name.to_string(),
            prefix: route.prefix.to_string(),
            link,
            verdict,
            why,
        });
    }
    let credit =
        chosen.filter(|_| !args.to.is_empty()).map(|route| credit(&routes, source, &txn, route, &links));
    let winner = lines.iter().find(|line| line.verdict == "chosen");
    Ok(Explained {
        object: "route",
        pan: args.pan.clone(),
        kind: args.kind.clone(),
        listener,
        link: winner.map(|line| line.link.clone()),
        route: winner.map(|line| line.route.clone()),
        lines,
        credit,
    })
}

/// A request as far as routes look at it. Digits nobody gave are zeros; [`against`] says where that matters.
fn request(pan: &str, kind: &str) -> Result<Txn, Failure> {
    let is_digits = pan.len() <= 19 && pan.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits {
        return Err(Failure::NoDigits(pan.into()));
    }
    let Some(wanted) = Kind::named(kind) else {
        let kinds = Kind::ALL.iter().map(|kind| kind.name());
        return Err(Failure::NoKind { name: kind.into(), hint: dialects::did_you_mean(kind, kinds) });
    };
    let digits = if pan.is_empty() { String::new() } else { format!("{pan:0<16}") };
    let message = MessageType::from_digits([2, 0, 0]).expect("x200 is a type");
    Ok(Txn { kind: wanted, pan: Pan::new(digits.as_bytes()).unwrap_or_default(), ..Txn::new(message) })
}

fn to_account(txn: Txn, account: &str) -> Result<Txn, Failure> {
    if !account.is_empty() && (account.len() > 28 || txn.kind != Kind::Transfer) {
        return Err(Failure::NoAccount(account.into()));
    }
    Ok(Txn { to_account: Text::clipped(account.as_bytes()), ..txn })
}

/// Where the credit of a transfer goes that is paid over `route`.
fn credit(routes: &Routes, source: SourceId, txn: &Txn, route: &Route, links: &[String]) -> Credit {
    let to = txn.to_account.to_string();
    let Some(line) = routes.receiver(source, txn) else {
        let why = "no [[receiver]] line names it: the host that pays is taken to keep it";
        return Credit { to, link: None, receiver: None, why: why.into() };
    };
    let name = |link: terms::LinkId| links.get(usize::from(link.0)).cloned().unwrap_or_default();
    let receiver = Some(line.name.to_string());
    match line.link == route.link {
        true => {
            Credit { to, link: None, receiver, why: "the host that pays keeps it too: one message".into() }
        }
        false => Credit {
            to,
            link: Some(name(line.link)),
            receiver,
            why: format!("another host keeps it: a debit to {} first, then a credit", name(route.link)),
        },
    }
}

fn chosen_because(route: &Route) -> String {
    match route.prefix.is_empty() {
        true => "it takes any card, and nothing before it fits".into(),
        false => "the longest prefix that fits; among equals, the line written first".into(),
    }
}

fn against(route: &Route, objection: Objection, args: &Args, sources: &[String]) -> String {
    let prefix = route.prefix.to_string();
    match objection {
        Objection::Prefix if prefix.len() > args.pan.len() && prefix.starts_with(&args.pan) => {
            format!("it is for {prefix}...; with more digits of the card it could be chosen")
        }
        Objection::Prefix => format!("it is for cards that begin with {prefix}"),
        Objection::Source => {
            let wanted = route.source.and_then(|source| sources.get(usize::from(source.0)));
            format!("it is for requests from {}", wanted.map_or("another listener", String::as_str))
        }
        Objection::Kind => {
            format!("it is for {}", route.kind.map_or("another kind", |kind| kind.name()))
        }
    }
}

fn print(explained: &Explained, paper: &mut Paper) {
    let card = if explained.pan.is_empty() { "no card".into() } else { format!("{}...", explained.pan) };
    paper.line(match (&explained.link, &explained.route) {
        (Some(link), Some(route)) => {
            format!("{} {card} from {} goes to {link}, by \"{route}\"", explained.kind, explained.listener)
        }
        _ => format!("{} {card} from {} has no route: it is declined", explained.kind, explained.listener),
    });
    if let Some(credit) = &explained.credit {
        let by = credit.receiver.as_ref().map_or_else(String::new, |name| format!(", by \"{name}\""));
        let goes = credit.link.as_ref().map_or_else(|| "along".into(), |link| format!("to {link}"));
        paper.line(format!("its credit to {}... goes {goes}{by}", credit.to));
        paper.line(format!("because {}", credit.why));
    }
    paper.line("");
    let mut table = Table::new(&[">NO", "PREFIX", "LINK", "VERDICT", "WHY"]);
    for (at, line) in explained.lines.iter().enumerate() {
        let prefix = if line.prefix.is_empty() { "any" } else { &line.prefix };
        let verdict = line.verdict.replace('_', " ");
        let why = format!("\"{}\": {}", line.route, line.why);
        table.row([(at + 1).to_string(), prefix.into(), line.link.clone(), verdict, why]);
    }
    paper.text(table);
}
