//! `sekisho tool luhn`

use super::hexed::ended;
use crate::commands::paper::Paper;
use crate::exit;
use serde::Serialize;
use std::process::ExitCode;
use terms::Pan;

/// A number with a check digit. Source: ISO/IEC 7812-1, annex B.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit: 0 the check digit holds · 1 it is wrong · 65 no number")]
pub struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// The number, its check digit last
    #[arg(value_name = "N")]
    number: String,
}

#[derive(Debug, thiserror::Error)]
#[error("a card number has 1 to 19 digits, and nothing but digits")]
struct NoNumber;

#[derive(Serialize)]
struct Shown {
    holds: bool,
    /// The digit that would stand last instead.
    check_digit: char,
    /// The digit that would follow, were this a number without its check digit.
    next_digit: Option<char>,
}

/// Does it.
pub(super) fn run(args: &Args) -> ExitCode {
    ended(told(args))
}

fn told(args: &Args) -> Result<ExitCode, NoNumber> {
    let digits = args.number.trim();
    let pan = Pan::new(digits.as_bytes()).ok_or(NoNumber)?;
    let shown = Shown {
        holds: pan.luhn_holds(),
        check_digit: completing(&digits[..digits.len() - 1]).expect("one more digit fits"),
        next_digit: completing(digits),
    };
    let mut paper = Paper::new();
    let holds = shown.holds;
    if args.json {
        paper.json(&shown);
    } else {
        let last = shown.check_digit;
        let verdict = if holds { "holds".into() } else { format!("is wrong: it would be {last}") };
        paper.line(format_args!("the check digit {verdict}"));
        if let Some(next) = shown.next_digit {
            paper.line(format_args!("without one, {next} would follow"));
        }
    }
    Ok(if holds { ExitCode::SUCCESS } else { ExitCode::from(exit::NO) })
}

/// The digit that makes the check hold when put behind; `None` where the number would be too long.
fn completing(digits: &str) -> Option<char> {
    ('0'..='9')
        .find(|digit| Pan::new(format!("{digits}{digit}").as_bytes()).is_some_and(|pan| pan.luhn_holds()))
}
