use crate::check_value::{CheckValue, usual};
use crate::drbg::Random;
use crate::keyblock::keys::Protection;
use crate::keyblock::open::open_by;
use crate::keyblock::wrap::wrap_by;
use crate::keyblock::{BlockError, Exportable, Header, Version, peek};
use crate::lmk::{Scheme, VariantLmk, decrypt_under, encrypt_under};
use crate::ops::{Attributes, Fault, NewKey, Permission, Role, StoredKey};
use crate::secret::{Cipher, Key};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use wire::hex::{Charset, read, write};

/// How keys are held at rest.
#[derive(Clone)]
pub(crate) enum Held {
    /// In blocks of one version; what protects them is derived once.
    InBlocks { version: Version, id: [u8; 2], protection: Arc<Protection>, check: CheckValue },
    /// As cryptograms under variants.
    InVariants(VariantLmk),
}

/// A key in clear, and what is said of it.
pub(super) struct Usable {
    pub(super) key: Key,
    pub(super) attributes: Option<Attributes>,
}

impl Held {
    pub(super) fn in_blocks(version: Version, key: &Key, id: [u8; 2]) -> Self {
        let protection = Arc::new(Protection::new(version, key));
        Self::InBlocks { version, id, protection, check: usual(key) }
    }

    /// A stored key for one purpose; a component is a key for none. `parity` is the fault that a wrong parity is.
    pub(super) fn open(
        &self,
        stored: &StoredKey,
        permission: Option<Permission>,
        parity: Fault,
    ) -> Result<Usable, Fault> {
        let usable = self.open_any(stored, parity)?;
        match (permission, usable.attributes) {
            (_, Some(attributes)) if is_component(&attributes) => Err(Fault::Component),
            (Some(permission), Some(attributes)) if !permission.is_given_by(attributes.mode) => {
                Err(Fault::Mode)
            }
            _ => Ok(usable),
        }
    }

    /// A component of a key. Blocks say that they hold one; cryptograms under variants say nothing.
    pub(super) fn open_component(&self, stored: &StoredKey) -> Result<Key, Fault> {
        let usable = self.open_any(stored, Fault::Parity)?;
        match usable.attributes {
            Some(attributes) if !is_component(&attributes) => Err(Fault::Component),
            _ => Ok(usable.key),
        }
    }

    /// A stored key or component, only to look at it.
    pub(super) fn open_any(&self, stored: &StoredKey, parity: Fault) -> Result<Usable, Fault> {
        let usable = match self {
            Self::InBlocks { version, protection, id, .. } => {
                open_block(*version, *id, protection, &stored.text, stored.role)?
            }
            Self::InVariants(lmk) => {
                let (scheme, bytes) = of_scheme(&stored.text).ok_or(Fault::Unreadable)?;
                let over = lmk.key_for(stored.role.key_type());
                let key = decrypt_under(&over, scheme, &bytes).map_err(|_| Fault::Unreadable)?;
                Usable { key, attributes: None }
            }
        };
        if usable.key.parity_holds() { Ok(usable) } else { Err(parity) }
    }

    /// A key as it is held at rest.
    pub(super) fn store(&self, key: &Key, new: &NewKey, random: &mut dyn Random) -> Result<StoredKey, Fault> {
        let text = match self {
            Self::InBlocks { version, protection, id, .. } => {
                let header = header(*version, new, key, *id)?;
                wrap_by(protection, &header, key, random).map_err(|_| Fault::Request)?
            }
            Self::InVariants(lmk) => {
                let scheme = usual_scheme(key)?;
                under_scheme(&lmk.key_for(new.role.key_type()), scheme, key)?
            }
        };
        Ok(StoredKey { role: new.role, text })
    }
}

/// Whether a block holds a component: `c` and its number stand where a key's version does. Source: ANSI X9.143:2021,
/// table 5.
const fn is_component(attributes: &Attributes) -> bool {
    matches!(attributes.key_version[0], b'c' | b'C')
}

fn open_block(
    version: Version,
    id: [u8; 2],
    protection: &Protection,
    text: &str,
    role: Role,
) -> Result<Usable, Fault> {
    let claimed = peek(text).map_err(|_| Fault::Unreadable)?;
    if claimed.version != version {
        return Err(Fault::Unreadable);
    }
    if claimed.reserved != id {
        return Err(Fault::NoSuchLmk);
    }
    let opened = open_by(protection, version, text).map_err(|error| match error {
        BlockError::Authentication => Fault::NotAuthentic,
        _ => Fault::Unreadable,
    })?;
    let Header { usage, mode, key_version, exportable, .. } = opened.header;
    if !role.accepts(version.family(), usage) {
        return Err(Fault::Usage);
    }
    let key = opened.key().and_then(Result::ok).ok_or(Fault::KeyLength)?;
    Ok(Usable { key, attributes: Some(Attributes { usage, mode, key_version, exportable }) })
}

/// The header of a key that is to be, in blocks of that version. What is asked for must fit its role.
pub(super) fn header(version: Version, new: &NewKey, key: &Key, reserved: [u8; 2]) -> Result<Header, Fault> {
    let family = version.family();
    let attributes = new.attributes.filter(|asked| new.role.accepts(family, asked.usage));
    let attributes = match (new.attributes, attributes) {
        // Marked in the other family's way: the role says the same in this one's.
        (Some(asked), None) => Attributes { usage: new.role.attributes(family).usage, ..asked },
        (_, Some(asked)) => asked,
        (None, None) => new.role.attributes(family),
    };
    let algorithm = match (key.cipher(), key.length()) {
        (Cipher::Tdes, 8) => b'D',
        (Cipher::Tdes, _) => b'T',
        (Cipher::Aes, _) => b'A',
        (Cipher::Sm4, _) => b'S',
    };
    Ok(Header {
        key_version: attributes.key_version,
        exportable: attributes.exportable,
        reserved,
        ..Header::new(version, attributes.usage, algorithm, attributes.mode)
    })
}

/// A cryptogram taken apart: its scheme and its bytes. Without a letter it is `Z`.
pub(super) fn of_scheme(text: &str) -> Option<(Scheme, Vec<u8>)> {
    let first = *text.as_bytes().first()?;
    let (scheme, digits) = match Scheme::of_letter(first) {
        Some(scheme) => (scheme, &text[1..]),
        None => (Scheme::Z, text),
    };
    let mut bytes = Vec::new();
    read(Charset::Ascii, digits.as_bytes(), &mut bytes).ok()?;
    let fits = bytes.len() == scheme.key_bytes() || scheme == Scheme::Z && bytes.len() == 16;
    fits.then_some((scheme, bytes))
}

/// A key under another by a scheme, as text: the letter in front, but of `Z`.
pub(super) fn under_scheme(over: &Key, scheme: Scheme, key: &Key) -> Result<String, Fault> {
    let bytes = encrypt_under(over, scheme, key).map_err(|_| Fault::KeyLength)?;
    let mut text = Vec::with_capacity(49);
    if scheme != Scheme::Z {
        text.push(scheme.letter());
    }
    write(Charset::Ascii, &bytes[..key.length()], &mut text);
    Ok(String::from_utf8(text).expect("a letter and hex"))
}

/// The scheme keys of that length lie under at rest.
pub(super) fn usual_scheme(key: &Key) -> Result<Scheme, Fault> {
    match (key.cipher(), key.length()) {
        (Cipher::Tdes, 8) => Ok(Scheme::Z),
        (Cipher::Tdes, 16) => Ok(Scheme::U),
        (Cipher::Tdes, _) => Ok(Scheme::T),
        _ => Err(Fault::KeyLength),
    }
}

impl Usable {
    /// Whether it may leave in that way: a sensitive one in any, another only as it is marked.
    pub(super) fn may_leave(&self, in_block: bool) -> bool {
        match self.attributes.map(|attributes| attributes.exportable) {
            None | Some(Exportable::Sensitive) => true,
            Some(Exportable::Yes) => in_block || self.key.cipher() == Cipher::Tdes,
            Some(Exportable::No) => false,
        }
    }
}
