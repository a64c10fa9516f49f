//! What security related control information (DE 53) says of a key that travels alone: which it is, and how long.

use super::{KeyWhat, unhexed};
use crate::document::{Entry, Section};
use crate::finding::Findings;
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// The digits of that element: first which key, then how long it is, then zeros.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyInfo {
    /// A key for PINs.
    pub pin: String,
    /// A key for authentication codes.
    pub mac: String,
    /// Of eight bytes; empty where lengths are not said.
    pub single: String,
    /// Of sixteen.
    pub double: String,
    /// Of twenty-four.
    pub triple: String,
}

/// Digits of the element.
const DIGITS: usize = 16;

impl KeyInfo {
    pub(super) fn read(entries: &[Entry], before: Option<Self>, findings: &mut Findings) -> Option<Self> {
        let mut section = Section::new("[key_exchange] info", entries);
        let mut info = before.unwrap_or_default();
        let places: [(&'static str, &mut String); 5] = [
            ("pin", &mut info.pin),
            ("mac", &mut info.mac),
            ("single", &mut info.single),
            ("double", &mut info.double),
            ("triple", &mut info.triple),
        ];
        for (name, place) in places {
            if let Some((line, digits)) = section.text(name, findings) {
                match (1..=4).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit()) {
                    true => *place = digits.to_owned(),
                    false => findings.error(line, format!("`{name}` is 1 to 4 digits")),
                }
            }
        }
        section.finish(findings);
        let lengths = [&info.single, &info.double, &info.triple];
        let is_clear = |words: &[&String]| {
            let said: Vec<_> = words.iter().filter(|word| !word.is_empty()).collect();
            // One word may not be the beginning of another: nobody could tell the two apart.
            said.iter().enumerate().all(|(at, one)| {
                said.iter()
                    .skip(at + 1)
                    .all(|two| !one.starts_with(two.as_str()) && !two.starts_with(one.as_str()))
            })
        };
        if info.pin.is_empty() || info.mac.is_empty() {
            findings.error(
                None,
                "[key_exchange] info needs `pin` and `mac`: the digits that say which key it is",
            );
            return None;
        }
        if !is_clear(&[&info.pin, &info.mac]) || !is_clear(&lengths) {
            findings.error(None, "[key_exchange] info has two words that begin alike");
            return None;
        }
        Some(info)
    }

    /// Its bytes for a key of so many hex characters; `None` where there is no word for one so long.
    pub(super) fn written(&self, what: KeyWhat, characters: usize) -> Option<Vec<u8>> {
        let which = match what {
            KeyWhat::Pin => &self.pin,
            KeyWhat::Mac => &self.mac,
            _ => return None,
        };
        let length = self.lengths().into_iter().find(|(_, of)| *of == characters)?.0;
        if length.is_empty() && self.says_lengths() {
            return None;
        }
        unhexed(&format!("{:0<DIGITS$}", format!("{which}{length}")))
    }

    /// Which key, and its hex characters where they are said; `None` where these are no words of this partner.
    pub(super) fn understood(&self, contents: &[u8]) -> Option<(KeyWhat, Option<usize>)> {
        let digits: String = contents.iter().map(|byte| format!("{byte:02X}")).collect();
        let both = [(&self.pin, KeyWhat::Pin), (&self.mac, KeyWhat::Mac)];
        let (rest, what) =
            both.into_iter().find_map(|(word, what)| Some((digits.strip_prefix(word.as_str())?, what)))?;
        let (rest, characters) = if self.says_lengths() {
            let of = |(word, characters): (&str, usize)| {
                let rest = rest.strip_prefix(word).filter(|_| !word.is_empty())?;
                Some((rest, Some(characters)))
            };
            self.lengths().into_iter().find_map(of)?
        } else {
            (rest, None)
        };
        rest.bytes().all(|digit| digit == b'0').then_some((what, characters))
    }

    fn says_lengths(&self) -> bool {
        self.lengths().iter().any(|(word, _)| !word.is_empty())
    }

    fn lengths(&self) -> [(&str, usize); 3] {
        [(&self.single, 16), (&self.double, 32), (&self.triple, 48)]
    }
}

/// All of that element in a message with a PIN, as the noun travels: packed digits. What they mean (format, cipher,
/// tracks) is the partner's to say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PinInfo {
    /// Of a block that binds the card number (ISO 9564 formats 0, 3 and 4).
    pub with_pan: Vec<u8>,
    /// Of one that does not (format 1).
    pub without_pan: Vec<u8>,
}

impl PinInfo {
    pub(crate) fn read(entries: &[Entry], before: Option<Self>, findings: &mut Findings) -> Option<Self> {
        let mut section = Section::new("[pin_info]", entries);
        let mut info = before.unwrap_or_default();
        for (name, place) in [("with_pan", &mut info.with_pan), ("without_pan", &mut info.without_pan)] {
            let Some((line, digits)) = section.text(name, findings) else { continue };
            match unhexed(digits).filter(|bytes| {
                bytes.len() * 2 == DIGITS && digits.bytes().all(|digit| digit.is_ascii_digit())
            }) {
                Some(bytes) => *place = bytes,
                None => findings.error(line, format!("`{name}` is {DIGITS} digits")),
            }
        }
        section.finish(findings);
        Some(info)
    }

    /// What the element says of a block; `None` where this partner has no word for it.
    pub fn of(&self, binds_card: bool) -> Option<&[u8]> {
        let said = if binds_card { &self.with_pan } else { &self.without_pan };
        (!said.is_empty()).then_some(said.as_slice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info() -> KeyInfo {
        KeyInfo {
            pin: "1".into(),
            mac: "2".into(),
            single: "0".into(),
            double: "6".into(),
            triple: String::new(),
        }
    }

    #[test]
    fn which_key_it_is_and_how_long_is_written_and_read_back() {
        for (what, characters, digits) in
            [(KeyWhat::Pin, 16, "1000000000000000"), (KeyWhat::Mac, 32, "2600000000000000")]
        {
            let written = info().written(what, characters).expect("there is a word for it");
            assert_eq!(Some(&written), unhexed(digits).as_ref());
            assert_eq!(info().understood(&written), Some((what, Some(characters))));
        }
        assert_eq!(info().written(KeyWhat::Mac, 48), None, "no word for so long a key");
        assert_eq!(info().written(KeyWhat::Master, 32), None);
    }

    #[test]
    fn what_nobody_agreed_on_is_not_understood() {
        for digits in ["3600000000000000", "1700000000000000", "1600000000000001", ""] {
            let contents = unhexed(digits).expect("hex");
            assert_eq!(info().understood(&contents), None, "{digits}");
        }
        let silent = KeyInfo { single: String::new(), double: String::new(), ..info() };
        let contents = unhexed("2000000000000000").expect("hex");
        assert_eq!(silent.understood(&contents), Some((KeyWhat::Mac, None)));
        assert_eq!(silent.written(KeyWhat::Mac, 32), Some(contents));
    }
}
