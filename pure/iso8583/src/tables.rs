//! The element tables of ISO 8583:1987 and ISO 8583:1993, in the codings links are found to use.

use crate::spec::{Alphabet, Coding, Counts, Inside, Length, Pad, Secret, Shape, Spec};
use Alphabet::{A, An, Ans, B, N, Ns, Xn, Z};
use alloc::{boxed::Box, vec::Vec};

mod edition_1987;
mod edition_1993;

/// How a link codes what the standard leaves to it. A dialect starts from one of these and states its
/// differences element by element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Everything in ASCII characters: bitmaps and binary elements as hex.
    Ascii,
    /// Numbers, lengths and track data packed as BCD (an odd one with a leading zero; track data with a
    /// trailing F), bitmaps and binary elements as they are, text in ASCII.
    Binary,
    /// Everything in EBCDIC 037 characters; bitmaps and binary elements as they are.
    Ebcdic,
}

/// The table of ISO 8583:1987, DE 55 being chip data as practice has it.
pub fn edition_1987(style: Style) -> Spec {
    build(0, style, edition_1987::FIELDS)
}

/// The table of ISO 8583:1993.
pub fn edition_1993(style: Style) -> Spec {
    build(1, style, edition_1993::FIELDS)
}

impl Style {
    /// How a value of that alphabet is coded.
    pub fn coding(self, alphabet: Alphabet) -> Coding {
        match (self, alphabet) {
            (Self::Ascii, B) => Coding::HexAscii,
            (Self::Ascii, _) => Coding::Ascii,
            (Self::Binary | Self::Ebcdic, B) => Coding::Binary,
            (Self::Binary, N | Xn) => Coding::Bcd { left: true, fill: 0 },
            (Self::Binary, Z) => Coding::Bcd { left: false, fill: 0xF },
            (Self::Binary, _) => Coding::Ascii,
            (Self::Ebcdic, _) => Coding::Ebcdic037,
        }
    }

    /// How a variable length of so many digits is written.
    pub fn length(self, digits: u8, min: u16, max: u16, alphabet: Alphabet) -> Length {
        let coding = match self {
            Self::Ascii => Coding::Ascii,
            Self::Binary => Coding::Bcd { left: true, fill: 0 },
            Self::Ebcdic => Coding::Ebcdic037,
        };
        // On hex links the length of a binary element counts the characters that are sent.
        let counts =
            if self == Self::Ascii && alphabet == B { Counts::WireBytes } else { Counts::Characters };
        Length::Var { digits, coding, counts, min, max }
    }

    /// The shape of one element.
    fn shape(self, name: &str, alphabet: Alphabet, length: Size, secret: Secret) -> Shape {
        let coding = self.coding(alphabet);
        let length = match length {
            Size::Fixed(length) => Length::Fixed(length),
            Size::Var(digits, min, max) => {
                let can_say = 10_u16.pow(u32::from(digits)) - 1;
                let widest = coding.wire_bytes(alphabet, 1) as u16;
                let max = if alphabet == B && self == Self::Ascii { max.min(can_say / widest) } else { max };
                self.length(digits, min, max, alphabet)
            }
        };
        let pad = match alphabet {
            N if matches!(length, Length::Fixed(_)) => Pad::Left(b'0'),
            A | An | Ans | Ns if matches!(length, Length::Fixed(_)) => Pad::Right(b' '),
            _ => Pad::Never,
        };
        Shape { name: Box::from(name), length, coding, alphabet, pad, secret, inside: Inside::Plain }
    }
}

#[derive(Clone, Copy)]
enum Size {
    Fixed(u16),
    /// Digits of the length, shortest, longest.
    Var(u8, u16, u16),
}

struct Field {
    de: usize,
    name: &'static str,
    alphabet: Alphabet,
    size: Size,
    secret: Secret,
}

const fn fixed(de: usize, name: &'static str, alphabet: Alphabet, length: u16, secret: Secret) -> Field {
    Field { de, name, alphabet, size: Size::Fixed(length), secret }
}

const fn ll(de: usize, name: &'static str, alphabet: Alphabet, max: u16, secret: Secret) -> Field {
    Field { de, name, alphabet, size: Size::Var(2, 1, max), secret }
}

const fn lll(de: usize, name: &'static str, alphabet: Alphabet, max: u16, secret: Secret) -> Field {
    Field { de, name, alphabet, size: Size::Var(3, 1, max), secret }
}

fn build(version: u8, style: Style, table: &[Field]) -> Spec {
    let mut fields: Vec<Option<Shape>> = alloc::vec![None; 129];
    for field in table {
        let mut shape = style.shape(field.name, field.alphabet, field.size, field.secret);
        if field.de == 55 {
            shape.inside = Inside::BerTlv { secrets: Vec::new() };
        }
        fields[field.de] = Some(shape);
    }
    Spec { version, mti: style.coding(N), bitmap: style.coding(B), fields }
}
