//! `sekisho tool track2`

use super::hexed::ended;
use crate::commands::paper::Paper;
use crate::commands::table::Table;
use serde::Serialize;
use std::process::ExitCode;
use terms::Pan;

/// Track 2 of a card. Source: ISO/IEC 7813, 6.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Show the card number and what is discretionary as they are
    #[arg(long)]
    unmask: bool,
    /// The track, with `=` or `D` between; sentinels `;` and `?` may stand around it, a filler `F` behind
    #[arg(value_name = "TEXT")]
    track: String,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum Refused {
    #[error("no separator: expected `=` or `D` after the card number")]
    NoSeparator,
    #[error("at character {at}: expected a digit")]
    NoDigit { at: usize },
    #[error("the card number has {found} digits: expected 1 to 19")]
    Pan { found: usize },
    #[error("after the separator: expected four digits of expiry and three of service code, found {found}")]
    TooShort { found: usize },
    #[error("{found} characters: a track 2 has at most 37")]
    TooLong { found: usize },
    #[error("the expiry's month is {month:02}")]
    Month { month: u8 },
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct Shown {
    pan: String,
    luhn_holds: bool,
    expiry_year: String,
    expiry_month: String,
    service_code: String,
    discretionary: String,
    discretionary_digits: usize,
}

/// Does it.
pub(super) fn run(args: &Args) -> ExitCode {
    ended(told(args))
}

fn told(args: &Args) -> Result<ExitCode, Refused> {
    let shown = taken_apart(&args.track, args.unmask)?;
    if !shown.luhn_holds {
        eprintln!("odd: the card number's check digit is wrong");
    }
    let mut paper = Paper::new();
    if args.json {
        paper.json(&shown);
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = Table::new(&["WHAT", "=VALUE"]);
    let mut row = |what: &str, value: String| table.row([what.to_string(), value]);
    row("card number", shown.pan);
    row("check digit", if shown.luhn_holds { "holds".into() } else { "is wrong".into() });
    row("expiry", format!("year {}, month {}", shown.expiry_year, shown.expiry_month));
    row("service code", shown.service_code);
    row("discretionary", shown.discretionary);
    paper.text(table);
    Ok(ExitCode::SUCCESS)
}

/// Characters of a track without sentinels and check character.
const CHARACTERS_MAX: usize = 37;

fn taken_apart(text: &str, unmask: bool) -> Result<Shown, Refused> {
    let track = text.trim().trim_start_matches(';');
    let track = track.split('?').next().unwrap_or_default().trim_end_matches(['F', 'f']);
    if track.len() > CHARACTERS_MAX {
        return Err(Refused::TooLong { found: track.len() });
    }
    let separator = track.find(['=', 'D', 'd']).ok_or(Refused::NoSeparator)?;
    let (number, rest) = (&track[..separator], &track[separator + 1..]);
    for (from, part) in [(0, number), (separator + 1, rest)] {
        if let Some(at) = part.bytes().position(|byte| !byte.is_ascii_digit()) {
            return Err(Refused::NoDigit { at: from + at });
        }
    }
    let pan = Pan::new(number.as_bytes()).ok_or(Refused::Pan { found: number.len() })?;
    if rest.len() < 7 {
        return Err(Refused::TooShort { found: rest.len() });
    }
    let (expiry, rest) = rest.split_at(4);
    let (service_code, discretionary) = rest.split_at(3);
    let month = expiry[2..].parse().expect("two digits");
    if !(1..=12).contains(&month) {
        return Err(Refused::Month { month });
    }
    Ok(Shown {
        pan: if unmask { number.into() } else { pan.masked().to_string() },
        luhn_holds: pan.luhn_holds(),
        expiry_year: expiry[..2].into(),
        expiry_month: expiry[2..].into(),
        service_code: service_code.into(),
        discretionary: if unmask { discretionary.into() } else { "*".repeat(discretionary.len()) },
        discretionary_digits: discretionary.len(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_track_is_taken_apart_however_it_is_written() {
        let plain = taken_apart("4111111111111111=30122011234567800", true).expect("a track");
        assert_eq!(
            (&*plain.pan, &*plain.service_code, &*plain.discretionary),
            ("4111111111111111", "201", "1234567800")
        );
        for text in [";4111111111111111=30122011234567800?", "4111111111111111D30122011234567800F"] {
            assert_eq!(taken_apart(text, true).as_ref(), Ok(&plain), "{text}");
        }
    }

    #[test]
    fn what_is_no_track_is_refused_in_words() {
        for (text, refused) in [
            ("4111111111111111", Refused::NoSeparator),
            ("=30122011234567800", Refused::Pan { found: 0 }),
            ("41111111111111112345=3012201", Refused::Pan { found: 20 }),
            ("4111111111111111=30122", Refused::TooShort { found: 5 }),
            ("4111111111111111=3013201", Refused::Month { month: 13 }),
            ("411111x111111111=3012201", Refused::NoDigit { at: 6 }),
            ("4111111111111111=30122=1", Refused::NoDigit { at: 22 }),
            ("4111111111111111=301220112345678001234", Refused::TooLong { found: 38 }),
        ] {
            assert_eq!(taken_apart(text, false), Err(refused), "{text}");
        }
    }
}
