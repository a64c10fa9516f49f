use crate::{FrameError, Prefix, ebcdic, hex};

impl Prefix {
    /// Bytes it takes on the wire.
    pub const fn width_bytes(self) -> usize {
        match self {
            Self::None => 0,
            Self::AsciiDigits(width) | Self::Bcd(width) | Self::BinaryBig(width) => width as usize,
            Self::BinaryLittle(width) | Self::HexDigits(width) | Self::EbcdicDigits(width) => width as usize,
        }
    }

    /// Largest number it can say.
    pub const fn says_at_most(self) -> usize {
        match self {
            Self::None => usize::MAX,
            Self::AsciiDigits(width) | Self::EbcdicDigits(width) => 10_usize.pow(width as u32) - 1,
            Self::Bcd(width) => 10_usize.pow(width as u32 * 2) - 1,
            Self::BinaryBig(width) | Self::BinaryLittle(width) => {
                ((1_u64 << (width as u32 * 8)) - 1) as usize
            }
            Self::HexDigits(width) => ((1_u64 << (width as u32 * 4)) - 1) as usize,
        }
    }

    /// Whether its width is one of those its kind allows.
    pub const fn is_legal(self) -> bool {
        match self {
            Self::None => true,
            Self::AsciiDigits(width) | Self::EbcdicDigits(width) => matches!(width, 1..=6),
            Self::Bcd(width) => matches!(width, 1..=3),
            Self::BinaryBig(width) | Self::BinaryLittle(width) => matches!(width, 1..=4),
            Self::HexDigits(width) => matches!(width, 2..=8),
        }
    }

    /// The number the bytes say: all of them, or as many as have come. Digits are refused as soon as they
    /// are seen, so that a peer that speaks something else is told from one that speaks slowly.
    #[inline]
    pub(crate) fn read(self, bytes: &[u8]) -> Result<usize, FrameError> {
        match self {
            Self::None => Ok(0),
            Self::AsciiDigits(_) => digits(bytes, 10, |byte| Some(byte.wrapping_sub(b'0'))),
            Self::EbcdicDigits(_) => digits(bytes, 10, |byte| Some(byte.wrapping_sub(0xF0))),
            Self::HexDigits(_) => digits(bytes, 16, |byte| hex::value(hex::Charset::Ascii, byte)),
            Self::Bcd(_) => digits(bytes, 100, |byte| {
                (byte >> 4 <= 9 && byte & 15 <= 9).then_some((byte >> 4) * 10 + (byte & 15))
            }),
            Self::BinaryBig(_) => Ok(bytes.iter().fold(0, |n, &byte| n << 8 | usize::from(byte))),
            Self::BinaryLittle(_) => Ok(bytes.iter().rev().fold(0, |n, &byte| n << 8 | usize::from(byte))),
        }
    }

    /// Writes `number` over `place`, which is as wide as the prefix; `false` when it cannot say it.
    pub(crate) fn write(self, mut number: usize, place: &mut [u8]) -> bool {
        if number > self.says_at_most() {
            return false;
        }
        let base = match self {
            Self::None => return true,
            Self::AsciiDigits(_) | Self::EbcdicDigits(_) => 10,
            Self::Bcd(_) => 100,
            Self::BinaryBig(_) | Self::BinaryLittle(_) => 256,
            Self::HexDigits(_) => 16,
        };
        for byte in place.iter_mut().rev() {
            *byte = self.digit((number % base) as u8);
            number /= base;
        }
        if matches!(self, Self::BinaryLittle(_)) {
            place.reverse();
        }
        true
    }

    fn digit(self, value: u8) -> u8 {
        match self {
            Self::None | Self::BinaryBig(_) | Self::BinaryLittle(_) => value,
            Self::AsciiDigits(_) => b'0' + value,
            Self::EbcdicDigits(_) => ebcdic::from_latin(ebcdic::Page::Cp037, b'0' + value),
            Self::Bcd(_) => ((value / 10) << 4) | (value % 10),
            Self::HexDigits(_) => b"0123456789ABCDEF"[usize::from(value & 15)],
        }
    }
}

#[inline]
fn digits(bytes: &[u8], base: u8, value: impl Fn(u8) -> Option<u8>) -> Result<usize, FrameError> {
    let mut number = 0;
    for (at, &found) in bytes.iter().enumerate() {
        match value(found) {
            Some(value) if value < base => number = number * usize::from(base) + usize::from(value),
            _ => return Err(FrameError::LengthNotDigits { at, found }),
        }
    }
    Ok(number)
}
