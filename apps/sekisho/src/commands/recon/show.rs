//! `sekisho recon show`

use crate::commands::door::Door;
use crate::commands::journal::names::Names;
use crate::commands::journal::opened::Opened;
use crate::commands::journal::summary::decimal;
use crate::commands::journal::whereabouts::Whereabouts;
use crate::commands::link::door::Failure;
use crate::commands::paper::Paper;
use crate::commands::table::Table;
use book::{Book, Bucket, Class, Figures, Net, ReversalBucket, Tally, Totals};
use journal::Step;
use serde::Serialize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;
use terms::{BusinessDate, Currency};

/// Which totals to show, and how.
#[derive(Debug, clap::Args)]
#[command(after_help = "Counted anew from the journal each time, also while a switch runs.\n\n\
                        Exit: 0 done · 1 the journal is damaged: what is shown is what stands before that place; or --verify \
                        found a difference · \
                        66 no journal there")]
pub struct Args {
    /// The data directory
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
    #[command(flatten)]
    whereabouts: Whereabouts,
    /// Only this day: 2026-11-22
    #[arg(long, value_name = "DATE")]
    day: Option<Day>,
    /// Only with this host
    #[arg(long, value_name = "NAME")]
    link: Option<String>,
    /// Under which side reversals are told: the host's contract says
    #[arg(long, value_name = "RULE", default_value = "original")]
    reversals: Rule,
    /// What comes after the totals of a day stood, by that day; it is counted under another as well
    #[arg(long)]
    late: bool,
    /// Compare what the running switch has counted with its journal
    #[arg(long, conflicts_with_all = ["day", "link", "late"])]
    verify: bool,
    /// The control socket of the switch to verify; without it the one in the data directory
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Rule {
    Original,
    Effect,
}

/// `YYYY-MM-DD`.
#[derive(Clone, Copy, Debug)]
struct Day(BusinessDate);

impl FromStr for Day {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "not a day such as 2026-11-22";
        let parts: Vec<&str> = text.split('-').collect();
        let [year, month, day] = parts[..] else { return Err(WRONG) };
        let (year, month, day) = (year.parse(), month.parse(), day.parse());
        let (Ok(year), Ok(month), Ok(day)) = (year, month, day) else { return Err(WRONG) };
        BusinessDate::new(year, month, day).map(Self).ok_or(WRONG)
    }
}

/// `--json`. Fields are added to it, never changed.
#[derive(Serialize)]
struct List {
    object: &'static str,
    data: Vec<DayJson>,
}

/// One day with one host in one currency.
#[derive(Serialize)]
struct DayJson {
    object: &'static str,
    link: String,
    business_date: String,
    currency: String,
    reversals: &'static str,
    credits: SideJson,
    debits: SideJson,
    transfers: SideJson,
    inquiries: u64,
    authorizations: u64,
    /// Positive: more went to accounts than came from them.
    net: i128,
    /// Asked, and not decided yet.
    open: TallyJson,
    /// Nobody knows; not counted above.
    unknown: TallyJson,
    /// Nobody knew, and the host accepted to undo it: its counts may be higher by these, on both sides.
    cancelled: TallyJson,
    exceptions: u64,
}

#[derive(Serialize)]
struct SideJson {
    done: TallyJson,
    reversed: TallyJson,
}

#[derive(Serialize)]
struct TallyJson {
    count: u64,
    amount: u128,
}

/// Does it.
pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let data = args.whereabouts.directory(args.directory.as_deref())?;
    if args.verify {
        let socket = args.socket.clone().unwrap_or_else(|| data.join("control.sock"));
        return super::verify::run(&Door::here(socket, data), args.json);
    }
    let mut opened = Opened::at(data)?;
    let (mut book, mut names) = (Book::new(), Names::default());
    let walked = opened.walk(|step| {
        if let Step::Record { record, .. } = step {
            names.learn(&record);
            book.apply(&record);
        }
    });
    let is_wanted = |bucket: &Bucket| {
        args.day.is_none_or(|day| bucket.date == day.0)
            && args.link.as_deref().is_none_or(|link| names.link(bucket.link) == link)
    };
    let wanted = |(bucket, _): &(&Bucket, &Totals)| is_wanted(bucket);
    let days: Vec<(&Bucket, &Totals)> = match args.late {
        true => book.late().filter(wanted).collect(),
        false => book.totals().filter(wanted).collect(),
    };
    let mut paper = Paper::new();
    match args.json {
        true => {
            let data = days.iter().map(|(bucket, totals)| as_json(bucket, totals, args.rule(), &names));
            paper.json(&List { object: "list", data: data.collect() });
        }
        // Where the journal cannot be read, nobody knows what was counted.
        false if days.is_empty() && walked.is_err() => {}
        false if days.is_empty() => paper.line("nothing was counted"),
        false => {
            for (at, (bucket, totals)) in days.iter().enumerate() {
                if at > 0 {
                    paper.line("");
                }
                print(bucket, totals, args.rule(), &names, &mut paper);
            }
        }
    }
    walked?;
    Ok(ExitCode::SUCCESS)
}

impl Args {
    const fn rule(&self) -> ReversalBucket {
        match self.reversals {
            Rule::Original => ReversalBucket::Original,
            Rule::Effect => ReversalBucket::Effect,
        }
    }
}

/// For people: a table of what is compared, and beneath it what explains differences.
fn print(bucket: &Bucket, totals: &Totals, rule: ReversalBucket, names: &Names, paper: &mut Paper) {
    let figures = Figures::of(totals, rule);
    let sum = |tally: Tally| match tally.count {
        0 => "-".to_string(),
        _ => decimal(tally.sum, bucket.currency),
    };
    let count = |tally: Tally| tally.count.to_string();
    paper.line(format_args!("{}  {}  {}", names.link(bucket.link), bucket.date, currency(bucket.currency)));
    let mut table = Table::new(&["", ">DONE", ">AMOUNT", ">REVERSED", ">AMOUNT", ""]);
    for (name, sides) in
        [("credits", figures.credits), ("debits", figures.debits), ("transfers", figures.transfers)]
    {
        let (done, reversed) = (sides.done, sides.reversed);
        table.row([name.into(), count(done), sum(done), count(reversed), sum(reversed), String::new()]);
    }
    for (name, number) in [("inquiries", figures.inquiries), ("authorizations", figures.authorizations)] {
        table.row([name.into(), number.to_string()].into_iter().chain(["", "", "", ""].map(String::from)));
    }
    paper.text(table);
    let (direction, net) = match figures.net {
        Net::Credit(net) => ("to accounts", net),
        Net::Debit(net) => ("from accounts", net),
    };
    paper.line(format_args!("net {} {direction}", decimal(net, bucket.currency)));
    for (what, tally) in [
        ("open", totals.open),
        ("not counted, because nobody knows their end", totals.unknown),
        ("not counted, because undone without an answer", totals.cancelled),
    ] {
        if !tally.is_empty() {
            paper.line(format_args!("{} {what}: {}", tally.count, sum(tally)));
        }
    }
    if totals.exceptions > 0 {
        paper.line(format_args!("{} left to a person", totals.exceptions));
    }
}

fn currency(currency: Currency) -> String {
    match currency {
        Currency::NONE => "without a currency".into(),
        currency => format!("currency {currency}"),
    }
}

fn as_json(bucket: &Bucket, totals: &Totals, rule: ReversalBucket, names: &Names) -> DayJson {
    let figures = Figures::of(totals, rule);
    let tally = |tally: Tally| TallyJson { count: tally.count, amount: tally.sum };
    let side = |sides: book::Sides| SideJson { done: tally(sides.done), reversed: tally(sides.reversed) };
    DayJson {
        object: "totals",
        link: names.link(bucket.link),
        business_date: bucket.date.to_string(),
        currency: bucket.currency.to_string(),
        reversals: rule.name(),
        credits: side(figures.credits),
        debits: side(figures.debits),
        transfers: side(figures.transfers),
        inquiries: totals.done(Class::Inquiry).count,
        authorizations: figures.authorizations,
        net: match figures.net {
            Net::Credit(net) => net.cast_signed(),
            Net::Debit(net) => -net.cast_signed(),
        },
        open: tally(totals.open),
        unknown: tally(totals.unknown),
        cancelled: tally(totals.cancelled),
        exceptions: totals.exceptions,
    }
}
