//! A key of ours as text: what for, which, how, where it is, and a seal over all of it.

use cryptoki::object::KeyType;
use hsm::Cipher;
use hsm::keyblock::Exportable;
use hsm::keywrap;
use hsm::ops::{Attributes, Fault, Role};

/// In front of every one; another form of them would have another number.
const FORM: &str = "P1";
/// Longest label of a key in the token.
const LABEL_CHARACTERS_MAX: usize = 64;

/// What is said of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) role: Role,
    pub(crate) cipher: Cipher,
    pub(crate) bytes: usize,
    pub(crate) attributes: Attributes,
    pub(crate) place: Place,
}

/// Where a key is.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// With us, under the master key: all of it, and its first part by itself where codes need that.
    Wrapped { whole: Vec<u8>, part: Option<Vec<u8>> },
    /// In the token, by its label.
    Object(String),
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Wrapped { .. } => "wrapped",
            Self::Object(_) => "in the token",
        })
    }
}

impl Said {
    /// All of it but the seal.
    pub(crate) fn unsealed(&self) -> String {
        let Attributes { usage: [u1, u2], mode, key_version: [v1, v2], exportable } = self.attributes;
        let marks = [u1, u2, mode, v1, v2, exportable.letter()].map(char::from);
        let letter = if self.cipher == Cipher::Tdes { 'T' } else { 'A' };
        let place = match &self.place {
            Place::Wrapped { whole, part } => {
                let part = part.iter().map(|part| format!("+{}", keywrap::write(part)));
                keywrap::write(whole) + &part.collect::<String>()
            }
            Place::Object(label) => format!("@{label}"),
        };
        let marks = String::from_iter(marks);
        format!("{FORM}:{}:{letter}{}:{marks}:{place}", self.role.name(), self.bytes)
    }

    /// What [`Self::unsealed`] wrote.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut words = text.split(':');
        let [form, role, kind, marks, place] = std::array::from_fn(|_| words.next().unwrap_or_default());
        if form != FORM || words.next().is_some() {
            return None;
        }
        let cipher = match kind.get(..1)? {
            "T" => Cipher::Tdes,
            "A" => Cipher::Aes,
            _ => return None,
        };
        let bytes = kind[1..].parse().ok()?;
        key_type(cipher, bytes).ok()?;
        let &[u1, u2, mode, v1, v2, exportable] = marks.as_bytes() else { return None };
        let exportable = Exportable::of_letter(exportable)?;
        let attributes = Attributes { usage: [u1, u2], mode, key_version: [v1, v2], exportable };
        let place = match place.strip_prefix('@') {
            Some(label) => Place::Object(label_of(label)?),
            None => {
                let (whole, part) = place.split_once('+').map_or((place, None), |(a, b)| (a, Some(b)));
                let part = match part {
                    Some(part) => Some(keywrap::read(part)?),
                    None => None,
                };
                Place::Wrapped { whole: keywrap::read(whole)?, part }
            }
        };
        Some(Self { role: Role::named(role)?, cipher, bytes, attributes, place })
    }
}

/// A label of a key in the token that can stand in such a text.
pub(crate) fn label_of(text: &str) -> Option<String> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    ((1..=LABEL_CHARACTERS_MAX).contains(&text.len()) && text.bytes().all(legal)).then(|| text.to_owned())
}

/// What the token calls keys of that cipher and length.
pub(crate) fn key_type(cipher: Cipher, bytes: usize) -> Result<KeyType, Fault> {
    match (cipher, bytes) {
        (Cipher::Tdes, 8) => Ok(KeyType::DES),
        (Cipher::Tdes, 16) => Ok(KeyType::DES2),
        (Cipher::Tdes, 24) => Ok(KeyType::DES3),
        (Cipher::Aes, 16 | 24 | 32) => Ok(KeyType::AES),
        (Cipher::Sm4, _) => Err(Fault::NotOffered),
        _ => Err(Fault::KeyLength),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hsm::keyblock::Family;

    #[test]
    fn what_is_said_of_a_key_is_read_as_it_was_written() {
        let part = Place::Wrapped { whole: vec![1; 24], part: Some(vec![2; 16]) };
        let whole = Place::Wrapped { whole: vec![3; 40], part: None };
        for (role, cipher, bytes, place) in [
            (Role::Zak, Cipher::Tdes, 16, part),
            (Role::Tak, Cipher::Aes, 32, whole),
            (Role::Zmk, Cipher::Aes, 32, Place::Object("zmk-cn.2".into())),
        ] {
            let said = Said { role, cipher, bytes, attributes: role.attributes(Family::Tr31), place };
            assert_eq!(Said::read(&said.unsealed()), Some(said));
        }
    }

    #[test]
    fn anything_else_is_nothing() {
        for text in [
            "",
            "P1",
            "P2:zak:T16:M0C00E:W00",
            "P1:zak:T17:M0C00E:W00",
            "P1:zak:S16:M0C00E:W00",
            "P1:zak::M0C00E:W00",
            "P1:zak:T16:M0C00:W00",
            "P1:zak:T16:M0C00?:W00",
            "P1:nobody:T16:M0C00E:W00",
            "P1:zak:T16:M0C00E:00",
            "P1:zak:T16:M0C00E:W0",
            "P1:zak:T16:M0C00E:W00+",
            "P1:zak:T16:M0C00E:W00:more",
            "P1:zmk:A32:K0B00E:@",
            "P1:zmk:A32:K0B00E:@a b",
            "P1:zak:é16:M0C00E:W00",
        ] {
            assert_eq!(Said::read(text), None, "{text}");
        }
    }
}
