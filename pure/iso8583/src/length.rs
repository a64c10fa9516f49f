use crate::{
    error::{DecodeError, Expected, Found},
    spec::{Alphabet, Coding},
};
use alloc::{boxed::Box, vec::Vec};
use wire::{bcd, ebcdic, hex};

impl Coding {
    /// Bytes on the wire of so many characters.
    #[inline]
    pub(crate) fn wire_bytes(self, alphabet: Alphabet, characters: usize) -> usize {
        match self {
            Self::Ascii | Self::Ebcdic037 | Self::Ebcdic500 | Self::Binary => characters,
            Self::HexAscii | Self::HexEbcdic => characters * 2,
            // The sign of an amount is a character of its own, then the digits are packed.
            Self::Bcd { .. } if alphabet == Alphabet::Xn => 1 + characters.saturating_sub(1).div_ceil(2),
            Self::Bcd { .. } => characters.div_ceil(2),
        }
    }

    /// Characters in so many bytes on the wire, where that is a whole number of them. An odd number of BCD
    /// digits cannot be told from bytes, so it is the even one.
    #[inline]
    pub(crate) fn characters(self, alphabet: Alphabet, wire_bytes: usize) -> Option<usize> {
        match self {
            Self::Ascii | Self::Ebcdic037 | Self::Ebcdic500 | Self::Binary => Some(wire_bytes),
            Self::HexAscii | Self::HexEbcdic => wire_bytes.is_multiple_of(2).then_some(wire_bytes / 2),
            Self::Bcd { .. } if alphabet == Alphabet::Xn => {
                Some(wire_bytes.saturating_sub(1).saturating_mul(2).saturating_add(1))
            }
            Self::Bcd { .. } => Some(wire_bytes.saturating_mul(2)),
        }
    }

    pub(crate) const fn page(self) -> Option<ebcdic::Page> {
        match self {
            Self::Ebcdic037 => Some(ebcdic::Page::Cp037),
            Self::Ebcdic500 => Some(ebcdic::Page::Cp500),
            _ => None,
        }
    }

    pub(crate) const fn hex(self) -> Option<hex::Charset> {
        match self {
            Self::HexAscii => Some(hex::Charset::Ascii),
            Self::HexEbcdic => Some(hex::Charset::Ebcdic),
            _ => None,
        }
    }

    /// Whether values in it are bytes and not text.
    pub(crate) const fn is_bytes(self) -> bool {
        matches!(self, Self::Binary | Self::HexAscii | Self::HexEbcdic)
    }

    pub(crate) const fn filler(self) -> bcd::Filler {
        match self {
            Self::Bcd { left, fill } => bcd::Filler { left, nibble: fill & 0x0F },
            _ => bcd::Filler { left: true, nibble: 0 },
        }
    }
}

/// Bytes a length prefix of so many digits takes.
#[inline]
pub(crate) fn prefix_bytes(digits: u8, coding: Coding) -> usize {
    match coding {
        Coding::Bcd { .. } => usize::from(digits).div_ceil(2),
        Coding::HexAscii | Coding::HexEbcdic => usize::from(digits) * 2,
        _ => usize::from(digits),
    }
}

/// Largest number a length prefix of so many digits can say.
pub(crate) fn prefix_says_at_most(digits: u8, coding: Coding) -> usize {
    let places = u32::from(digits.min(4));
    match coding {
        Coding::Binary | Coding::HexAscii | Coding::HexEbcdic => (1_usize << (places * 8)) - 1,
        _ => 10_usize.pow(places) - 1,
    }
}

/// The number a length prefix says. `offset` is where it stands in the body, for the error.
#[inline]
pub(crate) fn read_prefix(bytes: &[u8], coding: Coding, offset: usize) -> Result<usize, Box<DecodeError>> {
    let mut number = 0_usize;
    for (at, &byte) in bytes.iter().enumerate() {
        let (base, value) = match coding {
            Coding::Ascii => (10, byte.wrapping_sub(b'0')),
            Coding::Ebcdic037 | Coding::Ebcdic500 => (10, byte.wrapping_sub(0xF0)),
            Coding::Bcd { .. } if byte >> 4 <= 9 && byte & 15 <= 9 => (100, (byte >> 4) * 10 + (byte & 15)),
            Coding::Bcd { .. } => (100, 100),
            Coding::Binary => {
                number = number.saturating_mul(256).saturating_add(usize::from(byte));
                continue;
            }
            Coding::HexAscii | Coding::HexEbcdic => {
                let charset = coding.hex().unwrap_or(hex::Charset::Ascii);
                (16, hex::value(charset, byte).unwrap_or(16))
            }
        };
        if value >= base {
            return Err(DecodeError::at(offset + at, Expected::LengthPrefix, Found::Byte(byte)));
        }
        number = number.saturating_mul(usize::from(base)).saturating_add(usize::from(value));
    }
    Ok(number)
}

/// Writes `number` over `place`, which is as wide as the prefix and can say it.
#[inline]
pub(crate) fn write_prefix(mut number: usize, coding: Coding, place: &mut [u8]) {
    for byte in place.iter_mut().rev() {
        let (base, digit) = match coding {
            Coding::Ascii => (10, b'0' + (number % 10) as u8),
            Coding::Ebcdic037 | Coding::Ebcdic500 => (10, 0xF0 + (number % 10) as u8),
            Coding::Bcd { .. } => (100, ((number / 10 % 10) as u8) << 4 | (number % 10) as u8),
            Coding::Binary => (256, number as u8),
            Coding::HexAscii => (16, b"0123456789ABCDEF"[number % 16]),
            Coding::HexEbcdic => {
                (16, b"\xF0\xF1\xF2\xF3\xF4\xF5\xF6\xF7\xF8\xF9\xC1\xC2\xC3\xC4\xC5\xC6"[number % 16])
            }
        };
        *byte = digit;
        number /= base;
    }
}

/// Appends a prefix of two or three decimal digits, which can say `number`, without a loop; `false`, and
/// nothing is appended, where it is another.
#[inline]
pub(crate) fn append_short_prefix(number: usize, digits: u8, coding: Coding, out: &mut Vec<u8>) -> bool {
    let [hundreds, tens, ones] = [number / 100, number / 10 % 10, number % 10].map(|digit| digit as u8);
    let zone = match coding {
        Coding::Ascii => 0x30,
        Coding::Ebcdic037 | Coding::Ebcdic500 => 0xF0,
        Coding::Bcd { .. } => 0,
        _ => return false,
    };
    match (coding, digits) {
        (Coding::Bcd { .. }, 2) => out.push(tens << 4 | ones),
        (Coding::Bcd { .. }, 3) => out.extend_from_slice(&[hundreds, tens << 4 | ones]),
        (_, 2) => out.extend_from_slice(&[zone | tens, zone | ones]),
        (_, 3) => out.extend_from_slice(&[zone | hundreds, zone | tens, zone | ones]),
        _ => return false,
    }
    true
}

/// Appends room for a prefix, to be written over later.
#[inline]
pub(crate) fn leave_room(bytes: usize, out: &mut Vec<u8>) {
    out.resize(out.len() + bytes, 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_prefix_is_written_as_a_long_one_is() {
        let packed = Coding::Bcd { left: true, fill: 0 };
        for coding in [Coding::Ascii, Coding::Ebcdic037, Coding::Ebcdic500, packed] {
            for digits in [2, 3] {
                for number in 0..=prefix_says_at_most(digits, coding) {
                    let (mut short, mut long) = (Vec::new(), Vec::new());
                    assert!(append_short_prefix(number, digits, coding, &mut short));
                    leave_room(prefix_bytes(digits, coding), &mut long);
                    write_prefix(number, coding, &mut long);
                    assert_eq!(short, long, "{number} in {digits} of {coding:?}");
                }
            }
        }
    }
}
