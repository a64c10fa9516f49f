//! Whether a composite holds together, and its parts one by one.

use crate::{
    ber::{self, View},
    decode::{check as check_value, read_part_bitmap, take},
    error::{DecodeError, Expected, Found, Step},
    length::read_prefix,
    message::Span,
    spec::{Coding, Counts, Inside, Length, Secret, Shape, TagLength},
};
use alloc::{boxed::Box, vec::Vec};
use terms::{
    Text,
    limits::{NESTING_MAX, TAGS_MAX},
};
use wire::hex;

/// Whether `body[start..stop]`, which is a value of `shape`, holds together inside.
#[inline]
pub(crate) fn check(
    shape: &Shape,
    body: &[u8],
    start: usize,
    stop: usize,
    depth: usize,
) -> Result<(), Box<DecodeError>> {
    if let Inside::BerTlv { .. } = shape.inside {
        let view = View { wire: &body[start..stop], offset: start, charset: shape.coding.hex() };
        return check_objects(view, depth);
    }
    if depth >= NESTING_MAX {
        return Err(too_deep(start));
    }
    let mut walk = Walk::new(shape, body, start, stop, depth);
    let mut count = 0;
    while walk.next()?.is_some() {
        count += 1;
        if count > TAGS_MAX {
            return Err(DecodeError::at(start, Expected::Tags(TAGS_MAX), Found::More));
        }
    }
    Ok(())
}

#[cold]
fn too_deep(start: usize) -> Box<DecodeError> {
    DecodeError::at(start, Expected::Depth(NESTING_MAX as u8), Found::More)
}

/// Whether BER-TLV objects hold together.
#[inline]
pub(crate) fn check_objects(view: View<'_>, depth: usize) -> Result<(), Box<DecodeError>> {
    // One walk for bytes and one for each hex, so that none asks at every byte what it stands in.
    match view.charset {
        None => walk_objects(View { charset: None, ..view }, depth),
        Some(hex::Charset::Ascii) => walk_objects(View { charset: Some(hex::Charset::Ascii), ..view }, depth),
        Some(hex::Charset::Ebcdic) => {
            walk_objects(View { charset: Some(hex::Charset::Ebcdic), ..view }, depth)
        }
    }
}

#[inline(always)]
fn walk_objects(view: View<'_>, depth: usize) -> Result<(), Box<DecodeError>> {
    if depth >= NESTING_MAX {
        return Err(too_deep(view.offset));
    }
    let (mut at, mut count) = (0, 0);
    while let Some(object) = ber::next(&view, at)? {
        count += 1;
        if count > TAGS_MAX {
            return Err(DecodeError::at(view.offset, Expected::Tags(TAGS_MAX), Found::More));
        }
        if ber::is_constructed(object.tag) {
            check_ber_within(&view, object, depth)?;
        }
        at = object.stop;
    }
    Ok(())
}

#[cold]
fn check_ber_within(view: &View<'_>, object: ber::Object, depth: usize) -> Result<(), Box<DecodeError>> {
    let step = Step::Tag(object.tag);
    let (from, to) = (view.offset_of(object.start), view.offset_of(object.stop));
    if depth + 1 >= NESTING_MAX {
        return Err(too_deep(from).within(step));
    }
    let wire = &view.wire[from - view.offset..to - view.offset];
    check_objects(View { wire, offset: from, charset: view.charset }, depth + 1)
        .map_err(|error| error.within(step))
}

/// What a part is.
#[derive(Clone, Copy)]
pub(crate) enum Form<'a> {
    Shaped(&'a Shape),
    Ber { tag: u32, coding: Coding, secrets: &'a [(u32, Secret)] },
}

/// A part: which, and where.
#[derive(Clone, Copy)]
pub(crate) struct Piece<'a> {
    pub(crate) step: Step,
    pub(crate) form: Form<'a>,
    pub(crate) start: usize,
    pub(crate) stop: usize,
    pub(crate) characters: usize,
}

/// Walks the parts of one composite.
#[derive(Clone)]
pub(crate) struct Walk<'a> {
    body: &'a [u8],
    start: usize,
    at: usize,
    stop: usize,
    depth: usize,
    next: usize,
    kind: Kind<'a>,
}

#[derive(Clone)]
enum Kind<'a> {
    Nothing,
    Ber { coding: Coding, secrets: &'a [(u32, Secret)] },
    TagLength(&'a TagLength),
    Positional { parts: &'a [Shape], optional_tail: bool },
    Bitmapped { bitmap: Coding, bitmap_bytes: u8, parts: &'a [Option<Shape>], bits: u128 },
}

impl<'a> Walk<'a> {
    pub(crate) fn new(shape: &'a Shape, body: &'a [u8], start: usize, stop: usize, depth: usize) -> Self {
        let kind = match &shape.inside {
            Inside::Plain => Kind::Nothing,
            Inside::BerTlv { secrets } => Kind::Ber { coding: ber_coding(shape.coding), secrets },
            Inside::TagLength(format) => Kind::TagLength(format),
            Inside::Positional { parts, optional_tail } => {
                Kind::Positional { parts, optional_tail: *optional_tail }
            }
            Inside::Bitmapped { bitmap, bitmap_bytes, parts } => {
                Kind::Bitmapped { bitmap: *bitmap, bitmap_bytes: *bitmap_bytes, parts, bits: 0 }
            }
        };
        Self { body, start, at: start, stop, depth, next: 0, kind }
    }

    /// The parts of an object that is made of objects.
    pub(crate) fn within_ber(
        coding: Coding,
        secrets: &'a [(u32, Secret)],
        body: &'a [u8],
        start: usize,
        stop: usize,
        depth: usize,
    ) -> Self {
        Self { body, start, at: start, stop, depth, next: 0, kind: Kind::Ber { coding, secrets } }
    }

    /// No parts.
    pub(crate) fn nothing() -> Self {
        Self { body: &[], start: 0, at: 0, stop: 0, depth: 0, next: 0, kind: Kind::Nothing }
    }

    /// The next part, each checked with all that is in it.
    pub(crate) fn next(&mut self) -> Result<Option<Piece<'a>>, Box<DecodeError>> {
        match self.kind {
            Kind::Nothing => Ok(None),
            Kind::Ber { coding, secrets } => self.next_ber(coding, secrets),
            Kind::TagLength(format) => self.next_tagged(format),
            Kind::Positional { parts, optional_tail } => self.next_positional(parts, optional_tail),
            Kind::Bitmapped { bitmap, bitmap_bytes, parts, .. } => {
                self.next_promised(bitmap, usize::from(bitmap_bytes), parts)
            }
        }
    }

    fn next_ber(
        &mut self,
        coding: Coding,
        secrets: &'a [(u32, Secret)],
    ) -> Result<Option<Piece<'a>>, Box<DecodeError>> {
        let view = View { wire: &self.body[self.at..self.stop], offset: self.at, charset: coding.hex() };
        let Some(object) = ber::next(&view, 0)? else {
            return Ok(None);
        };
        let (start, stop) = (view.offset_of(object.start), view.offset_of(object.stop));
        self.at = stop;
        let form = Form::Ber { tag: object.tag, coding, secrets };
        let characters = object.stop - object.start;
        Ok(Some(Piece { step: Step::Tag(object.tag), form, start, stop, characters }))
    }

    fn next_positional(
        &mut self,
        parts: &'a [Shape],
        optional_tail: bool,
    ) -> Result<Option<Piece<'a>>, Box<DecodeError>> {
        let at_end = self.at == self.stop;
        match parts.get(self.next) {
            None if at_end => Ok(None),
            None => Err(DecodeError::at(self.at, Expected::End, Found::Bytes(self.stop - self.at))),
            Some(_) if at_end && optional_tail => Ok(None),
            Some(shape) => {
                self.next += 1;
                self.take_part(shape, Step::Part(self.next as u16)).map(Some)
            }
        }
    }

    fn next_promised(
        &mut self,
        bitmap: Coding,
        bitmap_bytes: usize,
        parts: &'a [Option<Shape>],
    ) -> Result<Option<Piece<'a>>, Box<DecodeError>> {
        if self.next == 0 {
            self.take_bitmap(bitmap, bitmap_bytes)?;
            self.next = 1;
        }
        let Kind::Bitmapped { bits, .. } = &mut self.kind else {
            return Ok(None);
        };
        if *bits == 0 {
            let left = self.stop - self.at;
            return if left == 0 {
                Ok(None)
            } else {
                Err(DecodeError::at(self.at, Expected::End, Found::Bytes(left)))
            };
        }
        let number = bits.leading_zeros() as usize + 1;
        *bits &= !(1 << (128 - number));
        let step = Step::Part(number as u16);
        match parts.get(number - 1) {
            Some(Some(shape)) => self.take_part(shape, step).map(Some),
            _ => Err(DecodeError::at(self.at, Expected::Defined, Found::Undefined).within(step)),
        }
    }

    fn take_bitmap(&mut self, bitmap: Coding, bitmap_bytes: usize) -> Result<(), Box<DecodeError>> {
        let width = if bitmap.hex().is_some() { bitmap_bytes * 2 } else { bitmap_bytes };
        let left = self.stop - self.at;
        if width > left {
            return Err(DecodeError::at(self.at, Expected::Bytes(width), Found::Bytes(left)));
        }
        let promised = read_part_bitmap(bitmap, &self.body[self.at..self.at + width], self.at)?;
        self.at += width;
        if let Kind::Bitmapped { bits, .. } = &mut self.kind {
            *bits = promised;
        }
        Ok(())
    }

    fn take_part(&mut self, shape: &'a Shape, step: Step) -> Result<Piece<'a>, Box<DecodeError>> {
        let (span, stop) =
            take(shape, self.body, self.at, self.stop, self.depth + 1).map_err(|e| e.within(step))?;
        let Span { offset, characters } = span;
        self.at = stop;
        let (start, characters) = (usize::from(offset), usize::from(characters));
        Ok(Piece { step, form: Form::Shaped(shape), start, stop, characters })
    }

    fn next_tagged(&mut self, format: &'a TagLength) -> Result<Option<Piece<'a>>, Box<DecodeError>> {
        if self.at == self.stop {
            return Ok(None);
        }
        let tag_bytes = label_bytes(format.tag_coding, format.tag_width);
        let (tag, claimed) = if format.length_first {
            let claimed = self.take_claim(format)?;
            let tag = self.take_bytes(tag_bytes)?;
            let Some(claimed) = claimed.checked_sub(usize::from(format.tag_width)) else {
                return Err(DecodeError::at(tag.0, Expected::LengthPrefix, Found::Length(claimed)));
            };
            (tag, claimed)
        } else {
            (self.take_bytes(tag_bytes)?, self.take_claim(format)?)
        };
        let label = label_text(format.tag_coding, tag.1);
        let Some(shape) = known(format, &label) else {
            return Err(DecodeError::at(tag.0, Expected::KnownTag, Found::Undefined));
        };
        self.take_tagged(shape, claimed, Step::Label(Text::clipped(&label))).map(Some)
    }

    fn take_tagged(
        &mut self,
        shape: &'a Shape,
        claimed: usize,
        step: Step,
    ) -> Result<Piece<'a>, Box<DecodeError>> {
        let start = self.at;
        let characters = match shape.length {
            Length::Var { counts: Counts::WireBytes, .. } => shape.coding.characters(shape.alphabet, claimed),
            _ => Some(claimed),
        };
        let wrong = |expected| Err(DecodeError::at(start, expected, Found::Length(claimed)).within(step));
        let Some(characters) = characters else {
            return wrong(Expected::WholeCharacters);
        };
        let (min, max) = bounds(shape.length);
        if characters < usize::from(min) || characters > usize::from(max) {
            return wrong(Expected::Length { min, max });
        }
        let wire_bytes = shape.coding.wire_bytes(shape.alphabet, characters);
        self.take_bytes(wire_bytes).map_err(|error| error.within(step))?;
        let stop = self.at;
        check_value(shape, self.body, start, stop, characters, self.depth + 1)
            .map_err(|error| error.within(step))?;
        Ok(Piece { step, form: Form::Shaped(shape), start, stop, characters })
    }

    fn take_claim(&mut self, format: &TagLength) -> Result<usize, Box<DecodeError>> {
        let width = crate::length::prefix_bytes(format.length_width, format.length_coding);
        let (at, bytes) = self.take_bytes(width)?;
        read_prefix(bytes, format.length_coding, at)
    }

    fn take_bytes(&mut self, count: usize) -> Result<(usize, &'a [u8]), Box<DecodeError>> {
        let (at, left) = (self.at, self.stop - self.at);
        if count > left {
            return Err(DecodeError::at(at, Expected::Bytes(count), Found::Bytes(left)));
        }
        self.at += count;
        Ok((at, &self.body[at..at + count]))
    }

    /// Where the composite begins.
    pub(crate) fn start(&self) -> usize {
        self.start
    }
}

/// How the values of BER-TLV objects lie in a container of that coding.
pub(crate) const fn ber_coding(container: Coding) -> Coding {
    match container {
        Coding::HexAscii | Coding::HexEbcdic => container,
        _ => Coding::Binary,
    }
}

/// Shortest and longest, in characters.
pub(crate) const fn bounds(length: Length) -> (u16, u16) {
    match length {
        Length::Fixed(length) => (length, length),
        Length::Var { min, max, .. } => (min, max),
    }
}

/// Bytes of a tag of so many characters on the wire.
pub(crate) fn label_bytes(coding: Coding, width: u8) -> usize {
    coding.wire_bytes(crate::spec::Alphabet::N, usize::from(width))
}

/// A tag as the spec writes it: text; hex where it is bytes.
fn label_text(coding: Coding, wire: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    match coding {
        Coding::Binary | Coding::Bcd { .. } => hex::write(hex::Charset::Ascii, wire, &mut text),
        _ => crate::contents::text_into(coding, crate::spec::Alphabet::Any, wire, wire.len(), &mut text),
    }
    text
}

/// The shape of that tag.
pub(crate) fn known<'a>(format: &'a TagLength, label: &[u8]) -> Option<&'a Shape> {
    let part = format.parts.iter().find(|(tag, _)| tag.as_bytes() == label);
    part.map(|(_, shape)| shape).or(format.otherwise.as_ref())
}
