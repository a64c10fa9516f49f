//! Bytes as hex characters: upper case is written, either case is read.

use crate::swar;
use alloc::vec::Vec;

/// Which characters the hex digits are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    /// ASCII.
    Ascii,
    /// EBCDIC; its code pages agree on digits and letters.
    Ebcdic,
}

/// Where hex characters are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HexError {
    /// A character is not a hex digit.
    #[error("at byte {at}: expected a hex digit, found 0x{found:02X}")]
    NotHex {
        /// Its place.
        at: usize,
        /// What stands there.
        found: u8,
    },
    /// The last byte has only one digit.
    #[error("at byte {at}: expected a second hex digit, found the end")]
    Odd {
        /// Where the second digit would stand.
        at: usize,
    },
}

const NOT_HEX: u8 = 0xFF;

const fn values(charset: Charset) -> [u8; 256] {
    let mut table = [NOT_HEX; 256];
    let (digits, upper, lower) = match charset {
        Charset::Ascii => (0x30, 0x41, 0x61),
        Charset::Ebcdic => (0xF0, 0xC1, 0x81),
    };
    let mut value = 0;
    while value < 10 {
        table[digits + value] = value as u8;
        value += 1;
    }
    while value < 16 {
        table[upper + value - 10] = value as u8;
        table[lower + value - 10] = value as u8;
        value += 1;
    }
    table
}

static ASCII_VALUES: [u8; 256] = values(Charset::Ascii);
static EBCDIC_VALUES: [u8; 256] = values(Charset::Ebcdic);
const ASCII_DIGITS: &[u8; 16] = b"0123456789ABCDEF";
const EBCDIC_DIGITS: &[u8; 16] = b"\xF0\xF1\xF2\xF3\xF4\xF5\xF6\xF7\xF8\xF9\xC1\xC2\xC3\xC4\xC5\xC6";

/// The value of one hex character, 0..=15.
#[inline]
pub fn value(charset: Charset, character: u8) -> Option<u8> {
    let value = table(charset)[character as usize];
    (value != NOT_HEX).then_some(value)
}

/// The value of one hex character, 0..=15, or 255 for what is none: for loops that ask once at their end.
#[inline]
pub fn nibble(charset: Charset, character: u8) -> u8 {
    table(charset)[character as usize]
}

/// The character of one value; of its low four bits where it has more.
#[inline]
pub const fn digit(charset: Charset, value: u8) -> u8 {
    match charset {
        Charset::Ascii => ASCII_DIGITS[(value & 15) as usize],
        Charset::Ebcdic => EBCDIC_DIGITS[(value & 15) as usize],
    }
}

/// The byte two hex characters mean. Characters that are none count as zeros or worse: for text that
/// [`check`] has passed.
#[inline]
pub fn pair(charset: Charset, high: u8, low: u8) -> u8 {
    // In both character sets a letter has the digit's low nibble less nine, and a bit that digits lack: 0x40
    // in ASCII, none of 0x30 in EBCDIC.
    let both = u16::from_le_bytes([high, low]);
    let letters = match charset {
        Charset::Ascii => both >> 6,
        Charset::Ebcdic => !both >> 5,
    };
    let nibbles = (both & 0x0F0F) + 9 * (letters & 0x0101);
    (nibbles << 4) as u8 | (nibbles >> 8) as u8 & 15
}

/// Whether all of `text` are hex digits, two for each byte.
///
/// # Errors
/// [`HexError`] for the first place that is wrong.
#[inline]
pub fn check(charset: Charset, text: &[u8]) -> Result<(), HexError> {
    let clean = match charset {
        Charset::Ascii => swar::none(text, b'0', swar::not_hex),
        Charset::Ebcdic => text.iter().fold(0, |seen, &c| seen | EBCDIC_VALUES[c as usize]) != NOT_HEX,
    };
    if clean && text.len().is_multiple_of(2) { Ok(()) } else { Err(fault(charset, text)) }
}

/// Appends the bytes `text` means.
///
/// # Errors
/// As [`check`]; nothing is appended then.
pub fn read(charset: Charset, text: &[u8], out: &mut Vec<u8>) -> Result<(), HexError> {
    check(charset, text)?;
    read_checked(charset, text, out);
    Ok(())
}

/// Appends the bytes `text` means, eight characters at a time. As with [`pair`], `text` is one that [`check`]
/// has passed: a character that is none counts for something, and an odd one at the end for nothing.
pub fn read_checked(charset: Charset, text: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + text.len() / 2, 0);
    read_checked_over(charset, text, &mut out[start..]);
}

/// Writes the bytes `text` means over `place`, as many as there are of both: as [`read_checked`] does.
#[inline]
pub fn read_checked_over(charset: Charset, text: &[u8], place: &mut [u8]) {
    let (words, rest) = text.as_chunks::<8>();
    let (fours, last) = place.as_chunks_mut::<4>();
    for (four, word) in fours.iter_mut().zip(words) {
        *four = four_of(nibbles_of(charset, u64::from_le_bytes(*word)));
    }
    for (byte, &[high, low]) in last.iter_mut().zip(rest.as_chunks::<2>().0) {
        *byte = pair(charset, high, low);
    }
}

/// Appends two characters for each of `bytes`, four bytes at a time.
pub fn write(charset: Charset, bytes: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + bytes.len() * 2, 0);
    let (fours, rest) = bytes.as_chunks::<4>();
    let (words, last) = out[start..].as_chunks_mut::<8>();
    for (word, four) in words.iter_mut().zip(fours) {
        *word = characters_of(charset, nibbles_in(*four)).to_le_bytes();
    }
    for (pair, &byte) in last.as_chunks_mut::<2>().0.iter_mut().zip(rest) {
        *pair = [digit(charset, byte >> 4), digit(charset, byte)];
    }
}

/// The sixteen characters of a word, its highest digit first.
#[inline]
pub const fn word(charset: Charset, word: u64) -> [u8; 16] {
    let [a, b, c, d, e, f, g, h] = word.to_be_bytes();
    let first = characters_of(charset, nibbles_in([a, b, c, d])) as u128;
    let last = characters_of(charset, nibbles_in([e, f, g, h])) as u128;
    (first | last << 64).to_le_bytes()
}

/// The values of eight characters, each in its place: what [`pair`] does to one.
#[inline]
const fn nibbles_of(charset: Charset, word: u64) -> u64 {
    let letters = match charset {
        Charset::Ascii => word >> 6,
        Charset::Ebcdic => !word >> 5,
    };
    // A place holds at most 15 + 9, so nothing is carried into the next.
    ((word & swar::each(15)) + 9 * (letters & swar::each(1))) & swar::each(15)
}

/// Eight values as the four bytes they make, the first of each two on top.
#[inline]
const fn four_of(nibbles: u64) -> [u8; 4] {
    let pairs = (nibbles << 4 | nibbles >> 8) & 0x00FF_00FF_00FF_00FF;
    let halves = (pairs | pairs >> 8) & 0x0000_FFFF_0000_FFFF;
    ((halves | halves >> 16) as u32).to_le_bytes()
}

/// Four bytes as eight values: [`four_of`] backwards.
#[inline]
const fn nibbles_in(four: [u8; 4]) -> u64 {
    let word = u32::from_le_bytes(four) as u64;
    let halves = (word | word << 16) & 0x0000_FFFF_0000_FFFF;
    let bytes = (halves | halves << 8) & 0x00FF_00FF_00FF_00FF;
    (bytes >> 4 | bytes << 8) & swar::each(15)
}

/// The characters of eight values (0..=15 each), each in its place.
#[inline]
const fn characters_of(charset: Charset, nibbles: u64) -> u64 {
    let letters = (nibbles + swar::each(6)) >> 4 & swar::each(1);
    match charset {
        Charset::Ascii => nibbles + swar::each(0x30) + letters * (0x41 - 0x3A),
        // The letters stand below the digits.
        Charset::Ebcdic => nibbles + swar::each(0xF0) - letters * (0xFA - 0xC1),
    }
}

#[inline]
fn table(charset: Charset) -> &'static [u8; 256] {
    match charset {
        Charset::Ascii => &ASCII_VALUES,
        Charset::Ebcdic => &EBCDIC_VALUES,
    }
}

#[cold]
fn fault(charset: Charset, text: &[u8]) -> HexError {
    match text.iter().position(|&c| value(charset, c).is_none()) {
        Some(at) => HexError::NotHex { at, found: text[at] },
        None => HexError::Odd { at: text.len() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_first_wrong_place_is_named() {
        let mut out = Vec::new();
        let refused = read(Charset::Ascii, b"0aF/12", &mut out);
        assert_eq!(refused, Err(HexError::NotHex { at: 3, found: b'/' }));
        assert_eq!(read(Charset::Ascii, b"0aF", &mut out), Err(HexError::Odd { at: 3 }));
        assert_eq!(check(Charset::Ebcdic, b"\xF0\x30"), Err(HexError::NotHex { at: 1, found: 0x30 }));
        assert!(out.is_empty());
    }

    #[test]
    fn every_byte_is_hex_or_refused_in_both_character_sets() {
        for byte in 0..=255_u8 {
            let text = [byte, byte];
            let ascii = check(Charset::Ascii, &text).is_ok();
            assert_eq!(ascii, byte.is_ascii_hexdigit());
            let ebcdic = check(Charset::Ebcdic, &text).is_ok();
            assert_eq!(ebcdic, matches!(byte, 0xF0..=0xF9 | 0xC1..=0xC6 | 0x81..=0x86));
        }
    }

    #[test]
    fn every_byte_at_every_place_is_written_as_its_two_digits_and_read_again_in_either_case() {
        for charset in [Charset::Ascii, Charset::Ebcdic] {
            for byte in 0..=255_u8 {
                for length in 1..12 {
                    let bytes: Vec<u8> = (0..length).map(|at| byte.wrapping_mul(at | 1)).collect();
                    let (mut text, mut again) = (b"before".to_vec(), b"before".to_vec());
                    write(charset, &bytes, &mut text);
                    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
                    assert!(text[6..].iter().copied().eq(digits.map(|value| digit(charset, value))));
                    let lower = match charset {
                        Charset::Ascii => text[6..].to_ascii_lowercase(),
                        Charset::Ebcdic => {
                            text[6..].iter().map(|c| if c >> 4 == 0xC { c & 0xBF } else { *c }).collect()
                        }
                    };
                    for text in [&text[6..], &lower] {
                        again.truncate(6);
                        assert_eq!(read(charset, text, &mut again), Ok(()), "{byte}");
                        assert_eq!(again[6..], bytes);
                    }
                }
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(bytes: Vec<u8>) {
            for charset in [Charset::Ascii, Charset::Ebcdic] {
                let (mut text, mut again) = (Vec::new(), Vec::new());
                write(charset, &bytes, &mut text);
                prop_assert_eq!(text.len(), bytes.len() * 2);
                prop_assert_eq!(read(charset, &text, &mut again), Ok(()));
                prop_assert_eq!(&again, &bytes);
            }
        }
    }
}
