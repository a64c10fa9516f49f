//! Hex digits nobody else sees: from a terminal without an echo, or from a pipe.

use crate::commands::link::door::Failure;
use crate::exit;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use std::fs::File;
use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::os::fd::AsFd as _;
use zeroize::{Zeroize as _, Zeroizing};

/// Longest line of hex digits: 32 bytes, with a space after each.
const HEX_MAX: usize = 128;
/// Longest line with a key as a module keeps it: a block with room for optional ones.
const BLOCK_MAX: usize = 512;

/// One line of hex digits as bytes; spaces between them mean nothing.
pub(super) fn hex(prompt: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let line = line(prompt, HEX_MAX).map_err(unreadable)?;
    bytes_of(&line).ok_or_else(|| said("that is no line of hex digits in pairs", exit::UNDECODABLE))
}

/// One line with a key as a module keeps it; spaces in it mean nothing.
pub(super) fn stored(prompt: &str) -> Result<Zeroizing<String>, Failure> {
    let line = line(prompt, BLOCK_MAX).map_err(unreadable)?;
    let text: String =
        line.iter().filter(|byte| !byte.is_ascii_whitespace()).map(|&byte| char::from(byte)).collect();
    let text = Zeroizing::new(text);
    let is_one = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    is_one
        .then_some(text)
        .ok_or_else(|| said("that is no line with a key as a module keeps it", exit::UNDECODABLE))
}

fn unreadable(error: io::Error) -> Failure {
    said(&format!("standard input cannot be read: {error}"), exit::NO_INPUT)
}

fn bytes_of(line: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(HEX_MAX));
    let mut high = None;
    for byte in line.iter().filter(|byte| !byte.is_ascii_whitespace()) {
        let digit = char::from(*byte).to_digit(16)? as u8;
        match high.take() {
            None => high = Some(digit),
            Some(high) => bytes.push(high << 4 | digit),
        }
    }
    (high.is_none() && !bytes.is_empty()).then_some(bytes)
}

/// Past the buffer of the standard library, which would keep what it read.
pub(in crate::commands) fn line(prompt: &str, longest: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    let stdin = io::stdin();
    let mut input = File::from(stdin.as_fd().try_clone_to_owned()?);
    let _quiet = stdin.is_terminal().then(|| Quiet::begin(prompt)).transpose()?;
    let mut line = Zeroizing::new(Vec::with_capacity(longest));
    let mut byte = [0];
    let mut is_too_long = false;
    // To its end, however long: what is left of it would be typed to the shell, for all to see.
    while input.read(&mut byte)? == 1 && byte[0] != b'\n' {
        match line.len() < longest {
            true => line.push(byte[0]),
            false => is_too_long = true,
        }
    }
    byte.zeroize();
    if is_too_long {
        // None of ours: half a component is none.
        line.zeroize();
    }
    Ok(line)
}

/// A terminal that does not show what is typed, until this is dropped.
struct Quiet(Termios);

impl Quiet {
    fn begin(prompt: &str) -> io::Result<Self> {
        eprint!("{prompt}");
        io::stderr().flush()?;
        let before = tcgetattr(io::stdin())?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Flush, &quiet)?;
        Ok(Self(before))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // Whoever typed it has gone on already; a terminal that cannot be mended is reset by its owner.
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.0);
        eprintln!();
    }
}

fn said(text: &str, exit: u8) -> Failure {
    Failure::Said {
        code: "CER2006-E",
        said: text.into(),
        state: "nothing was changed".into(),
        next: "sekisho ceremony component".into(),
        exit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_is_pairs_of_digits_and_nothing_else() {
        assert_eq!(bytes_of(b"01 23 aB").as_deref().map(Vec::as_slice), Some(&[0x01, 0x23, 0xAB][..]));
        for wrong in [&b""[..], b"0", b"0g", b"123", b"01-23"] {
            assert!(bytes_of(wrong).is_none());
        }
    }
}
