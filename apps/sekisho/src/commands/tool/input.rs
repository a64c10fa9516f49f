//! What a person hands over when asked for a message: hex in all its spellings, dumps, log lines, bytes.

use super::packet;
use std::fs;
use std::io::{self, IsTerminal, Read};
use std::path::Path;

/// Bytes of input that are looked at. Reason: a message has at most 65,535; a dump of one is ten times that.
const INPUT_BYTES_MAX: u64 = 4 << 20;
/// Hex digits in a row that are taken for a message within other text. Reason: shorter than the shortest
/// message (type and bitmap, packed), and dates or sessions would be taken for one.
const HEX_RUN_LEAST: usize = 20;

/// One way to understand the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    /// In words.
    pub(super) how: &'static str,
    /// The bytes it gives.
    pub(super) bytes: Vec<u8>,
}

/// Why there is nothing to read.
#[derive(Debug, thiserror::Error)]
pub(super) enum InputError {
    #[error("nothing to read: give hex, a file, or - for standard input")]
    Nothing,
    #[error("{path}: no such file, and it is not hex either")]
    NeitherFileNorHex { path: String },
    #[error("cannot read {path}: {source}")]
    Unreadable { path: String, source: io::Error },
}

/// Every way to understand what was given, the likeliest first: words of the command line (one of which may be
/// a file or `-`), or standard input where there are none.
pub(super) fn readings(words: &[String]) -> Result<Vec<Reading>, InputError> {
    match words {
        [] if io::stdin().is_terminal() => Err(InputError::Nothing),
        [] => from_contents(standard_input()?),
        [one] if one == "-" => from_contents(standard_input()?),
        [one] if Path::new(one).is_file() => from_contents(file(one)?),
        words => from_words(&words.join(" ")),
    }
}

/// Text from a file, from `-`, or from standard input where nothing is named.
pub(super) fn text(path: Option<&str>) -> Result<Vec<u8>, InputError> {
    match path {
        None if io::stdin().is_terminal() => Err(InputError::Nothing),
        None | Some("-") => standard_input(),
        Some(path) => file(path),
    }
}

fn standard_input() -> Result<Vec<u8>, InputError> {
    let mut contents = Vec::new();
    let read = io::stdin().lock().take(INPUT_BYTES_MAX).read_to_end(&mut contents);
    read.map_err(|source| InputError::Unreadable { path: "standard input".into(), source })?;
    Ok(contents)
}

fn file(path: &str) -> Result<Vec<u8>, InputError> {
    let mut contents = Vec::new();
    let opened = fs::File::open(path).and_then(|file| file.take(INPUT_BYTES_MAX).read_to_end(&mut contents));
    opened.map_err(|source| InputError::Unreadable { path: path.into(), source })?;
    Ok(contents)
}

fn from_words(text: &str) -> Result<Vec<Reading>, InputError> {
    let readings = of_text(text);
    let looks_like_message = text.len() >= HEX_RUN_LEAST && !text.contains('/');
    match readings.first() {
        Some(Reading { how: BYTES, .. }) if !looks_like_message => {
            Err(InputError::NeitherFileNorHex { path: text.into() })
        }
        Some(_) => Ok(readings),
        None => Err(InputError::Nothing),
    }
}

fn from_contents(contents: Vec<u8>) -> Result<Vec<Reading>, InputError> {
    if contents.is_empty() {
        return Err(InputError::Nothing);
    }
    let text = str::from_utf8(&contents).ok().filter(|text| !text.contains('\0'));
    match text {
        Some(text) => Ok(of_text(text)),
        None => Ok(vec![Reading { how: BYTES, bytes: contents }]),
    }
}

const BYTES: &str = "bytes as they are";

fn of_text(text: &str) -> Vec<Reading> {
    let mut readings = Vec::new();
    let mut add = |how, bytes: Option<Vec<u8>>| {
        if let Some(bytes) = bytes.filter(|bytes| !bytes.is_empty()) {
            readings.push(Reading { how, bytes });
        }
    };
    match packet::dump(text) {
        Some(bytes) => {
            add("the payload of a captured packet", packet::payload(&bytes).map(<[u8]>::to_vec));
            add("a hex dump", Some(bytes));
        }
        None => {
            let hex = hex(text);
            let is_hex = hex.is_some();
            add("hex", hex);
            add("the longest run of hex digits", longest_run(text).filter(|_| !is_hex));
        }
    }
    // A text of digits may be the message itself, which is made of digits in many dialects.
    add(BYTES, Some(text.trim_end_matches(['\r', '\n']).as_bytes().to_vec()));
    readings
}

/// Hex with what people put between: spaces, new lines, colons, commas, dashes, `0x`.
fn hex(text: &str) -> Option<Vec<u8>> {
    let words = text.split(|c: char| c.is_ascii_whitespace() || matches!(c, ':' | ',' | '-' | ';' | '"'));
    let digits: String = words.map(|word| word.trim_start_matches("0x").trim_start_matches("0X")).collect();
    unhexed(&digits)
}

/// Hex digits without a gap, or bytes with a space between, as dumps in logs are written.
fn longest_run(text: &str) -> Option<Vec<u8>> {
    let is_hex = |word: &str| word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let words: Vec<&str> = text.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let spaced = words.split(|word| word.len() != 2 || !is_hex(word)).map(<[&str]>::concat);
    let solid = words.iter().filter(|word| is_hex(word)).map(|word| (*word).to_string());
    spaced
        .chain(solid)
        .filter(|digits| digits.len() >= HEX_RUN_LEAST && digits.len().is_multiple_of(2))
        .max_by_key(String::len)
        .and_then(|digits| unhexed(&digits))
}

pub(super) fn unhexed(digits: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(digits.len() / 2);
    wire::hex::read(wire::hex::Charset::Ascii, digits.as_bytes(), &mut bytes).ok()?;
    (!bytes.is_empty()).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(text: &str) -> Reading {
        of_text(text).into_iter().next().expect("a reading")
    }

    #[test]
    fn hex_is_understood_however_it_is_spelled() {
        for text in
            ["0800AF", "08 00 af", "08:00:AF\n", "0x08,0x00,0xAF", "0x0800AF", "08-00-af", "08\n00\nAF\n"]
        {
            assert_eq!(first(text), Reading { how: "hex", bytes: vec![8, 0, 0xAF] }, "{text}");
        }
    }

    #[test]
    fn digits_may_also_be_the_message_itself() {
        let readings = of_text("0800822000000000\n");
        assert_eq!(readings.len(), 2);
        assert_eq!(readings[1].bytes, b"0800822000000000");
    }

    #[test]
    fn a_line_of_a_log_gives_its_hex() {
        let line = "18:31:21 atm-7 INFO recv 30 38 30 30 82 20 00 00 00 00 00 00 end";
        assert_eq!(first(line).bytes, [0x30, 0x38, 0x30, 0x30, 0x82, 0x20, 0, 0, 0, 0, 0, 0]);
        let line = "recv=<30383030822000000000000000> from 10.0.0.1";
        assert_eq!(first(line).bytes.len(), 13);
    }
}
