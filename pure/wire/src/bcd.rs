//! Two decimal digits a byte.

use crate::{few::Few, hex, swar};
use alloc::vec::Vec;

/// Which values a nibble may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nibbles {
    /// 0 to 9.
    Digits,
    /// 0 to 9, and 0xD for the separator of track data, `=` in text.
    Track,
}

/// On which side the filler of an odd number of digits stands, and what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filler {
    /// Whether it is the first nibble; otherwise the last.
    pub left: bool,
    /// Its value, 0..=15.
    pub nibble: u8,
}

/// What is not BCD, or does not fit it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BcdError {
    /// A nibble is not a digit.
    #[error("at byte {at}: expected digits, found 0x{found:02X}")]
    NotDigits {
        /// The byte that holds it.
        at: usize,
        /// That byte.
        found: u8,
    },
    /// The filler nibble is not the one agreed.
    #[error("at byte {at}: expected the filler 0x{expected:X}, found 0x{found:X}")]
    Filler {
        /// The byte that holds it.
        at: usize,
        /// The nibble agreed.
        expected: u8,
        /// The nibble that stands there.
        found: u8,
    },
    /// The bytes are not as many as the digits need.
    #[error("{digits} digits need {} bytes, found {found_bytes}", digits.div_ceil(2))]
    Length {
        /// Digits asked for.
        digits: usize,
        /// Bytes given.
        found_bytes: usize,
    },
}

/// Whether `wire` holds exactly `digits` digits and the filler agreed.
///
/// # Errors
/// [`BcdError`] for the first place that is wrong.
#[inline]
pub fn check(wire: &[u8], digits: usize, filler: Filler, nibbles: Nibbles) -> Result<(), BcdError> {
    if wire.len() != digits.div_ceil(2) || wire.is_empty() {
        return check_slowly(wire, digits, filler, nibbles);
    }
    let (mut whole, mut legal) = (wire, true);
    if !digits.is_multiple_of(2) {
        // The byte with the filler is looked at by itself.
        let (shared, rest) =
            if filler.left { (wire[0], &wire[1..]) } else { (wire[wire.len() - 1], &wire[..wire.len() - 1]) };
        let (fill, digit) = if filler.left { (shared >> 4, shared & 15) } else { (shared & 15, shared >> 4) };
        legal = fill == filler.nibble && character(digit, nibbles).is_some();
        whole = rest;
    }
    legal &= match nibbles {
        Nibbles::Digits => swar::none(whole, 0, swar::not_decimal_nibbles),
        Nibbles::Track => swar::none(whole, 0, swar::not_track_nibbles),
    };
    if legal { Ok(()) } else { check_slowly(wire, digits, filler, nibbles) }
}

#[cold]
fn check_slowly(wire: &[u8], digits: usize, filler: Filler, nibbles: Nibbles) -> Result<(), BcdError> {
    if wire.len() != digits.div_ceil(2) {
        return Err(BcdError::Length { digits, found_bytes: wire.len() });
    }
    if !digits.is_multiple_of(2) {
        check_filler(wire, filler)?;
    }
    let skipped = usize::from(!digits.is_multiple_of(2) && filler.left);
    let wrong = (skipped..skipped + digits).find(|&at| character(nibble(wire, at), nibbles).is_none());
    wrong.map_or(Ok(()), |at| Err(BcdError::NotDigits { at: at / 2, found: wire[at / 2] }))
}

fn check_filler(wire: &[u8], filler: Filler) -> Result<(), BcdError> {
    let last = wire.len() * 2 - 1;
    let place = if filler.left { 0 } else { last };
    let found = nibble(wire, place);
    let expected = filler.nibble;
    if found == expected { Ok(()) } else { Err(BcdError::Filler { at: place / 2, expected, found }) }
}

/// Appends the digits of `wire` as ASCII.
///
/// # Errors
/// As [`check`]; nothing is appended then.
pub fn read(
    wire: &[u8],
    digits: usize,
    filler: Filler,
    nibbles: Nibbles,
    out: &mut Vec<u8>,
) -> Result<(), BcdError> {
    check(wire, digits, filler, nibbles)?;
    out.extend(characters(wire, digits, filler));
    Ok(())
}

/// The digits of `wire` as ASCII characters, without checking: for what [`check`] has passed. Gives fewer
/// than `digits` where `wire` is too short.
#[inline]
pub fn characters(wire: &[u8], digits: usize, filler: Filler) -> impl ExactSizeIterator<Item = u8> + Clone {
    let skipped = usize::from(!digits.is_multiple_of(2) && filler.left);
    let end = (skipped + digits).min(wire.len() * 2);
    (skipped..end).map(move |at| 0x30 | nibble(wire, at))
}

/// Appends the ASCII digits `text`, two a byte. In [`Nibbles::Track`] the separator may be `=` or `D`.
///
/// # Errors
/// [`BcdError::NotDigits`], `at` counting characters of `text`; nothing is appended then.
#[inline]
pub fn write(text: &[u8], filler: Filler, nibbles: Nibbles, out: &mut Vec<u8>) -> Result<(), BcdError> {
    if Few::of(text).is_some_and(|few| write_few(few, filler, out)) {
        return Ok(());
    }
    let all_digits = swar::none(text, b'0', swar::not_digits);
    if !all_digits && let Some(at) = text.iter().position(|&c| value(c, nibbles).is_none()) {
        return Err(BcdError::NotDigits { at, found: text[at] });
    }
    // Every legal character has its value in its low nibble but for the letter D.
    let low = |c: u8| if c == b'D' { 0xD } else { c & 0x0F };
    let (first, even) = match text.split_first() {
        Some((&first, rest)) if filler.left && !text.len().is_multiple_of(2) => (Some(first), rest),
        _ => (None, text),
    };
    if let Some(first) = first {
        out.push(filler.nibble << 4 | low(first));
    }
    // As hex digits they have the same values, `=` too: what counts is the low nibble, and a D is a D.
    hex::read_checked(hex::Charset::Ascii, even, out);
    if let [last] = even.as_chunks::<2>().1 {
        out.push(low(*last) << 4 | filler.nibble & 0x0F);
    }
    Ok(())
}

/// Appends `few` ASCII digits as [`write()`] does; `false`, and nothing is appended, when they are no digits.
#[inline]
pub fn write_few(few: Few, filler: Filler, out: &mut Vec<u8>) -> bool {
    if !few.none(swar::not_digits) {
        return false;
    }
    let ([mut first, mut last], fill) = (few.words(), u64::from(filler.nibble & 0x0F));
    let odd = !few.length().is_multiple_of(2);
    if odd && filler.left {
        // Every digit one place on, the last of the first eight among the others.
        (first, last) = (first << 8 | fill, last << 8 | first >> 56);
    }
    let mut packed = u64::from(pack(first)) | u64::from(pack(last)) << 32;
    if odd && !filler.left {
        packed |= fill << (few.length() / 2 * 8);
    }
    let end = out.len() + few.length().div_ceil(2);
    out.extend_from_slice(&packed.to_le_bytes());
    out.truncate(end);
    true
}

/// The low nibbles of eight bytes as four bytes, in the order they stand in memory.
#[inline]
const fn pack(word: u64) -> u32 {
    let digits = word & swar::each(0x0F);
    let twos = (digits << 4 | digits >> 8) & 0x00FF_00FF_00FF_00FF;
    let fours = (twos | twos >> 8) & 0x0000_FFFF_0000_FFFF;
    (fours | fours >> 16) as u32
}

#[inline]
fn nibble(wire: &[u8], at: usize) -> u8 {
    let byte = wire[at / 2];
    if at.is_multiple_of(2) { byte >> 4 } else { byte & 0x0F }
}

fn character(nibble: u8, nibbles: Nibbles) -> Option<u8> {
    match (nibble, nibbles) {
        (0..=9, _) | (0xD, Nibbles::Track) => Some(0x30 | nibble),
        _ => None,
    }
}

fn value(character: u8, nibbles: Nibbles) -> Option<u8> {
    match (character, nibbles) {
        (b'0'..=b'9', _) => Some(character & 0x0F),
        (b'=' | b'D', Nibbles::Track) => Some(0xD),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LEFT: Filler = Filler { left: true, nibble: 0 };
    const RIGHT: Filler = Filler { left: false, nibble: 0xF };

    fn written(text: &[u8], filler: Filler, nibbles: Nibbles) -> Vec<u8> {
        let mut out = Vec::new();
        write(text, filler, nibbles, &mut out).expect("legal digits");
        out
    }

    #[test]
    fn an_odd_digit_is_filled_on_the_side_agreed() {
        assert_eq!(written(b"12345", LEFT, Nibbles::Digits), [0x01, 0x23, 0x45]);
        assert_eq!(written(b"12345", RIGHT, Nibbles::Digits), [0x12, 0x34, 0x5F]);
        assert_eq!(written(b"1234567890", RIGHT, Nibbles::Digits), [0x12, 0x34, 0x56, 0x78, 0x90]);
        assert_eq!(written(b"12=34", RIGHT, Nibbles::Track), [0x12, 0xD3, 0x4F]);
        assert_eq!(written(b"12D3", RIGHT, Nibbles::Track), [0x12, 0xD3]);
        assert_eq!(written(b"", LEFT, Nibbles::Digits), []);
    }

    #[test]
    fn a_wrong_nibble_is_named_with_its_byte() {
        let digits = |wire: &[u8], count, filler| check(wire, count, filler, Nibbles::Digits);
        assert_eq!(digits(&[0x12, 0x3A], 4, LEFT), Err(BcdError::NotDigits { at: 1, found: 0x3A }));
        assert_eq!(digits(&[0x12, 0xD3], 4, LEFT), Err(BcdError::NotDigits { at: 1, found: 0xD3 }));
        assert_eq!(digits(&[0x12, 0x34], 3, LEFT), Err(BcdError::Filler { at: 0, expected: 0, found: 1 }));
        assert_eq!(digits(&[0x12, 0x34], 3, RIGHT), Err(BcdError::Filler { at: 1, expected: 15, found: 4 }));
        assert_eq!(digits(&[0x12], 3, RIGHT), Err(BcdError::Length { digits: 3, found_bytes: 1 }));
        assert_eq!(check(&[0x12, 0xD3], 4, LEFT, Nibbles::Track), Ok(()));
    }

    #[test]
    fn a_refused_text_leaves_nothing_behind() {
        let mut out = Vec::new();
        let refused = write(b"12=4", LEFT, Nibbles::Digits, &mut out);
        assert_eq!(refused, Err(BcdError::NotDigits { at: 2, found: b'=' }));
        assert!(out.is_empty());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(text in "[0-9]{0,40}", track in "[0-9=]{0,40}", left: bool, nibble in 0_u8..16) {
            let filler = Filler { left, nibble };
            for (text, nibbles) in [(text, Nibbles::Digits), (track, Nibbles::Track)] {
                let wire = written(text.as_bytes(), filler, nibbles);
                let mut again = Vec::new();
                prop_assert_eq!(read(&wire, text.len(), filler, nibbles, &mut again), Ok(()));
                prop_assert_eq!(again, text.as_bytes());
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(wire: Vec<u8>, digits in 0_usize..64, left: bool, nibble in 0_u8..16) {
            let filler = Filler { left, nibble };
            let mut text = Vec::new();
            if read(&wire, digits, filler, Nibbles::Track, &mut text).is_ok() {
                prop_assert_eq!(&written(&text, filler, Nibbles::Track), &wire);
            }
            let _ = characters(&wire, digits, filler).count();
        }
    }
}
