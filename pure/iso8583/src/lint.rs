use crate::{
    ber,
    decode::bitmaps_max,
    error::{Element, Head, Step},
    inside::label_bytes,
    length::{prefix_bytes, prefix_says_at_most},
    spec::{Alphabet, Coding, Counts, Inside, Length, Pad, Shape, Spec, TagLength},
};
use alloc::vec::Vec;
use core::fmt;
use terms::limits::{FIELDS_MAX, NESTING_MAX};

/// Something wrong with a format itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// Where.
    pub element: Element,
    /// What.
    pub flaw: Flaw,
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if matches!(self.element.head, Head::Field(_)) {
            f.write_str("DE ")?;
        }
        write!(f, "{}: {}", self.element, self.flaw)
    }
}

/// What can be wrong with a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// The first digit of message types is 0 to 9.
    #[error("the version is one digit")]
    Version,
    /// A message type is ASCII, EBCDIC or BCD.
    #[error("a message type can be coded as ascii, ebcdic or bcd only")]
    MtiCoding,
    /// A bitmap is binary or hex.
    #[error("a bitmap can be coded as binary or hex only")]
    BitmapCoding,
    /// Elements beyond three bitmaps.
    #[error("elements go up to {FIELDS_MAX}")]
    TooManyElements,
    /// An element where the format has a bitmap.
    #[error("its bit announces a bitmap, so it cannot be an element")]
    OverlapsBitmap,
    /// A length of nothing.
    #[error("a length of zero")]
    LengthZero,
    /// The shortest is longer than the longest.
    #[error("shortest {min} is longer than longest {max}")]
    LengthOrder {
        /// Shortest.
        min: u16,
        /// Longest.
        max: u16,
    },
    /// The prefix cannot say the longest length.
    #[error("its length prefix can say {says_at_most}, its longest value needs {needed}")]
    PrefixTooNarrow {
        /// The most it can say.
        says_at_most: usize,
        /// What it may have to say.
        needed: usize,
    },
    /// More digits or bytes in a length than can be.
    #[error("a length has 1 to 4 digits or bytes")]
    PrefixWidth,
    /// Lengths cannot be written so.
    #[error("a length can be coded as ascii, ebcdic, bcd or binary only")]
    PrefixCoding,
    /// An element that ends where its composite ends, and is not its last.
    #[error("an element without a length must be the last of its composite")]
    OpenEnd,
    /// BCD holds digits.
    #[error("bcd can hold n, z and x+n only")]
    BcdAlphabet,
    /// Counting the bytes of BCD loses the last digit of odd ones.
    #[error("a length that counts bytes cannot say an odd number of bcd digits, and its bounds are odd")]
    BcdOddInBytes,
    /// The filler is a nibble.
    #[error("the filler of bcd is 0 to 15")]
    BcdFiller,
    /// Bytes as text.
    #[error("alphabet b needs a coding for bytes: binary or hex")]
    BytesAsText,
    /// Text as bytes.
    #[error("codings for bytes hold alphabets b and any only")]
    TextAsBytes,
    /// The filler is not of the alphabet.
    #[error("it is filled up with a character its alphabet does not have")]
    PadAlphabet,
    /// Only fixed values are filled up.
    #[error("a value of variable length is never filled up")]
    PadVariable,
    /// A composite in digits.
    #[error("a composite cannot be coded as bcd")]
    CompositeCoding,
    /// A composite whose own alphabet refuses the bytes its parts are made of.
    #[error("its alphabet does not have the bytes that its parts are made of")]
    CompositeAlphabet,
    /// Composites in composites in composites.
    #[error("more than {NESTING_MAX} levels of parts")]
    TooDeep,
    /// A composite of nothing.
    #[error("a composite without parts")]
    NoParts,
    /// The parts cannot fit.
    #[error("its parts need {needed} bytes at least, it has {has} at most")]
    PartsTooLong {
        /// What its mandatory parts take.
        needed: usize,
        /// What it can hold.
        has: usize,
    },
    /// A bitmap of parts has 1 to 16 bytes.
    #[error("the bitmap of parts has 1 to 16 bytes")]
    PartBitmapWidth,
    /// A part its bitmap cannot promise.
    #[error("its bitmap cannot promise so many parts")]
    PartBeyondBitmap,
    /// A tag of the wrong width, or a tag that is none.
    #[error("a tag that cannot be written so")]
    Tag,
    /// The same tag twice.
    #[error("the same tag twice")]
    TagTwice,
}

/// Finds what is wrong with a format. Nothing found means that whatever can be written under it can be read.
pub fn lint(spec: &Spec) -> Vec<Complaint> {
    let mut complaints = Complaints(Vec::new());
    let coded = |coding: Coding| matches!(coding, Coding::Binary) || coding.hex().is_some();
    complaints.add(Element::new(Head::Mti), spec.version > 9, Flaw::Version);
    complaints.add(Element::new(Head::Mti), coded(spec.mti), Flaw::MtiCoding);
    complaints.add(Element::new(Head::Bitmap), !coded(spec.bitmap), Flaw::BitmapCoding);
    complaints.add(Element::new(Head::Bitmap), spec.fields.len() > FIELDS_MAX + 1, Flaw::TooManyElements);
    for (de, shape) in spec.fields.iter().enumerate().take(FIELDS_MAX + 1) {
        let Some(shape) = shape else { continue };
        let element = Element::de(de as u8);
        let announces = de < 2 || de == 65 && bitmaps_max(spec) == 3 || de == 129;
        complaints.add(element, announces, Flaw::OverlapsBitmap);
        complaints.shape(element, shape, 0, Place::Message);
    }
    complaints.0
}

/// What an element stands in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Message,
    Part,
    LastPart,
    Tagged,
}

struct Complaints(Vec<Complaint>);

impl Complaints {
    fn add(&mut self, element: Element, wrong: bool, flaw: Flaw) {
        if wrong {
            self.0.push(Complaint { element, flaw });
        }
    }

    fn shape(&mut self, element: Element, shape: &Shape, depth: usize, place: Place) {
        self.length(element, shape, place);
        self.coding(element, shape);
        self.pad(element, shape);
        if matches!(shape.inside, Inside::Plain) {
            return;
        }
        self.add(element, matches!(shape.coding, Coding::Bcd { .. }), Flaw::CompositeCoding);
        self.add(element, depth >= NESTING_MAX, Flaw::TooDeep);
        if depth < NESTING_MAX {
            self.inside(element, shape, depth);
        }
    }

    fn length(&mut self, element: Element, shape: &Shape, place: Place) {
        let (digits, coding, counts, min, max) = match shape.length {
            Length::Fixed(length) => return self.add(element, length == 0, Flaw::LengthZero),
            Length::Var { digits, coding, counts, min, max } => (digits, coding, counts, min, max),
        };
        self.add(element, max == 0, Flaw::LengthZero);
        self.add(element, min > max, Flaw::LengthOrder { min, max });
        if place == Place::Tagged {
            return; // The composite has the length; this one is only a bound.
        }
        self.add(element, coding.hex().is_some(), Flaw::PrefixCoding);
        self.add(element, digits > 4, Flaw::PrefixWidth);
        self.add(element, digits == 0 && place != Place::LastPart, Flaw::OpenEnd);
        let needed = match counts {
            Counts::Characters => usize::from(max),
            Counts::WireBytes => shape.coding.wire_bytes(shape.alphabet, usize::from(max)),
        };
        let says_at_most = prefix_says_at_most(digits, coding);
        let narrow = digits > 0 && needed > says_at_most;
        self.add(element, narrow, Flaw::PrefixTooNarrow { says_at_most, needed });
        let by_bytes = counts == Counts::WireBytes || digits == 0;
        let odd = matches!(shape.coding, Coding::Bcd { .. }) && !max.is_multiple_of(2);
        self.add(element, by_bytes && odd, Flaw::BcdOddInBytes);
    }

    fn coding(&mut self, element: Element, shape: &Shape) {
        let digits = matches!(shape.alphabet, Alphabet::N | Alphabet::Z | Alphabet::Xn);
        let bytes = matches!(shape.alphabet, Alphabet::B | Alphabet::Any);
        match shape.coding {
            Coding::Bcd { fill, .. } => {
                self.add(element, !digits, Flaw::BcdAlphabet);
                self.add(element, fill > 15, Flaw::BcdFiller);
            }
            Coding::Binary | Coding::HexAscii | Coding::HexEbcdic => {
                self.add(element, !bytes, Flaw::TextAsBytes)
            }
            Coding::Ascii | Coding::Ebcdic037 | Coding::Ebcdic500 => {
                self.add(element, shape.alphabet == Alphabet::B, Flaw::BytesAsText);
            }
        }
    }

    fn pad(&mut self, element: Element, shape: &Shape) {
        let (Pad::Left(filler) | Pad::Right(filler)) = shape.pad else { return };
        self.add(element, !matches!(shape.length, Length::Fixed(_)), Flaw::PadVariable);
        let known = shape.coding.is_bytes() || shape.alphabet.has(filler);
        self.add(element, !known, Flaw::PadAlphabet);
    }

    fn inside(&mut self, element: Element, shape: &Shape, depth: usize) {
        match &shape.inside {
            Inside::Plain => {}
            Inside::BerTlv { secrets } => {
                let text = !shape.coding.is_bytes() && shape.alphabet != Alphabet::Any;
                self.add(element, text, Flaw::CompositeAlphabet);
                let wrong = secrets.iter().any(|(tag, _)| !ber::is_tag(*tag));
                self.add(element, wrong, Flaw::Tag);
            }
            Inside::TagLength(format) => self.tagged(element, format, depth),
            Inside::Positional { parts, optional_tail } => {
                self.positional(element, shape, parts, *optional_tail, depth)
            }
            Inside::Bitmapped { bitmap, bitmap_bytes, parts } => {
                let bytes = usize::from(*bitmap_bytes);
                let coded = matches!(bitmap, Coding::Binary) || bitmap.hex().is_some();
                self.add(element, !coded, Flaw::BitmapCoding);
                self.add(element, !(1..=16).contains(&bytes), Flaw::PartBitmapWidth);
                self.add(element, parts.len() > bytes * 8, Flaw::PartBeyondBitmap);
                self.add(element, parts.iter().all(Option::is_none), Flaw::NoParts);
                for (at, part) in parts.iter().enumerate() {
                    let place = if at + 1 == parts.len() { Place::LastPart } else { Place::Part };
                    if let Some(part) = part {
                        self.shape(element.then(Step::Part(at as u16 + 1)), part, depth + 1, place);
                    }
                }
            }
        }
        self.alphabet_of_parts(element, shape);
    }

    fn positional(&mut self, element: Element, shape: &Shape, parts: &[Shape], optional: bool, depth: usize) {
        self.add(element, parts.is_empty(), Flaw::NoParts);
        for (at, part) in parts.iter().enumerate() {
            let place = if at + 1 == parts.len() { Place::LastPart } else { Place::Part };
            self.shape(element.then(Step::Part(at as u16 + 1)), part, depth + 1, place);
        }
        let (Length::Fixed(max) | Length::Var { max, .. }) = shape.length;
        let has = shape.coding.wire_bytes(shape.alphabet, usize::from(max));
        let needed = parts.iter().take(if optional { 1 } else { parts.len() }).map(shortest_bytes).sum();
        self.add(element, needed > has, Flaw::PartsTooLong { needed, has });
    }

    fn tagged(&mut self, element: Element, format: &TagLength, depth: usize) {
        self.add(element, format.parts.is_empty() && format.otherwise.is_none(), Flaw::NoParts);
        self.add(element, format.tag_width == 0, Flaw::Tag);
        self.add(element, !(1..=4).contains(&format.length_width), Flaw::PrefixWidth);
        self.add(element, format.length_coding.hex().is_some(), Flaw::PrefixCoding);
        for (at, (tag, part)) in format.parts.iter().enumerate() {
            let element = element.then(Step::label(tag));
            let twice = format.parts[..at].iter().any(|(earlier, _)| earlier == tag);
            self.add(element, twice, Flaw::TagTwice);
            self.add(element, !is_label(format, tag), Flaw::Tag);
            self.shape(element, part, depth + 1, Place::Tagged);
        }
        if let Some(part) = &format.otherwise {
            self.shape(element.then(Step::label("*")), part, depth + 1, Place::Tagged);
        }
    }

    /// A composite in a text alphabet refuses parts that are bytes as they are.
    fn alphabet_of_parts(&mut self, element: Element, shape: &Shape) {
        let raw = |part: &Shape| matches!(part.coding, Coding::Binary | Coding::Bcd { .. });
        let any_raw = match &shape.inside {
            Inside::Plain | Inside::BerTlv { .. } => false,
            Inside::TagLength(format) => format.parts.iter().any(|(_, part)| raw(part)),
            Inside::Positional { parts, .. } => parts.iter().any(raw),
            Inside::Bitmapped { bitmap, parts, .. } => {
                *bitmap == Coding::Binary || parts.iter().flatten().any(raw)
            }
        };
        let text = !matches!(shape.alphabet, Alphabet::B | Alphabet::Any);
        self.add(element, text && any_raw, Flaw::CompositeAlphabet);
    }
}

fn shortest_bytes(shape: &Shape) -> usize {
    match shape.length {
        Length::Fixed(length) => shape.coding.wire_bytes(shape.alphabet, usize::from(length)),
        Length::Var { digits, coding, min, .. } => {
            prefix_bytes(digits, coding) + shape.coding.wire_bytes(shape.alphabet, usize::from(min))
        }
    }
}

fn is_label(format: &TagLength, tag: &str) -> bool {
    let width = label_bytes(format.tag_coding, format.tag_width);
    match format.tag_coding {
        Coding::Binary | Coding::Bcd { .. } => {
            tag.len() == width * 2 && tag.bytes().all(|c| matches!(c, b'0'..=b'9' | b'A'..=b'F'))
        }
        Coding::HexAscii | Coding::HexEbcdic => {
            tag.len() == width && tag.bytes().all(|c| c.is_ascii_hexdigit())
        }
        Coding::Ascii | Coding::Ebcdic037 | Coding::Ebcdic500 => tag.len() == width && tag.is_ascii(),
    }
}
