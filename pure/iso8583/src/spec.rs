//! How a family of messages lies on the wire: one [`Shape`] per data element, and nothing about partners.
//!
//! Three axes are kept apart, because real formats combine them freely: how long an element is ([`Length`],
//! with the coding of its own length prefix), how its contents are coded ([`Coding`]), and which characters
//! are legal ([`Alphabet`]). What an element hides ([`Secret`]) and what it is made of ([`Inside`]) follow.

use alloc::{boxed::Box, vec::Vec};

/// A whole message format. Built by a dialect (or an importer), checked by [`crate::lint`], then immutable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// First digit of the message type: 0 for 1987, 1 for 1993, 2 for 2003.
    pub version: u8,
    /// How the four digits of the message type are written.
    pub mti: Coding,
    /// How each bitmap of 64 is written: [`Coding::Binary`] 8 bytes, or a hex coding of 16 characters.
    pub bitmap: Coding,
    /// Data element `n` at index `n`; indexes 0 and 1 are never used, 65 only where there is a third bitmap.
    pub fields: Vec<Option<Shape>>,
}

/// Everything about one element, or one part of a composite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// What people call it.
    pub name: Box<str>,
    /// How long it is and how it says so.
    pub length: Length,
    /// How its contents are coded.
    pub coding: Coding,
    /// Which characters are legal in it.
    pub alphabet: Alphabet,
    /// How a value shorter than a fixed length is filled up.
    pub pad: Pad,
    /// What people may see of it.
    pub secret: Secret,
    /// What it is made of.
    pub inside: Inside,
}

/// Length of an element, counted in characters (digits of numbers, bytes of binary elements) as the standard
/// counts, whatever room they take on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// Always so many.
    Fixed(u16),
    /// A prefix says how many.
    Var {
        /// Digits of the prefix (1..=4) for text codings, bytes (1..=4) for a binary one.
        digits: u8,
        /// How the prefix is written: [`Coding::Ascii`], an EBCDIC, [`Coding::Bcd`] (rounded up to whole
        /// bytes) or [`Coding::Binary`] (big-endian).
        coding: Coding,
        /// What the prefix counts.
        counts: Counts,
        /// Shortest legal value, in characters.
        min: u16,
        /// Longest legal value, in characters.
        max: u16,
    },
}

/// What a length prefix counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counts {
    /// Characters, digits, or bytes of a binary value, as [`Length`] counts.
    Characters,
    /// Bytes on the wire: for hex-coded binary twice the value's bytes, for BCD half the digits.
    WireBytes,
}

/// How contents (or a length prefix, a bitmap, a message type) are coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Coding {
    /// One byte a character, ASCII.
    Ascii,
    /// One byte a character, EBCDIC code page 037.
    Ebcdic037,
    /// One byte a character, EBCDIC code page 500.
    Ebcdic500,
    /// Two digits a byte; an odd one is filled with a leading nibble (`left`) or a trailing one (`!left`).
    Bcd {
        /// On which side the filler nibble of an odd number of digits stands.
        left: bool,
        /// The filler, 0x0..=0xF.
        fill: u8,
    },
    /// Bytes as they are.
    Binary,
    /// Two ASCII hex characters a byte. Upper case is written, either case is read.
    HexAscii,
    /// Two EBCDIC hex characters a byte (the letters and digits are the same in 037 and 500).
    HexEbcdic,
}

/// Legal characters of an element, in the letters of ISO 8583:1987, clause 4.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Alphabet {
    /// `a`: letters and space.
    A,
    /// `n`: digits.
    N,
    /// `an`: letters, digits and space.
    An,
    /// `ans`: printable characters.
    Ans,
    /// `ns`: digits and special characters.
    Ns,
    /// `as`: letters and special characters.
    As,
    /// `z`: track data: digits and the separators `=` (or `D`) and the rest of its code set.
    Z,
    /// `x+n`: one of `C` and `D`, then digits; the length counts the sign.
    Xn,
    /// `b`: bytes.
    B,
    /// Anything at all: for elements a partner fills as he likes.
    Any,
}

/// How a short value of a fixed element is filled up on writing. Reading leaves the filler in the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pad {
    /// Too short is an error.
    Never,
    /// Filled on the left with this character.
    Left(u8),
    /// Filled on the right with this character.
    Right(u8),
}

/// What may be shown of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Secret {
    /// Everything.
    Open,
    /// A card number: first six and last four.
    Pan,
    /// Magnetic stripe data: nothing but its presence.
    Track,
    /// A PIN block: nothing but its presence.
    Pin,
    /// Key material: nothing but its presence.
    Key,
    /// Anything else nobody should see: nothing but its presence.
    Hidden,
}

/// What an element is made of. Depth is bounded by [`terms::limits::NESTING_MAX`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inside {
    /// Nothing but its value.
    Plain,
    /// BER-TLV objects (ISO/IEC 8825-1 as EMV uses it). `secrets` names tags people may not see.
    BerTlv {
        /// Tags (big-endian, e.g. `0x57`, `0x9F26`) and what may be shown of them.
        secrets: Vec<(u32, Secret)>,
    },
    /// Tag, length, value, the first two of fixed width.
    TagLength(Box<TagLength>),
    /// Parts one after another, each with its own shape; part `i` (from 1) is `fields[i - 1]`. With
    /// `optional_tail`, trailing parts may be absent when the value ends before them.
    Positional {
        /// The parts in order.
        parts: Vec<Shape>,
        /// Whether the value may end before its last parts.
        optional_tail: bool,
    },
    /// A bitmap, then the parts it promises; part `i` at `parts[i - 1]`.
    Bitmapped {
        /// How the bitmap is written.
        bitmap: Coding,
        /// Bytes of the bitmap, before hex: 1..=16.
        bitmap_bytes: u8,
        /// The parts; `None` where the format defines none.
        parts: Vec<Option<Shape>>,
    },
}

/// A composite of tagged values whose tag and length have fixed widths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagLength {
    /// Characters of a tag.
    pub tag_width: u8,
    /// How a tag is coded.
    pub tag_coding: Coding,
    /// Characters (digits) of a length; bytes when `length_coding` is binary.
    pub length_width: u8,
    /// How a length is coded.
    pub length_coding: Coding,
    /// Whether the length stands before the tag, and then counts the tag too.
    pub length_first: bool,
    /// Known tags. An unknown one is read with `otherwise`, or refused when that is `None`. The shapes'
    /// own [`Length`] is then only a bound.
    pub parts: Vec<(Box<str>, Shape)>,
    /// How an unknown tag's value is read.
    pub otherwise: Option<Shape>,
}
