//! Words the commands use for what we have names for.

use crate::keyblock::{Exportable, Family, peek};
use crate::lmk::{KeyType, Scheme};
use crate::mac::{Algorithm, Padding};
use crate::ops::{Attributes, Fault, Form, NewKey, Role, StoredKey};
use crate::pin::Format;
use crate::secret::Cipher;
use alloc::string::String;

/// The type written where key blocks say it themselves.
pub(super) const BY_BLOCK: &[u8; 3] = b"FFF";

/// PIN block formats by the module's numbers.
pub(super) const FORMATS: [(&[u8; 2], Format); 4] =
    [(b"01", Format::Iso0), (b"05", Format::Iso1), (b"03", Format::Filled), (b"47", Format::Iso3)];

pub(super) fn format_of(code: [u8; 2]) -> Result<Format, Fault> {
    FORMATS.iter().find(|(known, _)| **known == code).map(|row| row.1).ok_or(Fault::NoSuchFormat)
}

pub(super) fn code_of_format(format: Format) -> Option<&'static [u8; 2]> {
    FORMATS.iter().find(|row| row.1 == format).map(|row| row.0)
}

pub(super) const fn algorithm_of(code: u8) -> Result<Algorithm, Fault> {
    match code {
        b'1' => Ok(Algorithm::Iso1),
        b'3' => Ok(Algorithm::Iso3),
        b'6' => Ok(Algorithm::AesCmac),
        _ => Err(Fault::Request),
    }
}

/// The module's number of an algorithm, and how it is filled where that is not a choice.
pub(super) const fn code_of_algorithm(algorithm: Algorithm) -> Option<u8> {
    match algorithm {
        Algorithm::X99 | Algorithm::Iso1 | Algorithm::TdesCbc => Some(b'1'),
        Algorithm::X919 | Algorithm::Iso3 => Some(b'3'),
        Algorithm::AesCmac => Some(b'6'),
        Algorithm::UnionPayEcb | Algorithm::UnionPayCbc | Algorithm::Sm4Cbc => None,
    }
}

pub(super) const fn padding_of(code: u8) -> Result<Padding, Fault> {
    match code {
        b'0' => Ok(Padding::None),
        b'1' => Ok(Padding::Zeros),
        b'2' => Ok(Padding::Bit),
        b'3' => Ok(Padding::Length),
        _ => Err(Fault::Request),
    }
}

pub(super) const fn code_of_padding(padding: Padding) -> u8 {
    match padding {
        Padding::None => b'0',
        Padding::Zeros => b'1',
        Padding::Bit => b'2',
        Padding::Length => b'3',
    }
}

/// A key in the role its type says, or its block where the type is `FFF`.
pub(super) fn stored(kind: [u8; 3], text: String) -> Result<StoredKey, Fault> {
    let role = if kind == *BY_BLOCK { role_of_block(&text)? } else { role_of_type(kind)? };
    Ok(StoredKey { role, text })
}

pub(super) fn role_of_type(kind: [u8; 3]) -> Result<Role, Fault> {
    KeyType::parse(&kind).and_then(Role::of_key_type).ok_or(Fault::Request)
}

pub(super) fn role_of_block(text: &str) -> Result<Role, Fault> {
    let header = peek(text).map_err(|_| Fault::Unreadable)?;
    Role::of_usage(header.version.family(), header.usage).ok_or(Fault::Usage)
}

/// The form a scheme's letter asks for.
pub(super) fn form_of(letter: u8) -> Result<Form, Fault> {
    match letter {
        b'S' => Ok(Form::PayShield),
        b'R' => Ok(Form::Tr31),
        letter => Scheme::of_letter(letter).map(Form::Scheme).ok_or(Fault::Request),
    }
}

pub(super) const fn letter_of(form: Form) -> u8 {
    match form {
        Form::PayShield => b'S',
        Form::Tr31 => b'R',
        Form::Scheme(scheme) => scheme.letter(),
        // No scheme of the family; the client refuses it before it comes to this.
        Form::KeyWrap => b'W',
    }
}

/// What follows `#`: usage, algorithm and length, mode, version, exportability, number of optional blocks.
pub(super) fn new_key_of(text: [u8; 10]) -> Result<NewKey, Fault> {
    let [u1, u2, algorithm, length, mode, v1, v2, exportable, _, _] = text;
    let (cipher, bytes) = match (algorithm, length) {
        (b'T' | b'D', b'1') => (Cipher::Tdes, 8),
        (b'T', b'2') => (Cipher::Tdes, 16),
        (b'T', b'3') => (Cipher::Tdes, 24),
        (b'A', b'1') => (Cipher::Aes, 16),
        (b'A', b'2') => (Cipher::Aes, 24),
        (b'A', b'3') => (Cipher::Aes, 32),
        _ => return Err(Fault::Request),
    };
    let usage = [u1, u2];
    let role = Role::of_usage(Family::PayShield, usage).ok_or(Fault::Usage)?;
    let exportable = Exportable::of_letter(exportable).ok_or(Fault::Request)?;
    let attributes = Some(Attributes { usage, mode, key_version: [v1, v2], exportable });
    Ok(NewKey { role, cipher, bytes, attributes })
}

/// The attributes of a new key as they stand behind `#`.
pub(super) fn attributes_of(new: &NewKey) -> [u8; 10] {
    let attributes = new.attributes.unwrap_or_else(|| new.role.attributes(Family::PayShield));
    let (algorithm, length) = match (new.cipher, new.bytes) {
        (Cipher::Tdes, bytes) => (b'T', b'0' + (bytes / 8) as u8),
        (Cipher::Aes, bytes) => (b'A', b'0' + (bytes / 8) as u8 - 1),
        (Cipher::Sm4, _) => (b'S', b'1'),
    };
    let Attributes { usage: [u1, u2], mode, key_version: [v1, v2], exportable } = attributes;
    [u1, u2, algorithm, length, mode, v1, v2, exportable.letter(), b'0', b'0']
}
