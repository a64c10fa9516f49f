//! `sekisho tool pinblock`

use super::hexed::{Hex, ended};
use super::shown::hex;
use crate::commands::paper::Paper;
use clock::EntropyError;
use hsm::drbg::{Drbg, SEED_BYTES};
use hsm::pin::{ClearBlock, Fill, Format, PinError, compose, decipher, encipher, extract};
use hsm::{Cipher, Key, KeyLengthError, Pin};
use serde::Serialize;
use std::process::ExitCode;
use terms::Pan;

/// A PIN and its block.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// The ISO 9564 format
    #[arg(long, value_name = "0..4", value_parser = clap::value_parser!(u8).range(0..=4))]
    format: u8,
    /// The PIN, 4 to 12 digits
    #[arg(long, value_name = "PIN", required_unless_present = "open", conflicts_with = "open")]
    pin: Option<String>,
    /// The card number; formats 1 and 2 need none
    #[arg(long, value_name = "NUMBER")]
    pan: Option<String>,
    /// A test key; without it, the block is clear
    #[arg(long, value_name = "HEX")]
    key: Option<Hex>,
    /// Take this block apart and print its PIN
    #[arg(long, value_name = "HEX")]
    open: Option<Hex>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

const AFTER_HELP: &str = "\
Of format 4 without a key, the PIN field is printed. Formats 1, 3 and 4 are filled with fresh random digits,
so no two blocks are alike. For test PINs and test keys: a command line is seen by everybody on the machine.

Exit: 0 printed · 65 no such block, PIN, card number or key
Example: sekisho tool pinblock --format 0 --pin 1234 --pan 4111111111111111";

#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("--pin: a PIN has 4 to 12 digits")]
    Pin,
    #[error("--pan: a card number has up to 19 digits, and nothing but digits")]
    Pan,
    #[error("--key: {0}")]
    Key(#[from] KeyLengthError),
    #[error("--open: a block has 8 bytes, of format 4 sixteen, not {found}")]
    Block { found: usize },
    #[error(transparent)]
    Block9564(#[from] PinError),
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

#[derive(Serialize)]
struct Shown<'a> {
    format: u8,
    enciphered: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    block: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pin: Option<&'a str>,
}

/// Does it.
pub(super) fn run(args: &Args) -> ExitCode {
    ended(told(args))
}

fn told(args: &Args) -> Result<ExitCode, Refused> {
    let format = Format::of_iso(args.format).expect("the command line takes 0 to 4");
    let digits = args.pan.as_deref().unwrap_or_default().as_bytes();
    let pan = if digits.is_empty() { Pan::NONE } else { Pan::new(digits).ok_or(Refused::Pan)? };
    let cipher = if format == Format::Iso4 { Cipher::Aes } else { Cipher::Tdes };
    let key = args.key.as_ref().map(|hex| hex.key(cipher)).transpose()?;
    let answer = match &args.open {
        Some(block) => opened(format, block.bytes(), &pan, key.as_ref())?,
        None => made(format, args.pin.as_deref().unwrap_or_default(), &pan, key.as_ref())?,
    };
    let mut paper = Paper::new();
    if args.json {
        let (block, pin) = match args.open {
            Some(_) => (None, Some(&*answer)),
            None => (Some(&*answer), None),
        };
        paper.json(&Shown { format: args.format, enciphered: key.is_some(), block, pin });
    } else {
        paper.line(answer);
    }
    Ok(ExitCode::SUCCESS)
}

fn made(format: Format, digits: &str, pan: &Pan, key: Option<&Key>) -> Result<String, Refused> {
    let pin = Pin::new(digits.as_bytes()).ok_or(Refused::Pin)?;
    let mut seed = [0; SEED_BYTES];
    clock::entropy(&mut seed)?;
    let clear = compose(format, &pin, pan, &mut Fill::Random(&mut Drbg::new(&seed)))?;
    Ok(match key {
        None => hex(clear.expose()),
        Some(key) => hex(encipher(format, &clear, pan, key)?.as_bytes()),
    })
}

fn opened(format: Format, block: &[u8], pan: &Pan, key: Option<&Key>) -> Result<String, Refused> {
    let clear = match key {
        None => ClearBlock::new(block).ok_or(Refused::Block { found: block.len() })?,
        Some(key) => decipher(format, block, pan, key)?,
    };
    let pin = extract(format, &clear, pan)?;
    Ok(String::from_utf8_lossy(pin.expose()).into_owned())
}
