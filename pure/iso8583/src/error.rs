use crate::spec::Alphabet;
use core::fmt;
use terms::{Text, limits::NESTING_MAX};

/// One step from an element into a composite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Part number, from 1.
    Part(u16),
    /// A BER-TLV tag, its bytes big-endian, e.g. `0x9F26`.
    Tag(u32),
    /// A tag of a tag-length composite, as text; clipped to eight characters.
    Label(Text<8>),
}

impl Step {
    /// The step a person writes: hex digits for a BER-TLV tag, a number for a part, anything else a label.
    /// Which of them fits is the composite's to say, so this gives the label.
    pub fn label(text: &str) -> Self {
        Self::Label(Text::clipped(text.as_bytes()))
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Part(number) => write!(f, "{number}"),
            Self::Tag(tag) => {
                let width = if *tag > 0xFF { 4 } else { 2 } + if *tag > 0xFFFF { 2 } else { 0 };
                write!(f, "{tag:0width$X}")
            }
            Self::Label(text) => write!(f, "{text}"),
        }
    }
}

/// Where an element begins its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Head {
    /// The message type.
    Mti,
    /// One of the bitmaps.
    Bitmap,
    /// A data element.
    Field(u8),
    /// The end of the message, where something stands that no bit promised.
    End,
}

/// Which element: a data element, or a part of one, such as `55.9F26` or `48.3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element {
    /// Its first word.
    pub head: Head,
    steps: [Step; NESTING_MAX],
    depth: u8,
}

impl Element {
    /// That element itself.
    pub const fn new(head: Head) -> Self {
        Self { head, steps: [Step::Part(0); NESTING_MAX], depth: 0 }
    }

    /// A data element.
    pub const fn de(number: u8) -> Self {
        Self::new(Head::Field(number))
    }

    /// The steps from the data element to the part.
    pub fn steps(&self) -> &[Step] {
        &self.steps[..self.depth as usize]
    }

    /// The same with one more step at its end; unchanged where there is no room for one.
    #[must_use]
    pub fn then(mut self, step: Step) -> Self {
        if let Some(place) = self.steps.get_mut(self.depth as usize) {
            *place = step;
            self.depth += 1;
        }
        self
    }

    /// The same with one more step at its beginning: paths are built on the way out.
    #[must_use]
    pub(crate) fn within(mut self, step: Step) -> Self {
        if usize::from(self.depth) < NESTING_MAX {
            self.steps.copy_within(0..self.depth as usize, 1);
            self.steps[0] = step;
            self.depth += 1;
        }
        self
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.head {
            Head::Mti => f.write_str("MTI")?,
            Head::Bitmap => f.write_str("bitmap")?,
            Head::Field(number) => write!(f, "{number}")?,
            Head::End => f.write_str("end")?,
        }
        self.steps().iter().try_for_each(|step| write!(f, ".{step}"))
    }
}

/// What should stand there. Numbers of bytes are of the wire, lengths are in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// So many characters of an alphabet.
    Characters {
        /// How many.
        count: u16,
        /// Of which.
        alphabet: Alphabet,
    },
    /// Hex digits, two a byte.
    Hex,
    /// That nibble to fill an odd number of digits.
    Filler(u8),
    /// So many more bytes.
    Bytes(usize),
    /// A length in this range.
    Length {
        /// Shortest.
        min: u16,
        /// Longest.
        max: u16,
    },
    /// A length written as the format writes lengths.
    LengthPrefix,
    /// A whole number of characters: an even number of hex digits, and the like.
    WholeCharacters,
    /// That first digit of the message type.
    Version(u8),
    /// An element that the format defines.
    Defined,
    /// Elements in ascending order, each once.
    Ascending,
    /// An element its bitmaps can promise: at most this number.
    AtMost(u8),
    /// Nothing more.
    End,
    /// A tag that the format defines.
    KnownTag,
    /// A tag as BER-TLV writes tags, of at most four bytes.
    BerTag,
    /// A length as BER-TLV writes lengths, definite and shortest.
    BerLength,
    /// No more than so many levels of composites.
    Depth(u8),
    /// No more than so many tags.
    Tags(usize),
    /// An element with parts, or with this kind of part.
    Parts,
    /// An element without parts, or its parts one by one.
    Value,
    /// A number that fits.
    Number,
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Characters { count, alphabet } => write!(f, "{count} {}", alphabet.people_say()),
            Self::Hex => f.write_str("hex digits"),
            Self::Filler(nibble) => write!(f, "the filler 0x{nibble:X}"),
            Self::Bytes(count) => write!(f, "{count} bytes"),
            Self::Length { min, max } if min == max => write!(f, "length {min}"),
            Self::Length { min, max } => write!(f, "a length of {min} to {max}"),
            Self::LengthPrefix => f.write_str("a length"),
            Self::WholeCharacters => f.write_str("a length of whole characters"),
            Self::Version(digit) => write!(f, "message type version {digit}"),
            Self::Defined => f.write_str("an element that the format defines"),
            Self::Ascending => f.write_str("elements in ascending order"),
            Self::AtMost(number) => write!(f, "an element up to {number}"),
            Self::End => f.write_str("the end"),
            Self::KnownTag => f.write_str("a tag that the format defines"),
            Self::BerTag => f.write_str("a tag"),
            Self::BerLength => f.write_str("a definite length in its shortest form"),
            Self::Depth(levels) => write!(f, "at most {levels} levels of parts"),
            Self::Tags(count) => write!(f, "at most {count} tags"),
            Self::Parts => f.write_str("an element with such parts"),
            Self::Value => f.write_str("a value that is not made of parts"),
            Self::Number => f.write_str("a number that fits"),
        }
    }
}

/// What stands there instead. Never a value: at most the one byte that should not have been there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// A byte that has no place there.
    Byte(u8),
    /// A nibble that has no place there.
    Nibble(u8),
    /// A value of that length.
    Length(usize),
    /// So many bytes and no more.
    Bytes(usize),
    /// Something the format does not define.
    Undefined,
    /// Something that was there already, or belongs before what was there.
    OutOfOrder,
    /// More than that.
    More,
    /// Something of another kind.
    Other,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Byte(byte) => write!(f, "0x{byte:02X}"),
            Self::Nibble(nibble) => write!(f, "0x{nibble:X}"),
            Self::Length(length) => write!(f, "{length}"),
            Self::Bytes(0) => f.write_str("the end"),
            Self::Bytes(count) => write!(f, "{count} bytes"),
            Self::Undefined => f.write_str("one it does not"),
            Self::OutOfOrder => f.write_str("one out of order"),
            Self::More => f.write_str("more"),
            Self::Other => f.write_str("something else"),
        }
    }
}

/// Why bytes are no message under a spec. Never carries contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// Where in the message by name.
    pub element: Element,
    /// Where in the body by bytes, from 0.
    pub offset: usize,
    /// What should stand there.
    pub expected: Expected,
    /// What stands there.
    pub found: Found,
}

impl DecodeError {
    #[cold]
    pub(crate) fn at(offset: usize, expected: Expected, found: Found) -> alloc::boxed::Box<Self> {
        alloc::boxed::Box::new(Self { element: Element::new(Head::End), offset, expected, found })
    }

    #[cold]
    pub(crate) fn of(mut self: alloc::boxed::Box<Self>, head: Head) -> alloc::boxed::Box<Self> {
        self.element.head = head;
        self
    }

    #[cold]
    pub(crate) fn within(mut self: alloc::boxed::Box<Self>, step: Step) -> alloc::boxed::Box<Self> {
        self.element = self.element.within(step);
        self
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if matches!(self.element.head, Head::Field(_)) {
            f.write_str("DE ")?;
        }
        write!(
            f,
            "{} at byte {}: expected {}, found {}",
            self.element, self.offset, self.expected, self.found
        )
    }
}

impl core::error::Error for DecodeError {}

/// Why a message cannot be written under a spec. Never carries contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncodeError {
    /// Which element.
    pub element: Element,
    /// What it should be.
    pub expected: Expected,
    /// What it is.
    pub found: Found,
}

impl EncodeError {
    #[cold]
    pub(crate) fn new(expected: Expected, found: Found) -> alloc::boxed::Box<Self> {
        alloc::boxed::Box::new(Self { element: Element::new(Head::End), expected, found })
    }

    #[cold]
    pub(crate) fn of(mut self: alloc::boxed::Box<Self>, head: Head) -> alloc::boxed::Box<Self> {
        self.element.head = head;
        self
    }

    #[cold]
    pub(crate) fn within(mut self: alloc::boxed::Box<Self>, step: Step) -> alloc::boxed::Box<Self> {
        self.element = self.element.within(step);
        self
    }

    /// What was written is not what may be read: the reader's complaint, without its offset.
    #[cold]
    pub(crate) fn from_read(error: &DecodeError) -> alloc::boxed::Box<Self> {
        let DecodeError { element, expected, found, .. } = *error;
        alloc::boxed::Box::new(Self { element, expected, found })
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if matches!(self.element.head, Head::Field(_)) {
            f.write_str("DE ")?;
        }
        write!(f, "{}: expected {}, found {}", self.element, self.expected, self.found)
    }
}

impl core::error::Error for EncodeError {}
