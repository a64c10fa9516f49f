use super::keys::{Usable, header, of_scheme, under_scheme};
use crate::drbg::Random;
use crate::keyblock::{BlockError, Version, open, wrap};
use crate::keywrap;
use crate::lmk::decrypt_under;
use crate::ops::{Attributes, Fault, Form, NewKey, Wrapped};
use crate::secret::{Cipher, Key};

/// The id in blocks of the payShield that are under no master key.
const NO_LMK: [u8; 2] = *b"FF";

/// Puts a key under a transport key.
pub(super) fn put_under(
    transport: &Usable,
    form: Form,
    usable: &Usable,
    new: &NewKey,
    random: &mut dyn Random,
) -> Result<Wrapped, Fault> {
    let (over, key) = (&transport.key, &usable.key);
    if !usable.may_leave(!matches!(form, Form::Scheme(_))) {
        return Err(Fault::NotExportable);
    }
    let version = match (form, over.cipher()) {
        (Form::Scheme(scheme), _) => return under_scheme(over, scheme, key).map(Wrapped),
        (Form::KeyWrap, _) => {
            let wrapped = keywrap::wrap(over, key).map_err(|_| Fault::KeyLength)?;
            return Ok(Wrapped(keywrap::write(&wrapped)));
        }
        (Form::Tr31, Cipher::Tdes) => Version::B,
        (Form::Tr31, Cipher::Aes) => Version::D,
        (Form::PayShield, Cipher::Tdes) => Version::S0,
        (Form::PayShield, Cipher::Aes) => Version::S1,
        (_, Cipher::Sm4) => return Err(Fault::KeyLength),
    };
    let reserved = if form == Form::PayShield { NO_LMK } else { *b"00" };
    let header = header(version, new, key, reserved)?;
    wrap(over, &header, key, random).map(Wrapped).map_err(|_| Fault::KeyLength)
}

/// Takes a key from under a transport key, and what its block says of it. Its parity is not looked at.
pub(super) fn take_from(transport: &Usable, new: &NewKey, wrapped: &Wrapped) -> Result<Usable, Fault> {
    let over = &transport.key;
    let text = wrapped.0.trim();
    if let Some((scheme, bytes)) = of_scheme(text).filter(|_| new.cipher == Cipher::Tdes) {
        let key = decrypt_under(over, scheme, &bytes).map_err(|_| Fault::KeyLength)?;
        return Ok(Usable { key, attributes: None });
    }
    if let Some(bytes) = keywrap::read(text) {
        let key = keywrap::unwrap(over, new.cipher, &bytes).map_err(|error| match error {
            keywrap::WrapError::Authentication => Fault::NotAuthentic,
            keywrap::WrapError::Over { .. } | keywrap::WrapError::Length { .. } => Fault::KeyLength,
        })?;
        return Ok(Usable { key, attributes: None });
    }
    let opened = open(over, text).map_err(|error| match error {
        BlockError::Authentication => Fault::NotAuthentic,
        BlockError::ProtectionKey { .. } | BlockError::KeyLength => Fault::KeyLength,
        _ => Fault::Unreadable,
    })?;
    let says = &opened.header;
    if !new.role.accepts(says.version.family(), says.usage) {
        return Err(Fault::Usage);
    }
    let key = opened.key().and_then(Result::ok).ok_or(Fault::KeyLength)?;
    let attributes = Attributes {
        usage: says.usage,
        mode: says.mode,
        key_version: says.key_version,
        exportable: says.exportable,
    };
    Ok(Usable { key, attributes: Some(attributes) })
}

/// Whether a transport key is weaker than what it would carry: shorter of the same cipher, or DES for another.
/// Source: PCI PIN v3.1, annex C, 1.
pub(super) fn is_weaker(over: &Key, key: &Key) -> bool {
    match (over.cipher(), key.cipher()) {
        (Cipher::Tdes, Cipher::Tdes) | (Cipher::Aes, Cipher::Aes) => over.length() < key.length(),
        (Cipher::Tdes | Cipher::Sm4, _) => over.cipher() != key.cipher(),
        (Cipher::Aes, _) => false,
    }
}
