use crate::{
    ber, contents, emv,
    error::Step,
    inside::{Form, Piece, Walk},
    spec::{Alphabet, Coding, Inside, Secret, Shape},
};
use alloc::vec::Vec;
use core::fmt;
use terms::Text;

/// The value of one element or part, where it lies in the body.
#[derive(Clone, Copy)]
pub struct Value<'a> {
    form: Form<'a>,
    body: &'a [u8],
    start: usize,
    stop: usize,
    characters: usize,
    depth: usize,
}

/// One part of a composite.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// Which.
    pub step: Step,
    /// What is in it.
    pub value: Value<'a>,
}

impl<'a> Value<'a> {
    /// The value of `shape` that begins at `start`; `None` where the body does not reach so far.
    #[inline]
    pub(crate) fn at(shape: &'a Shape, body: &'a [u8], start: usize, characters: usize) -> Option<Self> {
        let stop = start + shape.coding.wire_bytes(shape.alphabet, characters);
        (stop <= body.len()).then_some(Self {
            form: Form::Shaped(shape),
            body,
            start,
            stop,
            characters,
            depth: 0,
        })
    }

    /// Its shape. `None` for a BER-TLV object, whose bytes have no shape of their own.
    pub fn shape(&self) -> Option<&'a Shape> {
        match self.form {
            Form::Shaped(shape) => Some(shape),
            Form::Ber { .. } => None,
        }
    }

    /// What people call it; empty where nobody gave it a name.
    pub fn name(&self) -> &'a str {
        match self.form {
            Form::Shaped(shape) => &shape.name,
            Form::Ber { tag, .. } => emv::name(tag),
        }
    }

    /// What people may see of it.
    pub fn secret(&self) -> Secret {
        match self.form {
            Form::Shaped(shape) => shape.secret,
            Form::Ber { tag, secrets, .. } => {
                let stated = secrets.iter().find(|(of, _)| *of == tag).map(|(_, secret)| *secret);
                stated.unwrap_or(emv::secret(tag))
            }
        }
    }

    /// How it is coded.
    #[inline]
    pub fn coding(&self) -> Coding {
        match self.form {
            Form::Shaped(shape) => shape.coding,
            Form::Ber { coding, .. } => coding,
        }
    }

    /// Which characters are legal in it.
    #[inline]
    pub fn alphabet(&self) -> Alphabet {
        match self.form {
            Form::Shaped(shape) => shape.alphabet,
            Form::Ber { .. } => Alphabet::B,
        }
    }

    /// Its first byte in the body. For a variable element that is the one after its length.
    pub fn offset(&self) -> usize {
        self.start
    }

    /// Its bytes on the wire, without its length.
    #[inline]
    pub fn wire(&self) -> &'a [u8] {
        &self.body[self.start..self.stop]
    }

    /// Its length in characters: digits of numbers, bytes of binary values.
    #[inline]
    pub fn length(&self) -> usize {
        self.characters
    }

    /// Whether it is bytes and not text; its text is then hex.
    pub fn is_bytes(&self) -> bool {
        self.coding().is_bytes()
    }

    /// Appends its text: ASCII whatever the coding, bytes as upper-case hex.
    #[inline]
    pub fn text_into(&self, out: &mut Vec<u8>) {
        contents::text_into(self.coding(), self.alphabet(), self.wire(), self.characters, out);
    }

    /// Appends its bytes: a binary value as it is, whatever the coding; anything else as its text.
    #[inline]
    pub fn bytes_into(&self, out: &mut Vec<u8>) {
        contents::bytes_into(self.coding(), self.alphabet(), self.wire(), self.characters, out);
    }

    /// Its text kept in place; `None` when it is longer than `N`.
    #[inline]
    pub fn text<const N: usize>(&self) -> Option<Text<N>> {
        if self.coding() == Coding::Ascii {
            return Text::new(self.wire());
        }
        let (mut text, mut length) = ([0; N], 0);
        contents::each_character(self.coding(), self.alphabet(), self.wire(), self.characters, |character| {
            if let Some(place) = text.get_mut(length) {
                *place = character;
            }
            length += 1;
        });
        Text::new(text.get(..length)?)
    }

    /// Its number, where it is nothing but digits that fit 64 bits; fillers are not digits.
    #[inline]
    pub fn number(&self) -> Option<u64> {
        let wire = self.wire();
        if wire.is_empty() || self.is_bytes() {
            return None;
        }
        match self.coding() {
            Coding::Ascii => number_of(wire.iter().map(|byte| byte.wrapping_sub(b'0'))),
            Coding::Bcd { .. } => {
                let digits = wire::bcd::characters(wire, self.characters, self.coding().filler());
                number_of(digits.map(|digit| digit.wrapping_sub(b'0')))
            }
            _ => number_of(wire.iter().map(|byte| byte.wrapping_sub(0xF0))),
        }
    }

    /// Whether it is made of parts.
    pub fn is_composite(&self) -> bool {
        match self.form {
            Form::Shaped(shape) => !matches!(shape.inside, Inside::Plain),
            Form::Ber { tag, .. } => ber::is_constructed(tag),
        }
    }

    /// Its parts in order, found as they are asked for; none where it has none.
    pub fn parts(&self) -> Parts<'a> {
        let walk = match self.form {
            Form::Shaped(shape) => Walk::new(shape, self.body, self.start, self.stop, self.depth),
            Form::Ber { tag, coding, secrets } if ber::is_constructed(tag) => {
                Walk::within_ber(coding, secrets, self.body, self.start, self.stop, self.depth)
            }
            Form::Ber { .. } => Walk::nothing(),
        };
        Parts { walk, body: self.body, depth: self.depth + 1 }
    }

    /// The first BER-TLV object of that tag among its parts.
    pub fn tag(&self, tag: u32) -> Option<Value<'a>> {
        self.find(|step| step == Step::Tag(tag))
    }

    /// Its part of that number, from 1.
    pub fn part(&self, number: u16) -> Option<Value<'a>> {
        self.find(|step| step == Step::Part(number))
    }

    /// The first part with that tag, as the spec writes it, in a tag-length composite.
    pub fn labelled(&self, label: &str) -> Option<Value<'a>> {
        self.find(|step| step == Step::label(label))
    }

    fn find(&self, wanted: impl Fn(Step) -> bool) -> Option<Value<'a>> {
        self.parts().find(|part| wanted(part.step)).map(|part| part.value)
    }
}

/// The number that decimal digits (0..=9 each) mean.
#[inline]
fn number_of(digits: impl ExactSizeIterator<Item = u8>) -> Option<u64> {
    if digits.len() > 19 {
        return long_number_of(digits);
    }
    // Nineteen digits always fit, whatever they are; what is none of them is found at the end.
    let (mut number, mut widest) = (0_u64, 0);
    for digit in digits {
        number = number.wrapping_mul(10).wrapping_add(u64::from(digit));
        widest = widest.max(digit);
    }
    (widest <= 9).then_some(number)
}

#[cold]
fn long_number_of(digits: impl Iterator<Item = u8>) -> Option<u64> {
    let next = |number: u64, digit| number.checked_mul(10)?.checked_add(u64::from(digit));
    let mut digits = digits.map(|digit| (digit <= 9).then_some(digit));
    digits.try_fold(0, |number, digit| next(number, digit?))
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} characters at byte {})", self.name(), self.characters, self.start)
    }
}

/// The parts of a composite: see [`Value::parts`].
#[derive(Clone)]
pub struct Parts<'a> {
    walk: Walk<'a>,
    body: &'a [u8],
    depth: usize,
}

impl<'a> Iterator for Parts<'a> {
    type Item = Part<'a>;

    fn next(&mut self) -> Option<Part<'a>> {
        // What is walked was checked when the message was read, so there is nothing here to refuse.
        let Piece { step, form, start, stop, characters } = self.walk.next().ok().flatten()?;
        let value = Value { form, body: self.body, start, stop, characters, depth: self.depth };
        Some(Part { step, value })
    }
}

impl fmt::Debug for Parts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "parts from byte {}", self.walk.start())
    }
}
