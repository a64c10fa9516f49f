//! The keys of the token that keep ours: found, looked at, drawn, and their check value.

use crate::OpenError;
use crate::error::said;
use cryptoki::error::Error;
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;

/// Bytes of the wrapping and the sealing key.
const BYTES: u64 = 32;
/// Bytes of the key that is of no use but to be wrapped.
const CHECK_KEY_BYTES: u64 = 16;
/// Bytes of the check value.
const CHECK_BYTES: usize = 8;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Masters {
    pub(crate) wrap: ObjectHandle,
    pub(crate) seal: ObjectHandle,
    check: ObjectHandle,
}

const NAMES: [&str; 3] = ["wrap", "seal", "check"];

impl Masters {
    /// Those of a token. None may leave it, but the one that is of no use.
    pub(crate) fn find(session: &Session, key: &str) -> Result<Self, OpenError> {
        let [wrap, seal, check] = NAMES.map(|name| format!("{key}-{name}"));
        let one = |label: &str| match found(session, label)?[..] {
            [one] => Ok(one),
            [] => Err(OpenError::NoMaster { label: label.into() }),
            _ => Err(OpenError::SeveralMasters { label: label.into() }),
        };
        let masters = Self { wrap: one(&wrap)?, seal: one(&seal)?, check: one(&check)? };
        stays(session, masters.wrap, &wrap)?;
        stays(session, masters.seal, &seal)?;
        Ok(masters)
    }

    /// Draws them where there are none yet. The session has to be one that may write.
    pub(crate) fn make(session: &Session, key: &str) -> Result<Self, OpenError> {
        for name in NAMES {
            let label = format!("{key}-{name}");
            if !found(session, &label)?.is_empty() {
                return Err(OpenError::MasterThere { label });
            }
        }
        let drawn = |name: &str, bytes: u64, more: &[Attribute]| {
            let label = format!("{key}-{name}");
            let mut template = vec![
                Attribute::Class(ObjectClass::SECRET_KEY),
                Attribute::KeyType(KeyType::AES),
                Attribute::ValueLen(bytes.into()),
                Attribute::Token(true),
                Attribute::Private(true),
                Attribute::Sensitive(true),
                Attribute::Label(label.clone().into_bytes()),
                Attribute::Id(label.into_bytes()),
                Attribute::Encrypt(false),
                Attribute::Decrypt(false),
                Attribute::Derive(false),
            ];
            template.extend_from_slice(more);
            session.generate_key(&Mechanism::AesKeyGen, &template)
        };
        let uses = |carries: bool, seals: bool, leaves: bool| {
            [
                Attribute::Wrap(carries),
                Attribute::Unwrap(carries),
                Attribute::Sign(seals),
                Attribute::Verify(seals),
                Attribute::Extractable(leaves),
            ]
        };
        let lacks =
            |error: Error| OpenError::Lacks { what: "draw AES keys that stay in it", said: said(&error) };
        let wrap = drawn("wrap", BYTES, &uses(true, false, false)).map_err(lacks)?;
        let rest = drawn("seal", BYTES, &uses(false, true, false)).and_then(|seal| {
            let check = drawn("check", CHECK_KEY_BYTES, &uses(false, false, true));
            check.map(|check| Self { wrap, seal, check }).inspect_err(|_| drop(session.destroy_object(seal)))
        });
        // All three or none: what is half there is neither taken nor drawn again.
        rest.inspect_err(|_| drop(session.destroy_object(wrap))).map_err(lacks)
    }

    /// The check value of all of them: sixteen hex digits. A key that is of no use is wrapped, and that sealed: with
    /// any of the three another one, it is another.
    pub(crate) fn check(self, session: &Session) -> Result<String, Error> {
        let wrapped = session.wrap_key(&Mechanism::AesKeyWrap, self.wrap, self.check)?;
        let sealed = session.sign(&Mechanism::AesCMac, self.seal, &wrapped)?;
        Ok(sealed.iter().take(CHECK_BYTES).map(|byte| format!("{byte:02X}")).collect())
    }
}

/// Secret keys of that label that stay in the token.
pub(crate) fn found(session: &Session, label: &str) -> Result<Vec<ObjectHandle>, Error> {
    session.find_objects(&[
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::Token(true),
        Attribute::Label(label.as_bytes().to_vec()),
    ])
}

fn stays(session: &Session, key: ObjectHandle, label: &str) -> Result<(), OpenError> {
    let weak = |why| Err(OpenError::WeakMaster { label: label.into(), why });
    let wanted = [AttributeType::Sensitive, AttributeType::Extractable, AttributeType::Decrypt];
    for attribute in session.get_attributes(key, &wanted)? {
        match attribute {
            Attribute::Sensitive(false) => return weak("is shown to whoever asks: CKA_SENSITIVE is false"),
            Attribute::Extractable(true) => return weak("may leave the token: CKA_EXTRACTABLE is true"),
            Attribute::Decrypt(true) => {
                return weak("opens what it wrapped to whoever asks: CKA_DECRYPT is true");
            }
            _ => {}
        }
    }
    Ok(())
}
