use crate::{
    compose::{self, Given, PartsWriter},
    decode::{bitmap_bytes, bitmaps_max},
    error::{EncodeError, Expected, Found, Head},
    length::leave_room,
    spec::{Alphabet, Coding, Length, Shape, Spec},
    tree::{Node, Tree, bytes_of_text},
};
use alloc::{boxed::Box, string::String, vec::Vec};
use terms::limits::FIELDS_MAX;
use wire::{ebcdic, hex};

/// Writes one message, element by element in ascending order.
///
/// Appends to the caller's buffer; what is not finished is taken back when the writer goes, so a buffer never
/// holds half a message. The first error stays: [`Writer::finish`] gives it again whatever was put later.
#[must_use = "a message that is not finished is taken back"]
pub struct Writer<'w> {
    spec: &'w Spec,
    out: &'w mut Vec<u8>,
    start: usize,
    bitmap_at: usize,
    bitmaps: usize,
    present: [u64; 3],
    last: usize,
    error: Option<Box<EncodeError>>,
    finished: bool,
}

impl<'w> Writer<'w> {
    /// Begins a message of type `mti` (four ASCII digits) that has so many bitmaps: 1 for elements to 64, 2
    /// to 128, 3 to 192. What is wrong with these two is told by the first `put` or by `finish`.
    #[inline]
    pub fn new(spec: &'w Spec, mti: [u8; 4], bitmaps: usize, out: &'w mut Vec<u8>) -> Self {
        let start = out.len();
        let error = check_head(spec, mti, bitmaps).err();
        let bitmaps = bitmaps.clamp(1, 3);
        write_mti(spec.mti, mti, out);
        let bitmap_at = out.len();
        leave_room(bitmap_bytes(spec.bitmap) * bitmaps, out);
        Self { spec, out, start, bitmap_at, bitmaps, present: [0; 3], last: 0, error, finished: false }
    }

    /// Writes one element as text: digits and characters in ASCII, bytes as hex. Fixed elements are filled up
    /// where their shape says how.
    ///
    /// # Errors
    /// [`EncodeError`]: not the format's, out of order, wrong length, wrong characters, a composite that does
    /// not hold together.
    #[inline]
    pub fn put_text(&mut self, de: usize, text: &[u8]) -> Result<(), Box<EncodeError>> {
        self.put(de, |shape, out| compose::put_text(shape, text, out))
    }

    /// Writes one element as bytes; where it is text, as that text.
    ///
    /// # Errors
    /// As [`Writer::put_text`].
    #[inline]
    pub fn put_bytes(&mut self, de: usize, bytes: &[u8]) -> Result<(), Box<EncodeError>> {
        self.put(de, |shape, out| compose::put(shape, Given::Bytes(bytes), out, 0, true))
    }

    /// Writes one element as a number, zeros before it up to its fixed length (or its shortest one).
    ///
    /// # Errors
    /// As [`Writer::put_text`]; a number with more digits than there is room for.
    #[inline]
    pub fn put_number(&mut self, de: usize, number: u64) -> Result<(), Box<EncodeError>> {
        self.put(de, |shape, out| put_number(shape, number, out))
    }

    /// Writes one composite element, its parts by `fill`.
    ///
    /// # Errors
    /// As [`Writer::put_text`], and those of `fill`, naming the part.
    pub fn put_parts(
        &mut self,
        de: usize,
        mut fill: impl FnMut(&mut PartsWriter<'_>) -> Result<(), Box<EncodeError>>,
    ) -> Result<(), Box<EncodeError>> {
        self.put(de, |shape, out| compose::put_parts(shape, out, 0, true, &mut fill))
    }

    /// Writes the bitmaps; the message is then whole.
    ///
    /// # Errors
    /// The first error there was. The buffer is then as it was before the message.
    #[inline]
    pub fn finish(mut self) -> Result<(), Box<EncodeError>> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        // The first bit of each bitmap announces the next.
        for word in 0..self.bitmaps - 1 {
            self.present[word] |= 1 << 63;
        }
        let width = bitmap_bytes(self.spec.bitmap);
        let place = &mut self.out[self.bitmap_at..self.bitmap_at + width * self.bitmaps];
        for (word, place) in self.present.iter().zip(place.chunks_exact_mut(width)) {
            write_bitmap(self.spec.bitmap, *word, place);
        }
        self.finished = true;
        Ok(())
    }

    #[inline]
    fn put(
        &mut self,
        de: usize,
        write: impl FnOnce(&Shape, &mut Vec<u8>) -> Result<usize, Box<EncodeError>>,
    ) -> Result<(), Box<EncodeError>> {
        let spec = self.spec;
        let written = match spec.fields.get(de) {
            Some(Some(shape)) if self.error.is_none() && self.in_order(de) => write(shape, self.out),
            _ => Err(self.misplaced(de)),
        };
        match written {
            Ok(_) => {
                self.present[(de - 1) / 64] |= 1 << (63 - (de - 1) % 64);
                self.last = de;
                Ok(())
            }
            Err(error) => Err(self.keep(de, error)),
        }
    }

    #[inline]
    fn in_order(&self, de: usize) -> bool {
        de > self.last && de >= 2 && de <= self.bitmaps * 64 && !(de == 65 && self.bitmaps == 3)
    }

    #[cold]
    fn misplaced(&self, de: usize) -> Box<EncodeError> {
        if let Some(error) = &self.error {
            return error.clone();
        }
        match self.spec.fields.get(de) {
            Some(Some(_)) if de > self.bitmaps * 64 => {
                EncodeError::new(Expected::AtMost((self.bitmaps * 64) as u8), Found::More)
            }
            Some(Some(_)) if de <= self.last => EncodeError::new(Expected::Ascending, Found::OutOfOrder),
            _ => EncodeError::new(Expected::Defined, Found::Undefined),
        }
    }

    #[cold]
    fn keep(&mut self, de: usize, error: Box<EncodeError>) -> Box<EncodeError> {
        if self.error.is_none() {
            self.error = Some(error.of(Head::Field(de.min(FIELDS_MAX) as u8)));
        }
        self.error.clone().unwrap_or_else(|| EncodeError::new(Expected::Defined, Found::Other))
    }
}

impl Drop for Writer<'_> {
    fn drop(&mut self) {
        if !self.finished {
            self.out.truncate(self.start);
        }
    }
}

/// Writes a message from what a person wrote: paths and texts, see [`Tree`]. As many bitmaps as its elements
/// need.
///
/// # Errors
/// [`EncodeError`]; `out` is then as it was.
pub fn encode_tree(
    spec: &Spec,
    mti: [u8; 4],
    tree: &Tree,
    out: &mut Vec<u8>,
) -> Result<(), Box<EncodeError>> {
    let mut elements = Vec::with_capacity(tree.nodes.len());
    for (name, node) in &tree.nodes {
        match name.parse::<usize>() {
            Ok(de) if de <= FIELDS_MAX => elements.push((de, node)),
            _ => return Err(EncodeError::new(Expected::Defined, Found::Undefined).of(Head::Field(0))),
        }
    }
    elements.sort_by_key(|(de, _)| *de);
    let bitmaps = elements.last().map_or(1, |(de, _)| de.div_ceil(64).max(1));
    let mut writer = Writer::new(spec, mti, bitmaps, out);
    for (de, node) in elements {
        match node {
            Node::Value(text) => writer.put_text(de, &bytes_of_text(text))?,
            Node::Parts(parts) => writer.put_parts(de, |to| put_tree(to, parts))?,
        }
    }
    writer.finish()
}

fn put_tree(to: &mut PartsWriter<'_>, tree: &Tree) -> Result<(), Box<EncodeError>> {
    let mut nodes: Vec<&(String, Node)> = tree.nodes.iter().collect();
    // Numbered parts go in the order of their numbers, tags in the order they were given.
    if nodes.iter().all(|(name, _)| matches!(to.step_named(name), Some(crate::Step::Part(_)))) {
        nodes.sort_by_key(|(name, _)| name.parse::<u16>().unwrap_or(u16::MAX));
    }
    for (name, node) in nodes {
        let Some(step) = to.step_named(name) else {
            return Err(
                EncodeError::new(Expected::KnownTag, Found::Undefined).within(crate::Step::label(name))
            );
        };
        match node {
            Node::Value(text) => to.put_text(step, &bytes_of_text(text))?,
            Node::Parts(parts) => to.put_parts(step, |within| put_tree(within, parts))?,
        }
    }
    Ok(())
}

#[inline]
fn put_number(shape: &Shape, mut number: u64, out: &mut Vec<u8>) -> Result<usize, Box<EncodeError>> {
    let (Length::Fixed(shortest) | Length::Var { min: shortest, .. }) = shape.length;
    let mut digits = [b'0'; 40];
    let mut first = digits.len();
    while number != 0 {
        first -= 1;
        digits[first] = b'0' + (number % 10) as u8;
        number /= 10;
    }
    let needed = digits.len() - first;
    let width = needed.max(usize::from(shortest));
    if width > digits.len() || shape.coding.is_bytes() {
        return Err(EncodeError::new(Expected::Value, Found::Other));
    }
    if matches!(shape.length, Length::Fixed(_)) && needed > usize::from(shortest) {
        return Err(EncodeError::new(Expected::Number, Found::Length(needed)));
    }
    compose::put_text(shape, &digits[digits.len() - width..], out)
}

fn check_head(spec: &Spec, mti: [u8; 4], bitmaps: usize) -> Result<(), Box<EncodeError>> {
    if let Some(&wrong) = mti.iter().find(|digit| !digit.is_ascii_digit()) {
        let expected = Expected::Characters { count: 4, alphabet: Alphabet::N };
        return Err(EncodeError::new(expected, Found::Byte(wrong)).of(Head::Mti));
    }
    if mti[0] != b'0'.wrapping_add(spec.version) {
        return Err(
            EncodeError::new(Expected::Version(spec.version), Found::Nibble(mti[0] & 15)).of(Head::Mti)
        );
    }
    if !(1..=bitmaps_max(spec)).contains(&bitmaps) {
        let expected = Expected::AtMost((bitmaps_max(spec) * 64) as u8);
        return Err(EncodeError::new(expected, Found::More).of(Head::Bitmap));
    }
    Ok(())
}

#[inline]
fn write_mti(coding: Coding, mti: [u8; 4], out: &mut Vec<u8>) {
    match coding {
        Coding::Bcd { .. } | Coding::Binary => {
            let digits = mti.map(|digit| digit & 15);
            out.extend_from_slice(&[digits[0] << 4 | digits[1], digits[2] << 4 | digits[3]]);
        }
        Coding::Ebcdic037 | Coding::Ebcdic500 => {
            out.extend_from_slice(&mti.map(|digit| ebcdic::from_latin(ebcdic::Page::Cp037, digit)));
        }
        Coding::Ascii | Coding::HexAscii | Coding::HexEbcdic => out.extend_from_slice(&mti),
    }
}

#[inline]
fn write_bitmap(coding: Coding, word: u64, place: &mut [u8]) {
    match coding.hex() {
        None => place.copy_from_slice(&word.to_be_bytes()),
        Some(charset) => place.copy_from_slice(&hex::word(charset, word)),
    }
}
