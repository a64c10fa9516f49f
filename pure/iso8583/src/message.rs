use crate::{
    spec::{Shape, Spec},
    value::Value,
};
use alloc::vec::Vec;
use core::fmt;
use terms::limits::FIELDS_MAX;

/// Elements whose places are kept without an allocation. Real messages have 15 to 40.
const INLINE: usize = 64;

/// Where one element's value lies: its first byte and its length in characters. What that is in bytes
/// follows from its shape.
#[derive(Clone, Copy, Default)]
pub(crate) struct Span {
    pub(crate) offset: u16,
    pub(crate) characters: u16,
}

/// One message, read but not copied: it knows where its elements lie in the body.
///
/// Cost: no allocation up to 64 elements, one beyond. `Debug` shows which elements there are and nothing of
/// what is in them.
#[derive(Clone)]
pub struct Message<'a> {
    spec: &'a Spec,
    body: &'a [u8],
    mti: [u8; 4],
    /// Bit 63 of word 0 is element 1. Only elements that were read have their bit here; the bits that
    /// announce further bitmaps never do.
    present: [u64; 3],
    count: u16,
    spans: [Span; INLINE],
    more: Vec<Span>,
}

impl<'a> Message<'a> {
    #[inline]
    pub(crate) fn empty(spec: &'a Spec, body: &'a [u8]) -> Self {
        let spans = [Span::default(); INLINE];
        Self { spec, body, mti: *b"0000", present: [0; 3], count: 0, spans, more: Vec::new() }
    }

    #[inline]
    pub(crate) fn set_mti(&mut self, mti: [u8; 4]) {
        self.mti = mti;
    }

    /// Notes one more element; they come in ascending order.
    #[inline]
    pub(crate) fn push(&mut self, de: usize, span: Span) {
        self.present[(de - 1) / 64] |= bit(de);
        match self.spans.get_mut(usize::from(self.count)) {
            Some(place) => *place = span,
            None => self.more.push(span),
        }
        self.count += 1;
    }

    /// The message type, four ASCII digits. `0000` in a partial message that broke off before it.
    #[inline]
    pub fn mti(&self) -> [u8; 4] {
        self.mti
    }

    /// The format it was read under.
    pub fn spec(&self) -> &'a Spec {
        self.spec
    }

    /// The bytes it was read from.
    pub fn body(&self) -> &'a [u8] {
        self.body
    }

    /// How many elements it has.
    pub fn len(&self) -> usize {
        usize::from(self.count)
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Which elements it has: element 1 is the top bit of the first word, and never set, as is 65 where it
    /// announces a third bitmap.
    #[inline]
    pub fn present(&self) -> [u64; 3] {
        self.present
    }

    /// Whether it has this element.
    #[inline]
    pub fn has(&self, de: usize) -> bool {
        (1..=FIELDS_MAX).contains(&de) && self.present[(de - 1) / 64] & bit(de) != 0
    }

    /// This element, when the message has it.
    #[inline]
    pub fn get(&self, de: usize) -> Option<Value<'a>> {
        if !self.has(de) {
            return None;
        }
        let word = (de - 1) / 64;
        let before = self.present[..word].iter().map(|bits| bits.count_ones()).sum::<u32>();
        // The bits above this one, in its own word, are those of smaller numbers.
        let above = self.present[word] & !(u64::MAX >> ((de - 1) % 64));
        self.value(de, (before + above.count_ones()) as usize)
    }

    /// Its elements in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = (usize, Value<'a>)> {
        let mut left = self.present;
        let numbers = core::iter::from_fn(move || {
            let word = left.iter().position(|&bits| bits != 0)?;
            let place = left[word].leading_zeros() as usize;
            left[word] &= !(1 << (63 - place));
            Some(word * 64 + place + 1)
        });
        numbers.enumerate().filter_map(|(rank, de)| Some((de, self.value(de, rank)?)))
    }

    #[inline]
    fn value(&self, de: usize, rank: usize) -> Option<Value<'a>> {
        let span = match self.spans.get(rank) {
            Some(span) => *span,
            None => *self.more.get(rank - INLINE)?,
        };
        let shape = self.shape(de)?;
        Value::at(shape, self.body, usize::from(span.offset), usize::from(span.characters))
    }

    #[inline]
    fn shape(&self, de: usize) -> Option<&'a Shape> {
        self.spec.fields.get(de)?.as_ref()
    }
}

impl fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mti = core::str::from_utf8(&self.mti).unwrap_or("?");
        f.debug_struct("Message").field("mti", &mti).field("elements", &Numbers(self)).finish()
    }
}

struct Numbers<'m, 'a>(&'m Message<'a>);

impl fmt::Debug for Numbers<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(de, _)| de)).finish()
    }
}

#[inline]
fn bit(de: usize) -> u64 {
    1 << (63 - (de - 1) % 64)
}
