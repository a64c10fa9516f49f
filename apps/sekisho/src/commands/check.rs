//! `sekisho check`: one question about a switch's health, answered in the form that monitoring reads.

use super::door::{Door, Which};
use super::health::facts::Facts;
use super::health::local;
use super::health::questions::{self, Thresholds};
use super::health::{Answer, Verdict};
use super::paper::Paper;
use serde::Serialize;
use std::process::ExitCode;

/// What to ask.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Thresholds count upwards; where the critical one lies below the other, less is worse.\n\
                        Exit, as monitoring expects: 0 OK · 1 WARNING · 2 CRITICAL · 3 UNKNOWN"
)]
pub struct Args {
    /// The question
    #[arg(value_name = "QUESTION")]
    question: Question,
    /// The link, where the question is about one; without it, about all
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// From where on it is a warning
    #[arg(short, long, value_name = "N", allow_negative_numbers = true)]
    warn: Option<f64>,
    /// From where on it is critical
    #[arg(short, long, value_name = "N", allow_negative_numbers = true)]
    critical: Option<f64>,
    /// Below so many transactions, shares and times are UNKNOWN
    #[arg(long, value_name = "N", default_value_t = 20)]
    min_count: u64,
    /// How to say it
    #[arg(long, value_name = "FORM", default_value = "text")]
    format: Format,
    #[command(flatten)]
    which: Which,
}

/// What can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Question {
    /// Does it answer?
    Alive,
    /// Does it take requests?
    Ready,
    /// Does business pass over this link, or over all of them?
    Link,
    /// How many messages owed to hosts wait?
    Saf,
    /// How many items wait for a person?
    Exceptions,
    /// How many percent do hosts approve?
    ApprovalRate,
    /// For how many seconds has nobody asked?
    Silence,
    /// How many milliseconds from question to decision, at 99 of 100?
    Latency,
    /// How many percent of the disk are used?
    Disk,
    /// How many milliseconds does a sync take?
    Journal,
    /// Is a recovery under way, or waiting for a person?
    Recovery,
    /// Are the security modules well?
    Hsm,
    /// How many ended days do not balance with their hosts?
    Recon,
}

impl Question {
    fn name(self) -> String {
        use clap::ValueEnum;
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// A line for people.
    Text,
    /// A line for Nagios and what speaks its language, with performance data.
    Nagios,
    /// An object.
    Json,
}

/// Asks. The exit code is the answer.
pub fn run(args: &Args) -> ExitCode {
    let answer = args.which.door().map_or_else(
        |error| Answer::new(Verdict::Unknown, error.to_string()),
        |door| answered(args, &door).about(&door),
    );
    say(args, &answer);
    ExitCode::from(match answer.verdict {
        Verdict::Ok => 0,
        Verdict::Warning => 1,
        Verdict::Critical => 2,
        Verdict::Unknown => 3,
    })
}

fn answered(args: &Args, door: &Door) -> Answer {
    let thresholds = Thresholds { warn: args.warn, critical: args.critical, min_count: args.min_count };
    if args.question == Question::Disk {
        return match door.data() {
            Ok(data) => local::room(data, thresholds),
            Err(_) => Answer::new(Verdict::Unknown, format!("its disk is where {} is", door.address()))
                .next("ask it there: sekisho check disk"),
        };
    }
    let facts = match Facts::of(door) {
        Ok(facts) => facts,
        Err(error) => {
            let verdict = match args.question {
                // It may be very well: we are not let in.
                _ if error.is_for_good() => Verdict::Unknown,
                Question::Alive | Question::Ready | Question::Link => Verdict::Critical,
                _ => Verdict::Unknown,
            };
            let next = error.next().unwrap_or("sekisho doctor{at}");
            return Answer::new(verdict, error.to_string()).next(next);
        }
    };
    match args.question {
        Question::Alive => Answer::ok(format!("version {}, {}", facts.status.version, facts.status.state)),
        Question::Ready => questions::ready(&facts),
        Question::Link => link(args.name.as_deref(), &facts),
        Question::Saf => questions::saf(&facts, thresholds),
        Question::Exceptions => questions::exceptions(&facts, thresholds),
        Question::ApprovalRate => questions::approval_rate(&facts, thresholds),
        Question::Silence => questions::silence(&facts, thresholds),
        Question::Latency => questions::latency(&facts, thresholds),
        Question::Journal => questions::journal(&facts, thresholds),
        Question::Recovery => questions::recovery(&facts),
        Question::Hsm => questions::hsm(&facts),
        Question::Recon => questions::recon(&facts, thresholds),
        Question::Disk => unreachable!("answered above, without a switch"),
    }
}

/// That link, or the worst of them with how many are as bad.
fn link(name: Option<&str>, facts: &Facts) -> Answer {
    let answers: Vec<_> = (facts.links.iter())
        .filter(|link| name.is_none_or(|name| link.name == name))
        .map(|link| (link.name.as_str(), questions::link(link)))
        .collect();
    let worst = answers.iter().max_by_key(|(_, answer)| answer.verdict);
    match (worst, name) {
        (None, Some(name)) => {
            Answer::new(Verdict::Unknown, format!("no link is called `{name}`")).next("sekisho link ls{at}")
        }
        (None, None) => Answer::ok("there are no links"),
        (Some((_, answer)), None) if answer.verdict == Verdict::Ok => {
            Answer::ok(format!("{} links are open", answers.len()))
        }
        (Some((name, answer)), _) => Answer { said: format!("{name}: {}", answer.said), ..answer.clone() },
    }
}

#[derive(Serialize)]
struct Said<'a> {
    object: &'static str,
    question: String,
    #[serde(flatten)]
    answer: &'a Answer,
}

fn say(args: &Args, answer: &Answer) {
    let question = args.question.name();
    let mut paper = Paper::new();
    match args.format {
        Format::Json => paper.json(&Said { object: "check", question, answer }),
        Format::Nagios => paper.line(nagios(&question, answer)),
        Format::Text => {
            paper.line(format_args!("{}  {}", word(answer.verdict).to_lowercase(), answer.said));
            if !answer.next.is_empty() {
                paper.line(format_args!("next  {}", answer.next));
            }
        }
    }
}

/// One line: what, how bad, why, and behind a bar the figure with its thresholds.
/// Source: Monitoring Plugins Development Guidelines, "Plugin Output".
fn nagios(question: &str, answer: &Answer) -> String {
    let what = question.to_uppercase().replace('-', "_");
    // The bar divides the line, so no bar may stand in the words.
    let said = answer.said.replace('|', "/").replace('\n', " ");
    let figure = answer.figure.as_ref().map_or_else(String::new, |figure| {
        let (value, warn, critical) =
            (figure.value, edge(figure.warn, figure), edge(figure.critical, figure));
        format!(" | '{}'={value:.3}{};{warn};{critical}", figure.name, figure.unit)
    });
    format!("{what} {} - {said}{figure}", word(answer.verdict))
}

/// A threshold in that language: `N:` where less is worse.
fn edge(threshold: f64, figure: &super::health::Figure) -> String {
    if figure.critical < figure.warn { format!("{threshold}:") } else { threshold.to_string() }
}

const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Ok => "OK",
        Verdict::Warning => "WARNING",
        Verdict::Critical => "CRITICAL",
        Verdict::Unknown => "UNKNOWN",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::health::Figure;

    #[test]
    fn monitoring_is_told_in_one_line_with_the_figure_behind_a_bar() {
        let figure = |warn, critical| Figure { name: "p99", value: 2.5, unit: "ms", warn, critical };
        let answer = Answer::measured(figure(2.0, 5.0), "slow | and\nslower");
        assert_eq!(nagios("latency", &answer), "LATENCY WARNING - slow / and slower | 'p99'=2.500ms;2;5");
        let answer = Answer::measured(figure(80.0, 50.0), "few");
        assert_eq!(nagios("approval-rate", &answer), "APPROVAL_RATE CRITICAL - few | 'p99'=2.500ms;80:;50:");
        assert_eq!(nagios("alive", &Answer::ok("up")), "ALIVE OK - up");
    }
}
