//! What the code of one message covers, found in the bytes of that message: the same way for what came and for what
//! is about to leave.

use super::{MacInput, MacJoin, MacRule, MacWritten};
use crate::dialect::Dialect;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;
use iso8583::spec::{Coding, Length};
use iso8583::{Message, Value, decode};
use terms::{MessageType, Sealed};

/// What the authentication code of a message covers, and the code itself where it has one.
#[derive(Clone)]
pub struct Covered {
    /// What is covered, joined.
    pub data: Sealed,
    /// The code: as many bytes as are compared. `None` where the element is not there, or holds no hex characters.
    pub code: Option<Vec<u8>>,
    /// The element it stands in.
    pub de: u8,
    place: Range<usize>,
    /// Its length there, as the element counts.
    characters: usize,
}

/// Why there is nothing to authenticate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoCode {
    /// The dialect has no rule for one.
    #[error("the dialect has no authentication code")]
    NoRule,
    /// The bytes are no message of this dialect.
    #[error("the bytes are no message of this dialect")]
    NoMessage,
    /// The message has no room for it.
    #[error("DE {de} has no room for the authentication code")]
    NoRoom {
        /// The element it should stand in.
        de: u8,
    },
}

impl Dialect {
    /// Whether messages of this type carry an authentication code, with those who agreed on one.
    pub fn authenticates(&self, message: MessageType) -> bool {
        self.mac().is_some_and(|rule| rule.classes.contains(&message.class))
    }

    /// Types that are to carry a code, by their four digits, and in which its element is not allowed or not defined:
    /// nobody can speak with a partner so described.
    pub fn without_room_for_code(&self) -> impl Iterator<Item = [u8; 4]> {
        self.messages.iter().filter_map(|message| {
            let kind = MessageType::from_digits(message.digits)?;
            let rule = self.mac().filter(|rule| rule.classes.contains(&kind.class))?;
            let de = rule.position_in(kind);
            let stands = self.spec().fields.get(usize::from(de)).is_some_and(Option::is_some);
            (!stands || !message.allowed.contains(de)).then(|| self.mti(message.digits))
        })
    }

    /// What the code of this message covers.
    ///
    /// - Errors: [`NoCode`]. Cost: one reading of the message, two allocations.
    pub fn covered(&self, body: &[u8]) -> Result<Covered, NoCode> {
        let rule = self.mac().ok_or(NoCode::NoRule)?;
        let message = decode(self.spec(), body).map_err(|_| NoCode::NoMessage)?;
        let digits = message.mti().map(|digit| digit.wrapping_sub(b'0'));
        let kind = MessageType::from_digits([digits[1], digits[2], digits[3]]).ok_or(NoCode::NoMessage)?;
        let de = rule.position_in(kind);
        let found = message.get(usize::from(de));
        let place =
            found.map_or(body.len()..body.len(), |value| value.offset()..value.offset() + value.wire().len());
        let mut data = Vec::with_capacity(body.len());
        rule.join(&message, (&body[..place.start], &body[place.end..]), &mut data);
        let code = found.and_then(|value| rule.code_in(&value));
        let characters = found.map_or(0, |value| value.length());
        Ok(Covered { data: Sealed::new(data), code, de, place, characters })
    }

    /// Puts a code into the message it was made for, where [`Dialect::covered`] found its room.
    ///
    /// - Errors: [`NoCode::NoRoom`] where the message was written without it; nothing is changed then.
    pub fn put_code(&self, covered: &Covered, mac: &[u8], body: &mut [u8]) -> Result<(), NoCode> {
        let no_room = NoCode::NoRoom { de: covered.de };
        let rule = self.mac().ok_or(NoCode::NoRule)?;
        let shape =
            self.spec().fields.get(usize::from(covered.de)).and_then(Option::as_ref).ok_or(no_room)?;
        let place = body.get_mut(covered.place.clone()).filter(|place| !place.is_empty()).ok_or(no_room)?;
        let is_bytes = value_is_bytes(shape.coding);
        let (mut contents, filler) = match (rule.written, is_bytes) {
            (MacWritten::Bytes, true) => (rule.travelling(mac).to_vec(), 0),
            (MacWritten::Bytes | MacWritten::Characters, _) => (rule.characters_of(mac), b'0'),
        };
        contents.resize(covered.characters, filler);
        let mut written = Vec::with_capacity(place.len());
        iso8583::write_contents(shape, &contents, &mut written).map_err(|_| no_room)?;
        if written.len() != place.len() {
            return Err(no_room);
        }
        place.copy_from_slice(&written);
        Ok(())
    }
}

impl MacRule {
    fn join(&self, message: &Message<'_>, (before, after): (&[u8], &[u8]), data: &mut Vec<u8>) {
        let elements = match &self.input {
            MacInput::WholeBody => {
                data.extend_from_slice(before);
                return data.extend_from_slice(after);
            }
            MacInput::Elements(elements) => elements,
        };
        for &de in elements {
            let from = data.len();
            if self.join == MacJoin::Spaces && from > 0 {
                data.push(b' ');
            }
            match (de, message.get(usize::from(de))) {
                (0, _) => data.extend(message.mti()),
                (_, Some(value)) => {
                    if self.join == MacJoin::Spaces {
                        prefix(&value, data);
                    }
                    self.append(de, &value, data);
                }
                (_, None) => data.truncate(from),
            }
        }
    }

    fn append(&self, de: u8, value: &Value<'_>, data: &mut Vec<u8>) {
        let from = data.len();
        value.text_into(data);
        if let Some(&(_, characters)) = self.clipped.iter().find(|(one, _)| *one == de) {
            data.truncate(from + usize::from(characters).min(data.len() - from));
        }
    }

    /// The bytes of the code that are compared.
    fn code_in(&self, value: &Value<'_>) -> Option<Vec<u8>> {
        let mut characters = Vec::with_capacity(32);
        match self.written {
            MacWritten::Characters if value.is_bytes() => value.bytes_into(&mut characters),
            MacWritten::Characters | MacWritten::Bytes => value.text_into(&mut characters),
        }
        let compared = characters.get(..usize::from(self.compared_characters))?;
        let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
        compared.chunks_exact(2).map(|two| Some(digit(two[0])? << 4 | digit(two[1])?)).collect()
    }

    /// The bytes of a code that travel.
    fn travelling<'m>(&self, mac: &'m [u8]) -> &'m [u8] {
        &mac[..usize::from(self.compared_characters / 2).min(mac.len())]
    }

    /// The same as hex characters.
    fn characters_of(&self, mac: &[u8]) -> Vec<u8> {
        self.travelling(mac).iter().flat_map(|byte| [hex_digit(byte >> 4), hex_digit(byte & 0xF)]).collect()
    }
}

/// The length in front of a variable element, as digits.
fn prefix(value: &Value<'_>, data: &mut Vec<u8>) {
    let Some(Length::Var { digits, .. }) = value.shape().map(|shape| shape.length) else { return };
    let digits = if digits >= 3 { 3 } else { 2 };
    let mut rest = value.length();
    let from = data.len();
    for _ in 0..digits {
        data.insert(from, b'0' + (rest % 10) as u8);
        rest /= 10;
    }
}

const fn value_is_bytes(coding: Coding) -> bool {
    matches!(coding, Coding::Binary | Coding::HexAscii | Coding::HexEbcdic)
}

const fn hex_digit(nibble: u8) -> u8 {
    b"0123456789ABCDEF"[(nibble & 0xF) as usize]
}

impl fmt::Debug for Covered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Covered").field("de", &self.de).field("has_code", &self.code.is_some()).finish()
    }
}
