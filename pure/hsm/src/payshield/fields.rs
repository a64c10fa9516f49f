//! Fields of commands, one after another.

use crate::lmk::Scheme;
use crate::ops::{Fault, Wrapped};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use wire::hex::{Charset, read};

/// What is left of a command's body.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn take(&mut self, bytes: usize) -> Result<&'a [u8], Fault> {
        let (taken, left) = self.0.split_at_checked(bytes).ok_or(Fault::Request)?;
        self.0 = left;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let (taken, left) = self.0.split_first_chunk().ok_or(Fault::Request)?;
        self.0 = left;
        Ok(*taken)
    }

    pub(super) fn byte(&mut self) -> Result<u8, Fault> {
        self.array().map(|[byte]| byte)
    }

    /// Takes one byte where it is that.
    pub(super) fn skip(&mut self, wanted: u8) -> bool {
        let is_there = self.0.first() == Some(&wanted);
        if is_there {
            self.0 = &self.0[1..];
        }
        is_there
    }

    pub(super) fn hex(&mut self, digits: usize) -> Result<Vec<u8>, Fault> {
        let mut bytes = Vec::with_capacity(digits / 2);
        read(Charset::Ascii, self.take(digits)?, &mut bytes).map_err(|_| Fault::Request)?;
        Ok(bytes)
    }

    pub(super) fn digits<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let digits = self.array()?;
        if digits.iter().all(u8::is_ascii_digit) { Ok(digits) } else { Err(Fault::Request) }
    }

    /// A length in four hex digits.
    pub(super) fn length(&mut self) -> Result<usize, Fault> {
        let text = self.hex(4)?;
        Ok(usize::from(u16::from_be_bytes([text[0], text[1]])))
    }

    /// A key as it stands: a key block behind `S` or `R`, a scheme's letter and its digits, or `bare` digits without
    /// a letter.
    pub(super) fn key(&mut self, bare: usize) -> Result<String, Fault> {
        let digits = match self.0.first() {
            Some(b'S' | b'R') => 1 + number(self.0.get(2..6).ok_or(Fault::Request)?).ok_or(Fault::Request)?,
            Some(&letter) => Scheme::of_letter(letter).map_or(bare, |scheme| 1 + 2 * scheme.key_bytes()),
            None => return Err(Fault::Request),
        };
        let text = self.take(digits)?;
        if text.is_ascii() {
            Ok(text.iter().map(|&byte| char::from(byte)).collect())
        } else {
            Err(Fault::Request)
        }
    }
}

/// A key under a transport key as commands write it: a block of X9.143 stands behind `R`.
pub(super) fn on_the_line(wrapped: &Wrapped) -> String {
    // Shorter than any block are cryptograms, whose hex may begin with the same letters.
    let is_block = wrapped.0.len() >= TR31_CHARACTERS_MIN && wrapped.0.starts_with(['A', 'B', 'C', 'D']);
    if is_block { format!("R{}", wrapped.0) } else { wrapped.0.clone() }
}

/// [`on_the_line`] backwards.
pub(super) fn off_the_line(mut text: String) -> Wrapped {
    if text.starts_with('R') {
        text.remove(0);
    }
    Wrapped(text)
}

/// Shortest block of X9.143 with a key in it: a header, two blocks of eight bytes, a MAC of four.
const TR31_CHARACTERS_MIN: usize = 16 + 32 + 8;

/// Decimal digits as a number.
pub(super) fn number(digits: &[u8]) -> Option<usize> {
    let all_digits = digits.iter().all(u8::is_ascii_digit) && !digits.is_empty() && digits.len() < 8;
    all_digits.then(|| digits.iter().fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0')))
}
