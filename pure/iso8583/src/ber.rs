//! BER-TLV as EMV uses it (ISO/IEC 8825-1; EMV Book 3, annex B): one object at a time.

use crate::error::{DecodeError, Expected, Found};
use alloc::{boxed::Box, vec::Vec};
use wire::hex;

/// Bytes that stand on the wire as they are or as hex.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) wire: &'a [u8],
    /// Where `wire` begins in the body.
    pub(crate) offset: usize,
    pub(crate) charset: Option<hex::Charset>,
}

impl View<'_> {
    #[inline]
    pub(crate) fn len(&self) -> usize {
        if self.charset.is_some() { self.wire.len() / 2 } else { self.wire.len() }
    }

    #[inline(always)]
    fn byte(&self, at: usize) -> Option<u8> {
        match self.charset {
            None => self.wire.get(at).copied(),
            Some(charset) => {
                self.wire.as_chunks().0.get(at).map(|&[high, low]| hex::pair(charset, high, low))
            }
        }
    }

    /// Where a byte stands in the body.
    #[inline]
    pub(crate) fn offset_of(&self, at: usize) -> usize {
        self.offset + if self.charset.is_some() { at * 2 } else { at }
    }
}

/// One object: its value is `start..stop`, in bytes of the view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Object {
    pub(crate) tag: u32,
    pub(crate) start: usize,
    pub(crate) stop: usize,
}

/// Whether the value of such a tag is made of further objects.
pub(crate) const fn is_constructed(tag: u32) -> bool {
    let first = match tag {
        0..=0xFF => tag,
        0x100..=0xFFFF => tag >> 8,
        0x1_0000..=0xFF_FFFF => tag >> 16,
        _ => tag >> 24,
    };
    first & 0x20 != 0
}

/// The object at `at`, or `None` at the end. Zero bytes between objects are passed over, as EMV allows.
// Always inline: callers that know the characters have them known here too.
#[inline(always)]
pub(crate) fn next(view: &View<'_>, mut at: usize) -> Result<Option<Object>, Box<DecodeError>> {
    let first = loop {
        match view.byte(at) {
            None => return Ok(None),
            Some(0) => at += 1,
            Some(first) => break first,
        }
    };
    let (tag, at) =
        if first & 0x1F == 0x1F { long_tag(view, at, first)? } else { (u32::from(first), at + 1) };
    let (length, start) = match view.byte(at) {
        Some(length @ 0..=0x7F) => (usize::from(length), at + 1),
        _ => long_length(view, at)?,
    };
    if length > view.len() - start {
        let found = Found::Bytes(view.len() - start);
        return Err(DecodeError::at(view.offset_of(start), Expected::Bytes(length), found)
            .within(crate::Step::Tag(tag)));
    }
    Ok(Some(Object { tag, start, stop: start + length }))
}

#[inline(always)]
fn long_tag(view: &View<'_>, start: usize, first: u8) -> Result<(u32, usize), Box<DecodeError>> {
    let mut tag = u32::from(first);
    for at in start + 1..start + 4 {
        let Some(byte) = view.byte(at) else {
            return Err(DecodeError::at(view.offset_of(at), Expected::BerTag, Found::Bytes(0)));
        };
        tag = tag << 8 | u32::from(byte);
        if byte & 0x80 == 0 {
            return Ok((tag, at + 1));
        }
    }
    Err(DecodeError::at(view.offset_of(start), Expected::BerTag, Found::More))
}

#[cold]
fn long_length(view: &View<'_>, at: usize) -> Result<(usize, usize), Box<DecodeError>> {
    let wrong = |found| Err(DecodeError::at(view.offset_of(at), Expected::BerLength, found));
    match (view.byte(at), view.byte(at + 1), view.byte(at + 2)) {
        (Some(0x81), Some(length @ 0x80..), _) => Ok((usize::from(length), at + 2)),
        (Some(0x82), Some(high @ 1..), Some(low)) => Ok((usize::from(high) << 8 | usize::from(low), at + 3)),
        (Some(0x81 | 0x82), None, _) | (Some(0x82), _, None) | (None, ..) => wrong(Found::Bytes(0)),
        (Some(byte), ..) => wrong(Found::Byte(byte)),
    }
}

/// Whether these are the bytes of a tag and nothing else.
pub(crate) fn is_tag(tag: u32) -> bool {
    let (bytes, width) = tag_bytes(tag);
    let bytes = &bytes[4 - width..];
    let long = bytes[0] & 0x1F == 0x1F;
    let (last, middle) = bytes.split_last().unwrap_or((&0, &[]));
    tag != 0
        && long == (width > 1)
        && (!long || last & 0x80 == 0 && middle[1..].iter().all(|byte| byte & 0x80 != 0))
}

/// The bytes of a tag, right-justified, and how many they are.
pub(crate) const fn tag_bytes(tag: u32) -> ([u8; 4], usize) {
    let width = match tag {
        0..=0xFF => 1,
        0x100..=0xFFFF => 2,
        0x1_0000..=0xFF_FFFF => 3,
        _ => 4,
    };
    (tag.to_be_bytes(), width)
}

/// A length in its shortest form.
pub(crate) fn length_bytes(length: usize) -> Vec<u8> {
    match length {
        0..=0x7F => [length as u8].into(),
        0x80..=0xFF => [0x81, length as u8].into(),
        _ => [0x82, (length >> 8) as u8, length as u8].into(),
    }
}
