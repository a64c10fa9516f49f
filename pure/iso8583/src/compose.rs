//! Writing one element, and composites part by part.

use crate::{
    ber::{self, View},
    contents, decode,
    error::{DecodeError, EncodeError, Expected, Found, Step},
    inside::{self, ber_coding, bounds, known, label_bytes},
    length::{append_short_prefix, leave_room, prefix_bytes, prefix_says_at_most, write_prefix},
    spec::{Coding, Counts, Inside, Length, Pad, Shape, TagLength},
};
use alloc::{boxed::Box, vec::Vec};
use core::str;
use terms::limits::NESTING_MAX;
use wire::{few::Few, hex};

type Written = Result<(), Box<EncodeError>>;
/// The length of what was written, in characters: odd numbers of BCD digits cannot be told from bytes.
type Measured = Result<usize, Box<EncodeError>>;

/// What a caller gives for a value.
#[derive(Clone, Copy)]
pub(crate) enum Given<'g> {
    /// Text; hex where values are bytes.
    Text(&'g [u8]),
    /// Bytes; the text where values are text.
    Bytes(&'g [u8]),
}

impl Given<'_> {
    #[inline]
    fn characters(self, coding: Coding) -> Measured {
        match self {
            Self::Text(text) => contents::characters_of_text(coding, text),
            Self::Bytes(bytes) => Ok(bytes.len()),
        }
    }

    #[inline]
    fn write(self, shape: &Shape, out: &mut Vec<u8>) -> Written {
        match self {
            Self::Text(text) => contents::write_text(shape.coding, shape.alphabet, text, out),
            Self::Bytes(bytes) => contents::write_bytes(shape.coding, shape.alphabet, bytes, out),
        }
    }
}

/// Appends one element given as text, as [`put`] does: the short way for the short elements of fixed length
/// that most of a message is. Whatever is special about one, or wrong with it, is for the long way.
#[inline]
pub(crate) fn put_text(shape: &Shape, text: &[u8], out: &mut Vec<u8>) -> Measured {
    if let (Length::Fixed(length), Inside::Plain) = (shape.length, &shape.inside)
        && text.len() == usize::from(length)
        && let Some(few) = Few::of(text)
        && contents::write_few(shape.coding, shape.alphabet, few, out)
    {
        return Ok(text.len());
    }
    put(shape, Given::Text(text), out, 0, true)
}

/// Appends one element: its length where it has one, then its contents.
pub(crate) fn put(
    shape: &Shape,
    given: Given<'_>,
    out: &mut Vec<u8>,
    depth: usize,
    prefixed: bool,
) -> Measured {
    let characters = given.characters(shape.coding)?;
    let (min, max) = bounds(shape.length);
    if characters < usize::from(min) || characters > usize::from(max) {
        return put_padded(shape, given, characters, out, depth);
    }
    if prefixed && let Length::Var { digits, coding, counts, .. } = shape.length {
        put_prefix(shape, (digits, coding, counts), characters, out)?;
    }
    let start = out.len();
    given.write(shape, out)?;
    check_inside(shape, given, out, start, depth)?;
    Ok(characters)
}

#[inline]
fn put_prefix(shape: &Shape, prefix: (u8, Coding, Counts), characters: usize, out: &mut Vec<u8>) -> Written {
    let (digits, coding, counts) = prefix;
    let claimed = match counts {
        Counts::Characters => characters,
        Counts::WireBytes => shape.coding.wire_bytes(shape.alphabet, characters),
    };
    if digits == 0 {
        return Ok(());
    }
    if claimed > prefix_says_at_most(digits, coding) {
        return Err(EncodeError::new(Expected::LengthPrefix, Found::Length(claimed)));
    }
    if append_short_prefix(claimed, digits, coding, out) {
        return Ok(());
    }
    let width = prefix_bytes(digits, coding);
    let start = out.len();
    leave_room(width, out);
    write_prefix(claimed, coding, &mut out[start..]);
    Ok(())
}

/// A value shorter than its fixed length, or one that is simply wrong.
#[cold]
fn put_padded(
    shape: &Shape,
    given: Given<'_>,
    characters: usize,
    out: &mut Vec<u8>,
    depth: usize,
) -> Measured {
    let (min, max) = bounds(shape.length);
    let wrong = || EncodeError::new(Expected::Length { min, max }, Found::Length(characters));
    let (Length::Fixed(length), false) = (shape.length, characters > usize::from(max)) else {
        return Err(wrong());
    };
    let mut value = Vec::with_capacity(usize::from(length));
    match given {
        Given::Text(text) if shape.coding.is_bytes() => hex::read(hex::Charset::Ascii, text, &mut value)
            .map_err(|_| EncodeError::new(Expected::Hex, Found::Other))?,
        Given::Text(bytes) | Given::Bytes(bytes) => value.extend_from_slice(bytes),
    }
    match shape.pad {
        Pad::Never => return Err(wrong()),
        Pad::Left(filler) => {
            let missing = usize::from(length) - value.len();
            value.splice(0..0, core::iter::repeat_n(filler, missing));
        }
        Pad::Right(filler) => value.resize(usize::from(length), filler),
    }
    let start = out.len();
    let given = Given::Bytes(&value);
    given.write(shape, out)?;
    check_inside(shape, given, out, start, depth)?;
    Ok(usize::from(length))
}

/// Bytes of objects that are made from hex in one go before they are walked through: chip data have no more.
const OBJECTS_MAX: usize = 256;

/// Its characters were checked as they were written; whether they hold together as parts was not.
#[inline]
fn check_inside(shape: &Shape, given: Given<'_>, out: &[u8], start: usize, depth: usize) -> Written {
    let checked = match (&shape.inside, given) {
        (Inside::Plain, _) => return Ok(()),
        // Objects are found sooner in the bytes themselves than in their hex characters.
        (Inside::BerTlv { .. }, Given::Bytes(bytes)) if shape.coding.is_bytes() => {
            inside::check_objects(View { wire: bytes, offset: start, charset: None }, depth)
        }
        (Inside::BerTlv { .. }, Given::Text(text))
            if shape.coding.is_bytes() && text.len() <= OBJECTS_MAX * 2 =>
        {
            check_hex_objects(text, start, depth)
        }
        _ => inside::check(shape, out, start, out.len(), depth),
    };
    checked.map_err(|error| EncodeError::from_read(&error))
}

#[inline(never)]
fn check_hex_objects(text: &[u8], offset: usize, depth: usize) -> Result<(), Box<DecodeError>> {
    let mut bytes = [0; OBJECTS_MAX];
    let bytes = &mut bytes[..text.len() / 2];
    hex::read_checked_over(hex::Charset::Ascii, text, bytes);
    inside::check_objects(View { wire: bytes, offset, charset: None }, depth)
}

/// Appends one composite whose parts `fill` writes.
pub(crate) fn put_parts(
    shape: &Shape,
    out: &mut Vec<u8>,
    depth: usize,
    prefixed: bool,
    fill: &mut dyn FnMut(&mut PartsWriter<'_>) -> Written,
) -> Measured {
    if depth >= NESTING_MAX {
        return Err(EncodeError::new(Expected::Depth(NESTING_MAX as u8), Found::More));
    }
    let prefix_at = out.len();
    let prefix = match shape.length {
        Length::Var { digits, coding, counts, .. } if prefixed => Some((digits, coding, counts)),
        _ => None,
    };
    leave_room(prefix.map_or(0, |(digits, coding, _)| prefix_bytes(digits, coding)), out);
    let start = out.len();
    let mut writer = PartsWriter::new(shape, out, depth)?;
    fill(&mut writer)?;
    writer.finish();
    let characters = fill_up(shape, out, start)?;
    if let Some(prefix) = prefix {
        let mut written = Vec::new();
        put_prefix(shape, prefix, characters, &mut written)?;
        out[prefix_at..start].copy_from_slice(&written);
    }
    let checked = decode::check(shape, out, start, out.len(), characters, depth);
    checked.map_err(|error| EncodeError::from_read(&error))?;
    Ok(characters)
}

/// Fills a composite of fixed length up where its shape says how, and gives its length in characters.
fn fill_up(shape: &Shape, out: &mut Vec<u8>, start: usize) -> Measured {
    let (min, max) = bounds(shape.length);
    let Some(characters) = shape.coding.characters(shape.alphabet, out.len() - start) else {
        return Err(EncodeError::new(Expected::WholeCharacters, Found::Bytes(out.len() - start)));
    };
    if let (Pad::Right(filler), Length::Fixed(length)) = (shape.pad, shape.length) {
        let missing = usize::from(length).saturating_sub(characters);
        contents::write_bytes(shape.coding, shape.alphabet, &alloc::vec![filler; missing], out)?;
        if missing > 0 {
            return Ok(usize::from(length));
        }
    }
    if characters < usize::from(min) || characters > usize::from(max) {
        return Err(EncodeError::new(Expected::Length { min, max }, Found::Length(characters)));
    }
    Ok(characters)
}

/// Writes the parts of one composite, in its order. Each part is checked as it is written and the whole at
/// its end, so what comes out can be read.
pub struct PartsWriter<'w> {
    out: &'w mut Vec<u8>,
    start: usize,
    depth: usize,
    last: usize,
    bits: u128,
    kind: Kind<'w>,
}

#[derive(Clone, Copy)]
enum Kind<'w> {
    Ber(Coding),
    TagLength(&'w TagLength),
    Positional(&'w [Shape]),
    Bitmapped { bitmap: Coding, bitmap_bytes: usize, parts: &'w [Option<Shape>] },
}

/// What to write for a part: a value, or parts in turn.
enum Content<'c> {
    Given(Given<'c>),
    Parts(&'c mut dyn FnMut(&mut PartsWriter<'_>) -> Written),
}

impl<'w> PartsWriter<'w> {
    fn new(shape: &'w Shape, out: &'w mut Vec<u8>, depth: usize) -> Result<Self, Box<EncodeError>> {
        let kind = match &shape.inside {
            Inside::Plain => return Err(EncodeError::new(Expected::Value, Found::Other)),
            Inside::BerTlv { .. } => Kind::Ber(ber_coding(shape.coding)),
            Inside::TagLength(format) => Kind::TagLength(format),
            Inside::Positional { parts, .. } => Kind::Positional(parts),
            Inside::Bitmapped { bitmap, bitmap_bytes, parts } => {
                let bytes = usize::from(*bitmap_bytes);
                leave_room(if bitmap.hex().is_some() { bytes * 2 } else { bytes }, out);
                Kind::Bitmapped { bitmap: *bitmap, bitmap_bytes: bytes, parts }
            }
        };
        let start = out.len();
        Ok(Self { out, start, depth, last: 0, bits: 0, kind })
    }

    /// Writes one part as text: digits and characters in ASCII, bytes (and every BER-TLV value) as hex.
    ///
    /// # Errors
    /// [`EncodeError`], naming the part.
    pub fn put_text(&mut self, step: Step, text: &[u8]) -> Result<(), Box<EncodeError>> {
        self.put(step, Content::Given(Given::Text(text)))
    }

    /// Writes one part as bytes; where it is text, as that text.
    ///
    /// # Errors
    /// [`EncodeError`], naming the part.
    pub fn put_bytes(&mut self, step: Step, bytes: &[u8]) -> Result<(), Box<EncodeError>> {
        self.put(step, Content::Given(Given::Bytes(bytes)))
    }

    /// Writes one part that has parts itself.
    ///
    /// # Errors
    /// [`EncodeError`], naming the part, and those of `fill`.
    pub fn put_parts(
        &mut self,
        step: Step,
        mut fill: impl FnMut(&mut PartsWriter<'_>) -> Result<(), Box<EncodeError>>,
    ) -> Result<(), Box<EncodeError>> {
        self.put(step, Content::Parts(&mut fill))
    }

    /// The step of this composite that a person writes as `text`: a tag in hex, a label, or a number.
    pub fn step_named(&self, text: &str) -> Option<Step> {
        match self.kind {
            Kind::Ber(_) => u32::from_str_radix(text, 16).ok().filter(|_| text.len() <= 8).map(Step::Tag),
            Kind::TagLength(_) => Some(Step::label(text)),
            Kind::Positional(_) | Kind::Bitmapped { .. } => text.parse().ok().map(Step::Part),
        }
    }

    fn put(&mut self, step: Step, content: Content<'_>) -> Written {
        let written = match (self.kind, step) {
            (Kind::Ber(coding), Step::Tag(tag)) => self.put_object(coding, tag, content),
            (Kind::TagLength(format), Step::Label(label)) => {
                self.put_tagged(format, label.as_bytes(), content)
            }
            (Kind::Positional(parts), Step::Part(number)) => {
                let next = usize::from(number) == self.last + 1;
                let shape = parts.get(usize::from(number).wrapping_sub(1));
                self.put_numbered(usize::from(number), next, shape, content)
            }
            (Kind::Bitmapped { parts, .. }, Step::Part(number)) => {
                let later = usize::from(number) > self.last && number <= 128;
                let shape = parts.get(usize::from(number).wrapping_sub(1)).and_then(Option::as_ref);
                self.put_numbered(usize::from(number), later, shape, content)
            }
            _ => Err(EncodeError::new(Expected::Parts, Found::Other)),
        };
        written.map_err(|error| error.within(step))
    }

    fn put_numbered(
        &mut self,
        number: usize,
        in_order: bool,
        shape: Option<&Shape>,
        content: Content<'_>,
    ) -> Written {
        let Some(shape) = shape else {
            return Err(EncodeError::new(Expected::Defined, Found::Undefined));
        };
        if !in_order {
            return Err(EncodeError::new(Expected::Ascending, Found::OutOfOrder));
        }
        self.last = number;
        self.bits |= 1_u128.checked_shl(128 - number.min(128) as u32).unwrap_or(0);
        put_content(shape, content, self.out, self.depth + 1, true)?;
        Ok(())
    }

    fn put_tagged(&mut self, format: &TagLength, label: &[u8], content: Content<'_>) -> Written {
        let Some(shape) = known(format, label) else {
            return Err(EncodeError::new(Expected::KnownTag, Found::Undefined));
        };
        let width = prefix_bytes(format.length_width, format.length_coding);
        let mut length_at = self.out.len();
        if format.length_first {
            leave_room(width, self.out);
        }
        put_label(format, label, self.out)?;
        if !format.length_first {
            length_at = self.out.len();
            leave_room(width, self.out);
        }
        let start = self.out.len();
        let characters = put_content(shape, content, self.out, self.depth + 1, false)?;
        let value = match shape.length {
            Length::Var { counts: Counts::WireBytes, .. } => self.out.len() - start,
            _ => characters,
        };
        let claimed = value + if format.length_first { usize::from(format.tag_width) } else { 0 };
        if claimed > prefix_says_at_most(format.length_width, format.length_coding) {
            return Err(EncodeError::new(Expected::LengthPrefix, Found::Length(claimed)));
        }
        write_prefix(claimed, format.length_coding, &mut self.out[length_at..length_at + width]);
        Ok(())
    }

    fn put_object(&mut self, coding: Coding, tag: u32, content: Content<'_>) -> Written {
        if !ber::is_tag(tag) {
            return Err(EncodeError::new(Expected::BerTag, Found::Other));
        }
        let (bytes, width) = ber::tag_bytes(tag);
        self.put_coded(coding, &bytes[4 - width..]);
        let mut value = Vec::new();
        match content {
            Content::Given(Given::Bytes(bytes)) => value.extend_from_slice(bytes),
            Content::Given(Given::Text(text)) => hex::read(hex::Charset::Ascii, text, &mut value)
                .map_err(|_| EncodeError::new(Expected::Hex, Found::Other))?,
            Content::Parts(fill) => {
                if !ber::is_constructed(tag) {
                    return Err(EncodeError::new(Expected::Value, Found::Other));
                }
                let kind = Kind::Ber(Coding::Binary);
                let depth = self.depth + 1;
                fill(&mut PartsWriter { out: &mut value, start: 0, depth, last: 0, bits: 0, kind })?;
            }
        }
        if value.len() > usize::from(u16::MAX) {
            return Err(EncodeError::new(Expected::BerLength, Found::Length(value.len())));
        }
        self.put_coded(coding, &ber::length_bytes(value.len()));
        self.put_coded(coding, &value);
        Ok(())
    }

    fn put_coded(&mut self, coding: Coding, bytes: &[u8]) {
        match coding.hex() {
            Some(charset) => hex::write(charset, bytes, self.out),
            None => self.out.extend_from_slice(bytes),
        }
    }

    fn finish(self) {
        if let Kind::Bitmapped { bitmap, bitmap_bytes, .. } = self.kind {
            let mut coded = Vec::new();
            let bytes = self.bits.to_be_bytes();
            let bytes = &bytes[..bitmap_bytes.min(16)];
            match bitmap.hex() {
                Some(charset) => hex::write(charset, bytes, &mut coded),
                None => coded.extend_from_slice(bytes),
            }
            self.out[self.start - coded.len()..self.start].copy_from_slice(&coded);
        }
    }
}

fn put_content(
    shape: &Shape,
    content: Content<'_>,
    out: &mut Vec<u8>,
    depth: usize,
    prefixed: bool,
) -> Measured {
    match content {
        Content::Given(given) => put(shape, given, out, depth, prefixed),
        Content::Parts(fill) => put_parts(shape, out, depth, prefixed, fill),
    }
}

fn put_label(format: &TagLength, label: &[u8], out: &mut Vec<u8>) -> Written {
    let start = out.len();
    let wrong = || EncodeError::new(Expected::KnownTag, Found::Length(label.len()));
    match format.tag_coding {
        Coding::Binary | Coding::Bcd { .. } => {
            hex::read(hex::Charset::Ascii, label, out).map_err(|_| wrong())?;
        }
        coding if coding.is_bytes() => {
            let text = str::from_utf8(label).map_err(|_| wrong())?;
            contents::write_text(coding, crate::spec::Alphabet::B, text.as_bytes(), out)?;
        }
        coding => contents::write_text(coding, crate::spec::Alphabet::Ans, label, out)?,
    }
    let written = out.len() - start;
    if written == label_bytes(format.tag_coding, format.tag_width) { Ok(()) } else { Err(wrong()) }
}
