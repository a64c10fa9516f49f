//! `sekisho tool tlv`

use super::hexed::{Hex, HexError, ended};
use crate::commands::paper::Paper;
use crate::commands::table::Table;
use iso8583::spec::{Alphabet, Coding, Counts, Inside, Length, Pad, Secret, Shape};
use iso8583::{Line, Spec, Unmask, decode, describe};
use serde::Serialize;
use std::process::ExitCode;

/// BER-TLV objects, as chip data is made of.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Show card numbers, tracks and the like as they are
    #[arg(long)]
    unmask: bool,
    /// The objects
    #[arg(value_name = "HEX", required = true, num_args = 1..)]
    data: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("HEX: {0}")]
    Hex(#[from] HexError),
    #[error("at byte {at}: expected {expected}, found {found}")]
    Object { at: usize, expected: String, found: String },
    #[error("{bytes} bytes are too many: at most {BYTES_MAX}")]
    TooLong { bytes: usize },
}

#[derive(Serialize)]
struct Shown {
    tag: String,
    depth: usize,
    name: String,
    at: usize,
    length: usize,
    value: Option<String>,
    masked: bool,
}

/// The element they stand in while they are looked at, and what stands before them: message type, bitmap, length.
const ELEMENT: usize = 55;
const BEFORE: usize = 4 + 8 + 2;
const BYTES_MAX: usize = 60_000;

/// Does it.
pub(super) fn run(args: &Args) -> ExitCode {
    ended(told(args))
}

fn told(args: &Args) -> Result<ExitCode, Refused> {
    let data: Hex = args.data.concat().parse()?;
    let lines = lines(data.bytes(), if args.unmask { Unmask::Yes } else { Unmask::No })?;
    let mut paper = Paper::new();
    if args.json {
        paper.json(&lines);
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = Table::new(&["TAG", ">AT", ">LEN", "NAME", "=VALUE"]);
    for line in lines {
        let tag = format!("{}{}", "  ".repeat(line.depth), line.tag);
        let value = line.value.unwrap_or_default();
        table.row([tag, line.at.to_string(), line.length.to_string(), line.name, value]);
    }
    paper.text(table);
    Ok(ExitCode::SUCCESS)
}

/// The reader of messages is asked, so that tags mean here what they mean in a message.
fn lines(data: &[u8], unmask: Unmask) -> Result<Vec<Shown>, Refused> {
    if data.len() > BYTES_MAX {
        return Err(Refused::TooLong { bytes: data.len() });
    }
    let mut body = b"0100\0\0\0\0\0\0\x02\0".to_vec();
    body.extend((data.len() as u16).to_be_bytes());
    body.extend(data);
    let spec = spec();
    let message = decode(&spec, &body).map_err(|refusal| Refused::Object {
        at: refusal.error.offset.saturating_sub(BEFORE),
        expected: refusal.error.expected.to_string(),
        found: refusal.error.found.to_string(),
    })?;
    // The first line is the element itself.
    Ok(describe(&message, unmask).into_iter().skip(1).map(Shown::from).collect())
}

impl From<Line> for Shown {
    fn from(line: Line) -> Self {
        let path: Vec<&str> = line.path.split('.').collect();
        Self {
            tag: path.last().copied().unwrap_or_default().into(),
            depth: path.len().saturating_sub(2),
            name: line.name,
            at: line.offset.saturating_sub(BEFORE),
            length: line.length,
            value: line.value,
            masked: line.masked,
        }
    }
}

/// A message that holds nothing but chip data.
fn spec() -> Spec {
    let shape = Shape {
        name: "chip data".into(),
        length: Length::Var {
            digits: 2,
            coding: Coding::Binary,
            counts: Counts::Characters,
            min: 0,
            max: BYTES_MAX as u16,
        },
        coding: Coding::Binary,
        alphabet: Alphabet::B,
        pad: Pad::Never,
        secret: Secret::Open,
        inside: Inside::BerTlv { secrets: Vec::new() },
    };
    let mut fields = vec![None; ELEMENT];
    fields.push(Some(shape));
    Spec { version: 0, mti: Coding::Ascii, bitmap: Coding::Binary, fields }
}
