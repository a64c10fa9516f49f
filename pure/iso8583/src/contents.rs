//! The contents of one element: legal or not, to text, from text.

use crate::{
    error::{DecodeError, EncodeError, Expected, Found},
    spec::{Alphabet, Coding, Shape},
};
use alloc::{boxed::Box, vec::Vec};
use wire::{
    bcd::{self, BcdError, Nibbles},
    ebcdic,
    few::Few,
    hex, swar,
    write::append,
};

/// Whether `wire` is `characters` legal characters. `offset` is where it stands in the body, for the error.
#[inline]
pub(crate) fn check(
    coding: Coding,
    alphabet: Alphabet,
    wire: &[u8],
    characters: usize,
    offset: usize,
) -> Result<(), Box<DecodeError>> {
    let legal = match coding {
        Coding::Ascii if alphabet == Alphabet::Xn => is_signed(wire),
        Coding::Ascii => alphabet.has_all(wire),
        Coding::Binary => true,
        Coding::HexAscii => hex::check(hex::Charset::Ascii, wire).is_ok(),
        Coding::HexEbcdic => hex::check(hex::Charset::Ebcdic, wire).is_ok(),
        Coding::Bcd { .. } => check_bcd(coding, alphabet, wire, characters).is_ok(),
        Coding::Ebcdic037 => is_ebcdic(ebcdic::Page::Cp037, alphabet, wire),
        Coding::Ebcdic500 => is_ebcdic(ebcdic::Page::Cp500, alphabet, wire),
    };
    if legal { Ok(()) } else { Err(fault(coding, alphabet, wire, characters, offset)) }
}

/// Appends the value as text: characters in ASCII, digits in ASCII, bytes as upper-case hex.
pub(crate) fn text_into(
    coding: Coding,
    alphabet: Alphabet,
    wire: &[u8],
    characters: usize,
    out: &mut Vec<u8>,
) {
    match coding {
        Coding::Ascii => out.extend_from_slice(wire),
        Coding::Ebcdic037 => out.extend(wire.iter().map(|&byte| ebcdic::to_latin(ebcdic::Page::Cp037, byte))),
        Coding::Ebcdic500 => out.extend(wire.iter().map(|&byte| ebcdic::to_latin(ebcdic::Page::Cp500, byte))),
        Coding::Binary => hex::write(hex::Charset::Ascii, wire, out),
        Coding::HexAscii => out.extend(wire.iter().map(u8::to_ascii_uppercase)),
        Coding::HexEbcdic => {
            let latin = |&byte: &u8| ebcdic::to_latin(ebcdic::Page::Cp037, byte).to_ascii_uppercase();
            out.extend(wire.iter().map(latin));
        }
        Coding::Bcd { .. } => match (alphabet, wire.split_first()) {
            (Alphabet::Xn, Some((&sign, packed))) => {
                out.push(sign);
                out.extend(bcd::characters(packed, characters.saturating_sub(1), coding.filler()));
            }
            _ => out.extend(bcd::characters(wire, characters, coding.filler())),
        },
    }
}

/// Gives the characters of [`text_into`] one by one, for those who have no buffer.
#[inline]
pub(crate) fn each_character(
    coding: Coding,
    alphabet: Alphabet,
    wire: &[u8],
    characters: usize,
    mut take: impl FnMut(u8),
) {
    let page = coding.page().unwrap_or(ebcdic::Page::Cp037);
    match (coding, wire.split_first()) {
        (Coding::Ascii, _) => wire.iter().copied().for_each(take),
        (Coding::Ebcdic037 | Coding::Ebcdic500, _) => {
            wire.iter().for_each(|&byte| take(ebcdic::to_latin(page, byte)));
        }
        (Coding::Bcd { .. }, Some((&sign, packed))) if alphabet == Alphabet::Xn => {
            take(sign);
            bcd::characters(packed, characters.saturating_sub(1), coding.filler()).for_each(take);
        }
        (Coding::Bcd { .. }, _) => bcd::characters(wire, characters, coding.filler()).for_each(take),
        (Coding::Binary, _) => wire.iter().for_each(|&byte| {
            take(hex::digit(hex::Charset::Ascii, byte >> 4));
            take(hex::digit(hex::Charset::Ascii, byte));
        }),
        (Coding::HexAscii, _) => wire.iter().for_each(|byte| take(byte.to_ascii_uppercase())),
        (Coding::HexEbcdic, _) => {
            wire.iter().for_each(|&byte| take(ebcdic::to_latin(page, byte).to_ascii_uppercase()));
        }
    }
}

/// Appends the value as bytes: bytes as they are, text as [`text_into`].
pub(crate) fn bytes_into(
    coding: Coding,
    alphabet: Alphabet,
    wire: &[u8],
    characters: usize,
    out: &mut Vec<u8>,
) {
    match (coding, coding.hex()) {
        (Coding::Binary, _) => out.extend_from_slice(wire),
        // Checked when the message was read, so nothing is refused here.
        (_, Some(charset)) => hex::read_checked(charset, wire, out),
        _ => text_into(coding, alphabet, wire, characters, out),
    }
}

/// Characters that `text` will have: half its hex digits where values are bytes.
pub(crate) fn characters_of_text(coding: Coding, text: &[u8]) -> Result<usize, Box<EncodeError>> {
    match coding.is_bytes() {
        false => Ok(text.len()),
        true if text.len().is_multiple_of(2) => Ok(text.len() / 2),
        true => Err(EncodeError::new(Expected::WholeCharacters, Found::Length(text.len()))),
    }
}

/// Appends `few` characters in the codings and alphabets that most elements have; `false`, and nothing is
/// appended, where it is another, or where a character is wrong: [`write_text`] knows them all.
#[inline]
pub(crate) fn write_few(coding: Coding, alphabet: Alphabet, few: Few, out: &mut Vec<u8>) -> bool {
    match (coding, alphabet) {
        (Coding::Ascii, _) if alphabet.has_few(few) => few.append(out),
        (Coding::Bcd { .. }, Alphabet::N) => return bcd::write_few(few, coding.filler(), out),
        (Coding::Ebcdic037 | Coding::Ebcdic500, Alphabet::N) if few.none(swar::not_digits) => {
            few.with(EBCDIC_DIGIT).append(out);
        }
        _ => return false,
    }
    true
}

/// The bits a digit has in EBCDIC besides those it has in ASCII.
const EBCDIC_DIGIT: u8 = 0xC0;

/// Appends `text` in its coding.
#[inline(always)]
pub(crate) fn write_text(
    coding: Coding,
    alphabet: Alphabet,
    text: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), Box<EncodeError>> {
    match coding {
        Coding::Binary | Coding::HexAscii | Coding::HexEbcdic => return write_hex(coding, text, out),
        // Packing finds what is no digit by itself, and says the same of it.
        Coding::Bcd { .. } if alphabet == Alphabet::N => return write_bcd(coding, alphabet, text, out),
        _ => {}
    }
    let legal = match alphabet {
        Alphabet::Xn => is_signed(text),
        alphabet => alphabet.has_all(text),
    };
    if !legal {
        return Err(illegal(alphabet, text));
    }
    match coding {
        Coding::Ascii => append(text, out),
        Coding::Ebcdic037 => {
            out.extend(text.iter().map(|&byte| ebcdic::from_latin(ebcdic::Page::Cp037, byte)))
        }
        Coding::Ebcdic500 => {
            out.extend(text.iter().map(|&byte| ebcdic::from_latin(ebcdic::Page::Cp500, byte)))
        }
        _ => return write_bcd(coding, alphabet, text, out),
    }
    Ok(())
}

#[cold]
fn illegal(alphabet: Alphabet, text: &[u8]) -> Box<EncodeError> {
    EncodeError::from_read(&fault(Coding::Ascii, alphabet, text, text.len(), 0))
}

/// Appends `bytes` in its coding; where values are text, `bytes` is the text.
#[inline]
pub(crate) fn write_bytes(
    coding: Coding,
    alphabet: Alphabet,
    bytes: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), Box<EncodeError>> {
    match (coding, coding.hex()) {
        (Coding::Binary, _) => out.extend_from_slice(bytes),
        (_, Some(charset)) => hex::write(charset, bytes, out),
        _ => return write_text(coding, alphabet, bytes, out),
    }
    Ok(())
}

/// Appends the contents of one element as they stand on the wire, without its length and not filled up: bytes where
/// the element holds bytes, otherwise its text.
///
/// # Errors
/// [`EncodeError`]: characters the element does not allow. `out` may then hold a part of them.
pub fn write_contents(shape: &Shape, contents: &[u8], out: &mut Vec<u8>) -> Result<(), Box<EncodeError>> {
    write_bytes(shape.coding, shape.alphabet, contents, out)
}

fn write_hex(coding: Coding, text: &[u8], out: &mut Vec<u8>) -> Result<(), Box<EncodeError>> {
    if let Err(error) = hex::check(hex::Charset::Ascii, text) {
        let found = match error {
            hex::HexError::NotHex { found, .. } => Found::Byte(found),
            hex::HexError::Odd { .. } => Found::Length(text.len()),
        };
        return Err(EncodeError::new(Expected::Hex, found));
    }
    match coding {
        Coding::HexAscii => {
            let start = out.len();
            out.extend_from_slice(text);
            out[start..].make_ascii_uppercase();
        }
        Coding::HexEbcdic => {
            out.extend(text.iter().map(|c| ebcdic::from_latin(ebcdic::Page::Cp037, c.to_ascii_uppercase())));
        }
        _ => hex::read_checked(hex::Charset::Ascii, text, out),
    }
    Ok(())
}

fn write_bcd(
    coding: Coding,
    alphabet: Alphabet,
    text: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), Box<EncodeError>> {
    let packed = match (alphabet, text.split_first()) {
        (Alphabet::Xn, Some((&sign, digits))) => {
            out.push(sign);
            digits
        }
        _ => text,
    };
    bcd::write(packed, coding.filler(), nibbles(alphabet), out).map_err(|error| {
        let found = match error {
            BcdError::NotDigits { found, .. } => Found::Byte(found),
            BcdError::Filler { .. } | BcdError::Length { .. } => Found::Other,
        };
        EncodeError::new(Expected::Characters { count: text.len() as u16, alphabet }, found)
    })
}

fn check_bcd(coding: Coding, alphabet: Alphabet, wire: &[u8], characters: usize) -> Result<(), BcdError> {
    match (alphabet, wire.split_first()) {
        (Alphabet::Xn, Some((b'C' | b'D', packed))) => {
            bcd::check(packed, characters.saturating_sub(1), coding.filler(), Nibbles::Digits)
        }
        (Alphabet::Xn, Some((&found, _))) => Err(BcdError::NotDigits { at: 0, found }),
        _ => bcd::check(wire, characters, coding.filler(), nibbles(alphabet)),
    }
}

fn nibbles(alphabet: Alphabet) -> Nibbles {
    if alphabet == Alphabet::Z { Nibbles::Track } else { Nibbles::Digits }
}

fn is_signed(text: &[u8]) -> bool {
    matches!(text.split_first(), Some((b'C' | b'D', digits)) if Alphabet::N.has_all(digits))
}

fn is_ebcdic(page: ebcdic::Page, alphabet: Alphabet, wire: &[u8]) -> bool {
    match (alphabet, wire.split_first()) {
        (Alphabet::Xn, Some((&sign, digits))) => {
            matches!(ebcdic::to_latin(page, sign), b'C' | b'D') && Alphabet::N.has_all_ebcdic(page, digits)
        }
        (Alphabet::Xn, None) => false,
        _ => alphabet.has_all_ebcdic(page, wire),
    }
}

/// Finds the first byte that is wrong. Slow and exact: an error is allowed to cost.
#[cold]
fn fault(
    coding: Coding,
    alphabet: Alphabet,
    wire: &[u8],
    characters: usize,
    offset: usize,
) -> Box<DecodeError> {
    let expected = Expected::Characters { count: characters as u16, alphabet };
    if let Some(charset) = coding.hex() {
        return match hex::check(charset, wire) {
            Err(hex::HexError::NotHex { at, found }) => {
                DecodeError::at(offset + at, Expected::Hex, Found::Byte(found))
            }
            _ => DecodeError::at(offset, Expected::WholeCharacters, Found::Length(wire.len())),
        };
    }
    if matches!(coding, Coding::Bcd { .. }) {
        let sign = usize::from(alphabet == Alphabet::Xn && matches!(wire.first(), Some(b'C' | b'D')));
        return match check_bcd(coding, alphabet, wire, characters) {
            Err(BcdError::NotDigits { at, found }) => {
                DecodeError::at(offset + sign + at, expected, Found::Byte(found))
            }
            Err(BcdError::Filler { at, expected, found }) => {
                DecodeError::at(offset + sign + at, Expected::Filler(expected), Found::Nibble(found))
            }
            _ => DecodeError::at(offset, expected, Found::Bytes(wire.len())),
        };
    }
    let page = coding.page();
    let latin = |byte: u8| page.map_or(byte, |page| ebcdic::to_latin(page, byte));
    let wrong = wire.iter().enumerate().find(|&(at, &byte)| match (alphabet, at) {
        (Alphabet::Xn, 0) => !matches!(latin(byte), b'C' | b'D'),
        _ => !alphabet.has(latin(byte)),
    });
    match wrong {
        Some((at, &byte)) => DecodeError::at(offset + at, expected, Found::Byte(byte)),
        None => DecodeError::at(offset, expected, Found::Bytes(wire.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_way_writes_what_the_long_way_writes_and_never_more() {
        let packed = |left| Coding::Bcd { left, fill: 0xF };
        let codings = [
            Coding::Ascii,
            Coding::Ebcdic037,
            Coding::Ebcdic500,
            Coding::Binary,
            packed(true),
            packed(false),
        ];
        let alphabets = [Alphabet::A, Alphabet::N, Alphabet::An, Alphabet::Ans, Alphabet::Z, Alphabet::Xn];
        for (coding, alphabet) in codings.iter().flat_map(|c| alphabets.iter().map(move |a| (*c, *a))) {
            for (length, byte) in (1..=16).flat_map(|length| (0..=255).map(move |byte| (length, byte))) {
                let mut text = *b"0123456789012345";
                text[usize::from(byte) % length] = byte;
                let (text, mut short, mut long) = (&text[..length], Vec::new(), Vec::new());
                let few = Few::of(text).expect("at most sixteen");
                if write_few(coding, alphabet, few, &mut short) {
                    assert_eq!(write_text(coding, alphabet, text, &mut long), Ok(()));
                    assert_eq!(short, long, "{coding:?} {alphabet:?} {length} {byte:#x}");
                }
            }
        }
    }
}
