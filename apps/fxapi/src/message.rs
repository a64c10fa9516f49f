//! A message in a buffer of the caller's: fields by their number, each a run of bytes.
//!
//! ```text
//!   "FXM1" │ bytes used, 4, little-endian │ field: number 1, length 2, bytes │ field │ ... │ nothing
//! ```
//! What lies in such a buffer came from outside: nothing in it is believed before it was looked at.

use crate::rc::Rc;
use zeroize::Zeroize;

/// Bytes of a message; the header says the same.
pub(crate) const SIZE: usize = 8_192;
/// Longest field: three digits of length.
pub(crate) const FIELD_MAX: usize = 999;
/// Highest number of a field.
const NUMBER_MAX: u32 = 128;
/// Highest number of what this library writes down for itself.
const OWN_MAX: u32 = 140;

const MAGIC: &[u8; 4] = b"FXM1";
const HEAD: usize = 8;
const FIELD_HEAD: usize = 3;

/// A message as it lies with its owner.
#[derive(Debug)]
pub(crate) struct Message<'a>(&'a mut [u8; SIZE]);

impl<'a> Message<'a> {
    /// An empty one; what lay there is wiped.
    pub(crate) fn fresh(room: &'a mut [u8; SIZE]) -> Self {
        room.zeroize();
        room[..4].copy_from_slice(MAGIC);
        let mut message = Self(room);
        message.set_used(HEAD);
        message
    }

    /// The one that lies there. Errors: [`Rc::INVALID_MSG`] where none does.
    pub(crate) fn of(room: &'a mut [u8; SIZE]) -> Result<Self, Rc> {
        let message = Self(room);
        message.check().map(|()| message)
    }

    /// Sets a field; an empty one takes it away. Errors: [`Rc::INVALID_PARAM`] for a number no field has and for
    /// more bytes than a field holds, [`Rc::ERR_BUILDMSG`] where the message is full.
    pub(crate) fn set(&mut self, number: u32, bytes: &[u8]) -> Result<(), Rc> {
        self.put(tag(number)?, bytes)
    }

    /// Sets what is this library's own.
    pub(crate) fn set_own(&mut self, number: u32, bytes: &[u8]) -> Result<(), Rc> {
        self.put(number as u8, bytes)
    }

    /// What was set so.
    pub(crate) fn own(&self, number: u32) -> Option<&[u8]> {
        let place = self.place(number as u8)?;
        Some(&self.0[place.start + FIELD_HEAD..place.end])
    }

    fn put(&mut self, tag: u8, bytes: &[u8]) -> Result<(), Rc> {
        if bytes.len() > FIELD_MAX {
            return Err(Rc::INVALID_PARAM);
        }
        let old = self.place(tag);
        let freed = old.as_ref().map_or(0, |old| old.end - old.start);
        let wanted = if bytes.is_empty() { 0 } else { FIELD_HEAD + bytes.len() };
        if self.used() - freed + wanted > SIZE {
            return Err(Rc::ERR_BUILDMSG);
        }
        if let Some(old) = old {
            let used = self.used();
            self.0.copy_within(old.end..used, old.start);
            let now = used - (old.end - old.start);
            self.0[now..used].zeroize();
            self.set_used(now);
        }
        if !bytes.is_empty() {
            let at = self.used();
            self.0[at] = tag;
            self.0[at + 1..at + FIELD_HEAD].copy_from_slice(&(bytes.len() as u16).to_le_bytes());
            self.0[at + FIELD_HEAD..at + FIELD_HEAD + bytes.len()].copy_from_slice(bytes);
            self.set_used(at + FIELD_HEAD + bytes.len());
        }
        Ok(())
    }

    /// A field; `None` where it is not set.
    pub(crate) fn get(&self, number: u32) -> Option<&[u8]> {
        let place = self.place(tag(number).ok()?)?;
        Some(&self.0[place.start + FIELD_HEAD..place.end])
    }

    /// A field that is text.
    pub(crate) fn text(&self, number: u32) -> Option<&str> {
        std::str::from_utf8(self.get(number)?).ok()
    }

    /// Every field that is set, by number.
    pub(crate) fn fields(&self) -> Vec<(u32, &[u8])> {
        let fields = self.places().filter(|(tag, _)| u32::from(*tag) <= NUMBER_MAX);
        let mut fields: Vec<_> = fields
            .map(|(tag, place)| (u32::from(tag), &self.0[place.start + FIELD_HEAD..place.end]))
            .collect();
        fields.sort_by_key(|(number, _)| *number);
        fields
    }

    fn used(&self) -> usize {
        let mut bytes = [0; 4];
        bytes.copy_from_slice(&self.0[4..8]);
        u32::from_le_bytes(bytes) as usize
    }

    fn set_used(&mut self, used: usize) {
        self.0[4..8].copy_from_slice(&(used as u32).to_le_bytes());
    }

    fn check(&self) -> Result<(), Rc> {
        let used = self.used();
        if &self.0[..4] != MAGIC || !(HEAD..=SIZE).contains(&used) {
            return Err(Rc::INVALID_MSG);
        }
        let ends_well = self.places().last().map_or(HEAD, |(_, place)| place.end) == used;
        let tags_are_numbers = self.places().all(|(tag, _)| u32::from(tag) <= OWN_MAX && tag > 0);
        if ends_well && tags_are_numbers { Ok(()) } else { Err(Rc::INVALID_MSG) }
    }

    fn place(&self, wanted: u8) -> Option<std::ops::Range<usize>> {
        self.places().find(|(tag, _)| *tag == wanted).map(|(_, place)| place)
    }

    /// Every field and where it lies; ends before the first that is not whole.
    fn places(&self) -> impl Iterator<Item = (u8, std::ops::Range<usize>)> {
        let used = self.used().min(SIZE);
        let mut at = HEAD;
        std::iter::from_fn(move || {
            let head = self.0.get(at..(at + FIELD_HEAD).min(used)).filter(|head| head.len() == FIELD_HEAD)?;
            let end = at + FIELD_HEAD + usize::from(u16::from_le_bytes([head[1], head[2]]));
            let place = at..end;
            at = end;
            (end <= used).then_some((head[0], place))
        })
    }
}

fn tag(number: u32) -> Result<u8, Rc> {
    match number {
        1..=NUMBER_MAX => Ok(number as u8),
        _ => Err(Rc::INVALID_PARAM),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_what_was_set_last_and_an_empty_one_is_none() {
        let mut room = [0xAA; SIZE];
        let mut message = Message::fresh(&mut room);
        message.set(4, b"000000010000").expect("room");
        message.set(2, b"4999").expect("room");
        message.set(4, b"1").expect("room");
        assert_eq!(message.get(4), Some(&b"1"[..]));
        assert_eq!(message.fields(), [(2, &b"4999"[..]), (4, &b"1"[..])]);
        message.set(4, b"").expect("less room");
        assert_eq!((message.get(4), message.text(2)), (None, Some("4999")));
        let again = Message::of(&mut room).expect("a message");
        assert_eq!(again.text(2), Some("4999"));
    }

    #[test]
    fn what_was_taken_away_is_nowhere_in_the_buffer() {
        let mut room = [0; SIZE];
        let mut message = Message::fresh(&mut room);
        message.set(2, b"4999123412341234").expect("room");
        message.set(11, b"1").expect("room");
        message.set(2, b"").expect("less");
        assert!(!room.windows(4).any(|bytes| bytes == b"4999" || bytes == b"1234"));
    }

    #[test]
    fn numbers_no_field_has_and_bytes_no_field_holds_are_refused() {
        let mut room = [0; SIZE];
        let mut message = Message::fresh(&mut room);
        for number in [0, 129, u32::MAX] {
            assert_eq!(message.set(number, b"1"), Err(Rc::INVALID_PARAM));
            assert_eq!(message.get(number), None);
        }
        assert_eq!(message.set(48, &[b'x'; FIELD_MAX + 1]), Err(Rc::INVALID_PARAM));
        let full = (1..=128).map(|number| message.set(number, &[b'x'; FIELD_MAX])).find(Result::is_err);
        assert_eq!(full, Some(Err(Rc::ERR_BUILDMSG)));
        assert!(Message::of(&mut room).is_ok());
    }

    #[test]
    fn a_buffer_nobody_built_a_message_in_is_refused_whatever_lies_there() {
        assert_eq!(Message::of(&mut [0; SIZE]).map(drop), Err(Rc::INVALID_MSG));
        let mut room = [0; SIZE];
        Message::fresh(&mut room).set(2, b"4999").expect("room");
        for at in 0..20 {
            for value in 0..=255 {
                let mut bent = room;
                bent[at] = value;
                // Read through whatever it is: nothing may be out of bounds.
                if let Ok(message) = Message::of(&mut bent) {
                    assert!(message.fields().iter().all(|(number, _)| (1..=128).contains(number)));
                }
            }
        }
    }
}
