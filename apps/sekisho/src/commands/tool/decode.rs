//! `sekisho tool decode`

use super::choice::{Choice, End, choose};
use super::input::{self, InputError, Reading};
use super::shown::{self, Decoded};
use crate::commands::dialect::find;
use crate::commands::paper::Paper;
use crate::exit;
use dialects::Dialect;
use iso8583::Unmask;
use std::process::ExitCode;
use wire::Framing;

/// How to read a message, and which.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// A shipped dialect (see `sekisho dialect ls`) or a dialect file; without it, all shipped ones are tried
    #[arg(long, value_name = "NAME|FILE")]
    dialect: Option<String>,
    /// What stands around the message: none, ascii4, bin2, bcd2, hex4, bin2+tpdu, ...; without it, the message
    /// alone and the usual frames are tried
    #[arg(long, value_name = "FRAMING")]
    frame: Option<Framing>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Show card numbers, tracks, PIN blocks and keys as they are
    #[arg(long)]
    unmask: bool,
    /// The message: hex, a file of hex, of a dump or of bytes, or - for standard input
    #[arg(value_name = "HEX|FILE|-")]
    input: Vec<String>,
}

const AFTER_HELP: &str = "\
Offsets count bytes of the message body, from 0, after the frame was taken off; JSON says where the body
begins in \"frame\". Hex may have spaces, colons, 0x and new lines in it; the output of tcpdump -X or -XX,
xxd, hexdump -C and a log line with hex in it are understood too.

Exit: 0 decoded · 65 not decodable (what was read is printed) · 66 no input · 78 the dialect file is wrong
Example: sekisho tool decode --dialect iso87-ascii --frame ascii4 message.hex";

/// Does it.
pub(super) fn run(args: &Args) -> ExitCode {
    match decode(args) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(error.exit_code())
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Input(#[from] InputError),
    #[error(transparent)]
    Dialect(#[from] find::NotFound),
}

impl Failure {
    fn exit_code(&self) -> u8 {
        match self {
            Self::Input(_) => exit::NO_INPUT,
            Self::Dialect(error) => error.exit_code(),
        }
    }
}

fn decode(args: &Args) -> Result<ExitCode, Failure> {
    let dialects = match &args.dialect {
        Some(name) => vec![find::one(name)?.dialect],
        None => find::shipped(),
    };
    let readings = input::readings(&args.input)?;
    let choice = choose(&dialects, args.frame.as_ref(), &readings).ok_or(InputError::Nothing)?;
    report(args, &dialects, &readings, &choice);
    let is_whole = matches!(choice.taken.end, End::Whole(_));
    Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::from(exit::UNDECODABLE) })
}

fn report(args: &Args, dialects: &[Dialect], readings: &[Reading], choice: &Choice<'_>) {
    let taken = &choice.taken;
    let name = args.dialect.as_deref().unwrap_or(taken.dialect.name());
    let unmask = if args.unmask { Unmask::Yes } else { Unmask::No };
    let was_chosen = args.dialect.is_none() || (args.frame.is_none() && taken.unframed.is_some());
    if args.unmask {
        eprintln!("unmasked: whatever is secret in this message is shown as it is");
    }
    if dialects.len() > 1 {
        eprintln!("chose {name}, framing {}: {}", shown::framing(taken), choice.why);
        if !choice.also.is_empty() {
            eprintln!("equally good: {}; say which with --dialect", choice.also.join(", "));
        }
    }
    if readings.len() > 1 && taken.reading != &readings[0] {
        eprintln!("understood as {}", taken.reading.how);
    }
    let left = taken.unframed.as_ref().map_or(0, |unframed| unframed.left);
    if left > 0 {
        eprintln!("{left} more bytes stand behind this frame; only the first message is shown");
    }
    let mut paper = Paper::new();
    if args.json {
        paper.json(&Decoded::of(choice, name, unmask, was_chosen));
    } else {
        paper.text(shown::tree(choice, name, unmask));
    }
    drop(paper);
    for odd in &taken.oddities {
        eprintln!("odd: {odd}");
    }
    if let Some(error) = shown::error(taken) {
        eprintln!("error: {error}");
    }
}
