use crate::{
    contents,
    error::{DecodeError, Expected, Found, Head},
    inside,
    length::{prefix_bytes, read_prefix},
    message::{Message, Span},
    spec::{Coding, Counts, Inside, Length, Shape, Spec},
};
use alloc::{boxed::Box, vec::Vec};
use core::fmt;
use wire::{ebcdic, hex};

/// Why a body is no message, and as much of it as was read before that showed.
#[derive(Clone, Debug)]
pub struct Refusal<'a> {
    /// Which element, at which byte, what was expected, what was found.
    pub error: DecodeError,
    /// The message type, where that was read, and the elements before the one that is wrong: enough to answer
    /// that the format is wrong. Each of them is legal by itself.
    pub partial: Message<'a>,
}

impl fmt::Display for Refusal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl core::error::Error for Refusal<'_> {}

/// Reads one message under `spec`, all of it or nothing.
///
/// - Units: `body` is the bytes between frame header and trailer, at most 65,535.
/// - Bitmaps stand one after another behind the message type; the first bit of each announces the next. There
///   is a third only where `spec.fields` reaches beyond 128.
/// - Cost: linear in `body.len()`; no allocation up to 64 elements.
///
/// # Errors
/// [`Refusal`]: the first thing that is wrong, and what was read before it. Bytes that no bit promised, a bit
/// without a shape, an element that does not end within the body, a character that is not of the alphabet,
/// a composite that does not hold together: all are errors.
pub fn decode<'a>(spec: &'a Spec, body: &'a [u8]) -> Result<Message<'a>, Box<Refusal<'a>>> {
    let mut message = Message::empty(spec, body);
    match walk(spec, body, &mut message) {
        Ok(()) => Ok(message),
        Err(error) => Err(refuse(*error, message)),
    }
}

#[cold]
fn refuse<'a>(error: DecodeError, partial: Message<'a>) -> Box<Refusal<'a>> {
    Box::new(Refusal { error, partial })
}

#[inline]
fn walk<'a>(spec: &'a Spec, body: &'a [u8], message: &mut Message<'a>) -> Result<(), Box<DecodeError>> {
    if body.len() > usize::from(u16::MAX) {
        let expected = Expected::Length { min: 0, max: u16::MAX };
        return Err(DecodeError::at(0, expected, Found::Length(body.len())).of(Head::End));
    }
    let mut at = read_mti(spec, body, message).map_err(|error| error.of(Head::Mti))?;
    let promised = read_bitmaps(spec, body, &mut at).map_err(|error| error.of(Head::Bitmap))?;
    for (word, mut bits) in promised.into_iter().enumerate() {
        while bits != 0 {
            let place = bits.leading_zeros() as usize;
            bits &= !(1 << (63 - place));
            let de = word * 64 + place + 1;
            let (span, end) = match spec.fields.get(de) {
                Some(Some(shape)) => {
                    take(shape, body, at, body.len(), 0).map_err(|error| error.of(Head::Field(de as u8)))?
                }
                _ => return Err(undefined(at, de)),
            };
            message.push(de, span);
            at = end;
        }
    }
    if at != body.len() {
        return Err(DecodeError::at(at, Expected::End, Found::Bytes(body.len() - at)).of(Head::End));
    }
    Ok(())
}

#[cold]
fn undefined(at: usize, de: usize) -> Box<DecodeError> {
    DecodeError::at(at, Expected::Defined, Found::Undefined).of(Head::Field(de as u8))
}

/// Reads one element from `at` on, not beyond `end`: its length, its contents, what it is made of. `depth` is
/// the number of composites it stands in.
#[inline]
pub(crate) fn take(
    shape: &Shape,
    body: &[u8],
    at: usize,
    end: usize,
    depth: usize,
) -> Result<(Span, usize), Box<DecodeError>> {
    let (start, characters) = match shape.length {
        Length::Fixed(characters) => (at, usize::from(characters)),
        Length::Var { .. } => take_length(shape, body, at, end)?,
    };
    let stop = start + shape.coding.wire_bytes(shape.alphabet, characters);
    if stop > end {
        return Err(absent(shape, start, stop - start, end.saturating_sub(start)));
    }
    check(shape, body, start, stop, characters, depth)?;
    Ok((Span { offset: start as u16, characters: characters as u16 }, stop))
}

/// Whether `body[start..stop]` is a legal value of that many characters.
#[inline]
pub(crate) fn check(
    shape: &Shape,
    body: &[u8],
    start: usize,
    stop: usize,
    characters: usize,
    depth: usize,
) -> Result<(), Box<DecodeError>> {
    contents::check(shape.coding, shape.alphabet, &body[start..stop], characters, start)?;
    if matches!(shape.inside, Inside::Plain) {
        return Ok(());
    }
    inside::check(shape, body, start, stop, depth)
}

#[inline]
fn take_length(
    shape: &Shape,
    body: &[u8],
    at: usize,
    end: usize,
) -> Result<(usize, usize), Box<DecodeError>> {
    let Length::Var { digits, coding, counts, min, max } = shape.length else {
        return Ok((at, 0));
    };
    let start = at + prefix_bytes(digits, coding);
    if start > end {
        return Err(DecodeError::at(at, Expected::Bytes(start - at), Found::Bytes(end.saturating_sub(at))));
    }
    // A length without digits is whatever is left of what it stands in.
    let claimed = if digits == 0 { end - start } else { read_prefix(&body[at..start], coding, at)? };
    let characters = match counts {
        Counts::Characters if digits != 0 => Some(claimed),
        _ => shape.coding.characters(shape.alphabet, claimed),
    };
    match characters {
        Some(characters) if (usize::from(min)..=usize::from(max)).contains(&characters) => {
            Ok((start, characters))
        }
        Some(characters) => {
            Err(DecodeError::at(at, Expected::Length { min, max }, Found::Length(characters)))
        }
        None => Err(DecodeError::at(at, Expected::WholeCharacters, Found::Length(claimed))),
    }
}

#[cold]
fn absent(shape: &Shape, start: usize, needed: usize, left: usize) -> Box<DecodeError> {
    let expected = match shape.length {
        Length::Fixed(count) if left == 0 => Expected::Characters { count, alphabet: shape.alphabet },
        _ => Expected::Bytes(needed),
    };
    DecodeError::at(start, expected, Found::Bytes(left))
}

#[inline]
fn read_mti(spec: &Spec, body: &[u8], message: &mut Message<'_>) -> Result<usize, Box<DecodeError>> {
    let mut mti = [0; 4];
    let width = mti_bytes(spec.mti);
    let Some(wire) = body.get(..width) else {
        return Err(DecodeError::at(0, Expected::Bytes(width), Found::Bytes(body.len())));
    };
    match spec.mti {
        Coding::Bcd { .. } | Coding::Binary => {
            mti = [wire[0] >> 4, wire[0] & 15, wire[1] >> 4, wire[1] & 15].map(|nibble| b'0' + nibble);
        }
        Coding::Ebcdic037 | Coding::Ebcdic500 => {
            mti.copy_from_slice(wire);
            mti = mti.map(|byte| ebcdic::to_latin(ebcdic::Page::Cp037, byte));
        }
        Coding::Ascii | Coding::HexAscii | Coding::HexEbcdic => mti.copy_from_slice(wire),
    }
    if let Some(place) = mti.iter().position(|digit| !digit.is_ascii_digit()) {
        let at = if width == 2 { place / 2 } else { place };
        return Err(DecodeError::at(
            at,
            Expected::Characters { count: 4, alphabet: crate::spec::Alphabet::N },
            Found::Byte(wire[at]),
        ));
    }
    if mti[0] != b'0'.wrapping_add(spec.version) {
        return Err(DecodeError::at(0, Expected::Version(spec.version), Found::Nibble(mti[0] & 15)));
    }
    message.set_mti(mti);
    Ok(width)
}

/// Bytes of the message type on the wire.
pub(crate) const fn mti_bytes(coding: Coding) -> usize {
    if matches!(coding, Coding::Bcd { .. } | Coding::Binary) { 2 } else { 4 }
}

/// Bytes of one bitmap of 64 on the wire.
pub(crate) const fn bitmap_bytes(coding: Coding) -> usize {
    if coding.hex().is_some() { 16 } else { 8 }
}

/// How many bitmaps a message may have.
pub(crate) fn bitmaps_max(spec: &Spec) -> usize {
    if spec.fields.len() > 129 { 3 } else { 2 }
}

/// The elements promised, without the bits that only announce a further bitmap.
#[inline]
fn read_bitmaps(spec: &Spec, body: &[u8], at: &mut usize) -> Result<[u64; 3], Box<DecodeError>> {
    let mut promised = [0; 3];
    let last = bitmaps_max(spec) - 1;
    for (place, word) in promised.iter_mut().enumerate().take(last + 1) {
        let width = bitmap_bytes(spec.bitmap);
        let Some(wire) = body.get(*at..*at + width) else {
            return Err(DecodeError::at(*at, Expected::Bytes(width), Found::Bytes(body.len() - *at)));
        };
        *word = read_bitmap(spec.bitmap, wire, *at)?;
        *at += width;
        let announces = *word >> 63 != 0;
        // In the last bitmap there is, the first bit is an element like the others.
        if place < last || place == 2 {
            *word &= u64::MAX >> 1;
        }
        if place == 2 && announces {
            return Err(undefined(*at - width, 129));
        }
        if !announces {
            break;
        }
    }
    Ok(promised)
}

#[inline]
fn read_bitmap(coding: Coding, wire: &[u8], offset: usize) -> Result<u64, Box<DecodeError>> {
    let Some(charset) = coding.hex() else {
        return Ok(u64::from_be_bytes(wire.try_into().unwrap_or([0; 8])));
    };
    let mut word = 0;
    let mut seen = 0;
    for pair in wire.as_chunks::<2>().0 {
        let (high, low) = (hex::nibble(charset, pair[0]), hex::nibble(charset, pair[1]));
        seen |= high | low;
        word = word << 8 | u64::from(high << 4 | low);
    }
    if seen > 0x0F {
        let at = wire.iter().position(|&byte| hex::value(charset, byte).is_none()).unwrap_or(0);
        return Err(DecodeError::at(offset + at, Expected::Hex, Found::Byte(wire[at])));
    }
    Ok(word)
}

/// Bytes of a composite's own bitmap, as bits with the first part's on top.
pub(crate) fn read_part_bitmap(coding: Coding, wire: &[u8], offset: usize) -> Result<u128, Box<DecodeError>> {
    let mut bytes = Vec::new();
    match coding.hex() {
        None => bytes.extend_from_slice(wire),
        Some(charset) => {
            if let Err(error) = hex::read(charset, wire, &mut bytes) {
                let (at, found) = match error {
                    hex::HexError::NotHex { at, found } => (at, Found::Byte(found)),
                    hex::HexError::Odd { at } => (at, Found::Length(wire.len())),
                };
                return Err(DecodeError::at(offset + at, Expected::Hex, found));
            }
        }
    }
    Ok(bytes
        .iter()
        .take(16)
        .enumerate()
        .fold(0, |bits, (at, &byte)| bits | u128::from(byte) << (120 - at * 8)))
}
