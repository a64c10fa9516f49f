//! The short way a shape is written in a dialect file, both directions.
//!
//! ```text
//! n6                 six digits
//! n..19 LL pan       up to 19 digits, two length digits, a card number
//! b..255 LLL:wire tlv    up to 255 bytes, the prefix counts what is on the wire, BER-TLV inside
//! z..37 LL:bcd bcd-end track
//! ```
//!
//! What a notation does not say (coding, coding of the prefix, padding) comes from the dialect's style.

use crate::style::Style;
use alloc::{
    boxed::Box,
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::fmt;
use iso8583::spec::{Alphabet, Coding, Counts, Inside, Length, Pad, Secret, Shape};

/// A shape as it is written, before the style fills in what it leaves out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Notation {
    pub(crate) alphabet: Alphabet,
    pub(crate) min: u16,
    pub(crate) max: u16,
    pub(crate) prefix: Option<Prefix>,
    pub(crate) coding: Option<Coding>,
    pub(crate) pad: Option<Pad>,
    pub(crate) secret: Option<Secret>,
    pub(crate) tlv: bool,
}

/// A length prefix as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Prefix {
    pub(crate) digits: u8,
    pub(crate) coding: Option<Coding>,
    pub(crate) counts: Counts,
}

/// What is wrong with a notation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotationError {
    #[error("a shape begins with its alphabet and length, as `n6`, `ans..40` or `b8`")]
    Empty,
    #[error(
        "`{0}` is no alphabet and length: expected one of n a an ans ns as z x+n b any, then `6`, `..19` or `1..19`"
    )]
    Head(String),
    #[error("a length that varies needs a prefix: L, LL, LLL or LLLL")]
    NoPrefix,
    #[error("a fixed length has no prefix")]
    PrefixOfFixed,
    #[error("`{word}` means nothing in a shape{near}")]
    Word { word: String, near: String },
}

#[rustfmt::skip]
const ALPHABETS: [(&str, Alphabet); 10] = [
    // Longer names first: `ans` begins with `an`.
    ("any", Alphabet::Any), ("ans", Alphabet::Ans), ("an", Alphabet::An), ("as", Alphabet::As),
    ("a", Alphabet::A), ("ns", Alphabet::Ns), ("n", Alphabet::N), ("z", Alphabet::Z),
    ("x+n", Alphabet::Xn), ("b", Alphabet::B),
];

#[rustfmt::skip]
const SECRETS: [(&str, Secret); 6] = [
    ("open", Secret::Open), ("pan", Secret::Pan), ("track", Secret::Track),
    ("pin", Secret::Pin), ("key", Secret::Key), ("hidden", Secret::Hidden),
];

#[rustfmt::skip]
const CODINGS: [(&str, Coding); 8] = [
    ("ascii", Coding::Ascii), ("ebcdic", Coding::Ebcdic037), ("ebcdic037", Coding::Ebcdic037),
    ("ebcdic500", Coding::Ebcdic500), ("bcd", Coding::Bcd { left: true, fill: 0 }),
    ("binary", Coding::Binary), ("hex", Coding::HexAscii), ("hex-ebcdic", Coding::HexEbcdic),
];

/// The coding of that name: those of the table, and `bcd-front-F`, `bcd-end-0` and so on for other fillers.
pub(crate) fn coding_named(word: &str) -> Option<Coding> {
    if let Some(&(_, coding)) = CODINGS.iter().find(|(name, _)| *name == word) {
        return Some(coding);
    }
    let (left, fill) = match (word.strip_prefix("bcd-front-"), word.strip_prefix("bcd-end-")) {
        (Some(fill), _) => (true, fill),
        (None, Some(fill)) => (false, fill),
        (None, None) => return None,
    };
    let fill = u8::from_str_radix(fill, 16).ok().filter(|&nibble| nibble <= 0xF && fill.len() == 1)?;
    Some(Coding::Bcd { left, fill })
}

/// The names, for people who wrote another.
pub(crate) fn coding_names() -> &'static str {
    "ascii ebcdic ebcdic500 bcd bcd-end-F binary hex hex-ebcdic"
}

/// The name [`coding_named`] understands.
pub(crate) fn coding_name(coding: Coding) -> String {
    match (coding, CODINGS.iter().find(|(_, one)| *one == coding)) {
        (_, Some((name, _))) => (*name).to_string(),
        (Coding::Bcd { left: true, fill }, None) => format!("bcd-front-{fill:X}"),
        (Coding::Bcd { left: false, fill }, None) => format!("bcd-end-{fill:X}"),
        // Every other coding stands in the table.
        (_, None) => "ascii".to_string(),
    }
}

impl Notation {
    /// Reads a notation.
    pub(crate) fn parse(text: &str) -> Result<Self, NotationError> {
        let mut words = text.split_whitespace();
        let head = words.next().ok_or(NotationError::Empty)?;
        let (alphabet, min, max, varies) =
            parse_head(head).ok_or_else(|| NotationError::Head(head.into()))?;
        let mut notation =
            Self { alphabet, min, max, prefix: None, coding: None, pad: None, secret: None, tlv: false };
        for word in words {
            notation.word(word)?;
        }
        match (varies, notation.prefix) {
            (true, None) => Err(NotationError::NoPrefix),
            (false, Some(_)) => Err(NotationError::PrefixOfFixed),
            _ => Ok(notation),
        }
    }

    fn word(&mut self, word: &str) -> Result<(), NotationError> {
        if let Some(prefix) = parse_prefix(word) {
            self.prefix = Some(prefix);
        } else if let Some(coding) = coding_named(word) {
            self.coding = Some(coding);
        } else if let Some(&(_, secret)) = SECRETS.iter().find(|(name, _)| *name == word) {
            self.secret = Some(secret);
        } else if let Some(pad) = parse_pad(word) {
            self.pad = Some(pad);
        } else if word == "tlv" {
            self.tlv = true;
        } else {
            let known = CODINGS.iter().map(|one| one.0).chain(SECRETS.iter().map(|one| one.0));
            let near = crate::finding::did_you_mean(
                word,
                known.chain(["LL", "LLL", "left:0", "right:space", "exact", "tlv"]),
            );
            return Err(NotationError::Word { word: word.into(), near });
        }
        Ok(())
    }

    /// The shape this means under `style`, with the name and the secrecy of `before` where it states none.
    pub(crate) fn shape(&self, style: &Style, name: &str, before: Secret) -> Shape {
        let varies = self.prefix.is_some();
        Shape {
            name: name.into(),
            length: self.length(style),
            coding: self.coding.unwrap_or_else(|| style.coding_of(self.alphabet)),
            alphabet: self.alphabet,
            pad: self.pad.unwrap_or_else(|| default_pad(self.alphabet, varies)),
            secret: self.secret.unwrap_or(before),
            inside: if self.tlv { Inside::BerTlv { secrets: emv_secrets() } } else { Inside::Plain },
        }
    }

    fn length(&self, style: &Style) -> Length {
        match self.prefix {
            None => Length::Fixed(self.max),
            Some(prefix) => Length::Var {
                digits: prefix.digits,
                coding: prefix.coding.unwrap_or(style.lengths),
                counts: prefix.counts,
                min: self.min,
                max: self.max,
            },
        }
    }
}

/// Tags of chip data nobody may see: the card number, the stripe and what is like it.
pub(crate) fn emv_secrets() -> Vec<(u32, Secret)> {
    [(0x57, Secret::Track), (0x5A, Secret::Pan), (0x56, Secret::Track), (0x99, Secret::Pin)]
        .into_iter()
        .chain([(0x9F1F, Secret::Track), (0x9F20, Secret::Track), (0x9F6B, Secret::Track)])
        .collect()
}

fn parse_head(head: &str) -> Option<(Alphabet, u16, u16, bool)> {
    let (rest, alphabet) =
        ALPHABETS.iter().find_map(|&(name, alphabet)| Some((head.strip_prefix(name)?, alphabet)))?;
    // The standard writes x+n8 for a sign and eight digits; the sign counts as a character here.
    let sign = u16::from(alphabet == Alphabet::Xn);
    let number = |digits: &str| match digits.len() {
        1..=4 if digits.bytes().all(|digit| digit.is_ascii_digit()) => digits.parse::<u16>().ok(),
        _ => None,
    };
    match rest.split_once("..") {
        None => number(rest).map(|max| (alphabet, max + sign, max + sign, false)),
        Some(("", max)) => Some((alphabet, 0, number(max)? + sign, true)),
        Some((min, max)) => Some((alphabet, number(min)? + sign, number(max)? + sign, true)),
    }
}

fn parse_prefix(word: &str) -> Option<Prefix> {
    let mut parts = word.split(':');
    let digits =
        parts.next().filter(|l| (1..=4).contains(&l.len()) && l.bytes().all(|one| one == b'L'))?.len();
    let mut prefix = Prefix { digits: digits as u8, coding: None, counts: Counts::Characters };
    for part in parts {
        match part {
            "wire" => prefix.counts = Counts::WireBytes,
            name => prefix.coding = Some(coding_named(name)?),
        }
    }
    Some(prefix)
}

fn parse_pad(word: &str) -> Option<Pad> {
    let character = |name: &str| match name {
        "space" => Some(b' '),
        one if one.len() == 1 => Some(one.as_bytes()[0]),
        _ => None,
    };
    match word.split_once(':') {
        None => (word == "exact").then_some(Pad::Never),
        Some(("left", name)) => character(name).map(Pad::Left),
        Some(("right", name)) => character(name).map(Pad::Right),
        Some(_) => None,
    }
}

fn default_pad(alphabet: Alphabet, varies: bool) -> Pad {
    match alphabet {
        _ if varies => Pad::Never,
        Alphabet::N => Pad::Left(b'0'),
        Alphabet::Xn | Alphabet::B | Alphabet::Z => Pad::Never,
        Alphabet::A | Alphabet::An | Alphabet::Ans | Alphabet::Ns | Alphabet::As | Alphabet::Any => {
            Pad::Right(b' ')
        }
    }
}

/// Writes what [`Notation::parse`] reads.
impl fmt::Display for Notation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let alphabet =
            ALPHABETS.iter().find(|(_, one)| *one == self.alphabet).map_or("any", |(name, _)| name);
        let sign = u16::from(self.alphabet == Alphabet::Xn);
        let (min, max) = (self.min.saturating_sub(sign), self.max.saturating_sub(sign));
        match self.prefix {
            None => write!(f, "{alphabet}{max}")?,
            Some(_) if min == 0 => write!(f, "{alphabet}..{max}")?,
            Some(_) => write!(f, "{alphabet}{min}..{max}")?,
        }
        if let Some(prefix) = self.prefix {
            write!(f, " {}", &"LLLL"[..usize::from(prefix.digits.clamp(1, 4))])?;
            if let Some(coding) = prefix.coding {
                write!(f, ":{}", coding_name(coding))?;
            }
            if prefix.counts == Counts::WireBytes {
                f.write_str(":wire")?;
            }
        }
        if let Some(coding) = self.coding {
            write!(f, " {}", coding_name(coding))?;
        }
        match self.pad {
            None => {}
            Some(Pad::Never) => f.write_str(" exact")?,
            Some(Pad::Left(with)) => write!(f, " left:{}", character_name(with))?,
            Some(Pad::Right(with)) => write!(f, " right:{}", character_name(with))?,
        }
        if let Some(secret) = self.secret {
            write!(
                f,
                " {}",
                SECRETS.iter().find(|(_, one)| *one == secret).map_or("open", |(name, _)| name)
            )?;
        }
        if self.tlv { f.write_str(" tlv") } else { Ok(()) }
    }
}

fn character_name(character: u8) -> String {
    if character == b' ' { "space".to_string() } else { (character as char).to_string() }
}

/// The notation of a finished shape, with everything said: for people who ask what an element looks like.
pub(crate) fn of_shape(shape: &Shape) -> Notation {
    let (min, max, prefix) = match shape.length {
        Length::Fixed(length) => (length, length, None),
        Length::Var { digits, coding, counts, min, max } => {
            (min, max, Some(Prefix { digits, coding: Some(coding), counts }))
        }
    };
    let secret = (shape.secret != Secret::Open).then_some(shape.secret);
    let tlv = matches!(shape.inside, Inside::BerTlv { .. });
    Notation {
        alphabet: shape.alphabet,
        min,
        max,
        prefix,
        coding: Some(shape.coding),
        pad: None,
        secret,
        tlv,
    }
}

/// A name for an element nobody named.
pub(crate) fn plain_name(de: u8) -> Box<str> {
    format!("element {de}").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notation_reads_as_it_was_written() {
        for text in [
            "n6",
            "n..19 LL pan",
            "x+n8",
            "b..255 LLL:wire tlv",
            "z..37 LL:bcd bcd-end-F track",
            "ans3..40 LLL:binary ebcdic500 right:space hidden",
            "an12 exact open",
            "any..9999 LLLL:ebcdic:wire",
            "n3 bcd-front-F left:0",
        ] {
            let notation = Notation::parse(text).expect("a notation");
            assert_eq!(notation.to_string(), text);
        }
    }

    #[test]
    fn a_wrong_notation_says_what_is_wrong() {
        #[rustfmt::skip]
        let table = [
            ("",              "a shape begins with its alphabet and length, as `n6`, `ans..40` or `b8`"),
            ("n",             "`n` is no alphabet and length: expected one of n a an ans ns as z x+n b any, then `6`, `..19` or `1..19`"),
            ("n..19",         "a length that varies needs a prefix: L, LL, LLL or LLLL"),
            ("n6 LL",         "a fixed length has no prefix"),
            ("n..19 LL pann", "`pann` means nothing in a shape; did you mean `pan`?"),
        ];
        for (text, said) in table {
            assert_eq!(Notation::parse(text).expect_err("wrong").to_string(), said);
        }
    }
}
