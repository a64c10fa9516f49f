//! Keys as we keep them: wrapped under the master key, what is said of them sealed; and back in the token for one use.

use crate::error::is_full;
use crate::held::Use;
use crate::keys::call;
use crate::masters::found;
use crate::stored::{Place, Said, key_type};
use crate::token::Token;
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, KeyType, ObjectClass, ObjectHandle};
use hsm::keyblock::Family;
use hsm::ops::{Fault, NewKey, StoredKey};
use hsm::same;

/// Bytes of the seal.
const SEAL_BYTES: usize = 16;

/// A key of the session for one use.
pub(crate) fn template(kind: KeyType, bytes: Option<u64>, purpose: Use) -> Vec<Attribute> {
    let is_aes = kind == KeyType::AES;
    let (codes, check) = (matches!(purpose, Use::Codes | Use::CodesByPart), purpose == Use::Check);
    let carries = purpose == Use::Carry;
    let mut template = vec![
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(kind),
        Attribute::Token(false),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(purpose == Use::Leave),
        // Codes of DES are what the last step of a chain gives; of AES the token makes them whole.
        Attribute::Encrypt(codes && !is_aes || check),
        Attribute::Decrypt(false),
        Attribute::Sign(is_aes && (codes || check)),
        Attribute::Verify(false),
        Attribute::Wrap(carries),
        Attribute::Unwrap(carries),
        Attribute::Derive(false),
    ];
    template.extend(bytes.map(|bytes| Attribute::ValueLen(bytes.into())));
    template
}

impl Token {
    /// What is said of a stored key, where its seal fits.
    pub(crate) fn read(&mut self, stored: &StoredKey) -> Result<Said, Fault> {
        if let Some(said) = self.held.said(&stored.text).filter(|said| said.role == stored.role) {
            return Ok(said);
        }
        let (text, seal) = stored.text.rsplit_once(':').ok_or(Fault::Unreadable)?;
        let said = Said::read(text).ok_or(Fault::Unreadable)?;
        if !same(self.seal(text)?.as_bytes(), seal.as_bytes()) {
            return Err(Fault::NotAuthentic);
        }
        if said.role != stored.role || !said.role.accepts(Family::Tr31, said.attributes.usage) {
            return Err(Fault::Usage);
        }
        self.held.note(&stored.text, &said);
        Ok(said)
    }

    /// A stored key in the token, for one use.
    pub(crate) fn handle(
        &mut self,
        stored: &StoredKey,
        said: &Said,
        purpose: Use,
    ) -> Result<ObjectHandle, Fault> {
        let (whole, part) = match &said.place {
            Place::Wrapped { whole, part } => (whole, part),
            Place::Object(_) if purpose == Use::CodesByPart => return Err(Fault::NotOffered),
            Place::Object(label) => {
                let [handle] = call(found(&self.session, label))?[..] else { return Err(Fault::Unreadable) };
                return Ok(handle);
            }
        };
        if let Some(handle) = self.held.get(&stored.text, purpose) {
            return Ok(handle);
        }
        let (bytes, kind) = match purpose {
            Use::CodesByPart => (part.as_ref().ok_or(Fault::NotOffered)?, KeyType::DES),
            _ => (whole, key_type(said.cipher, said.bytes)?),
        };
        let mechanism = if kind == KeyType::DES { Mechanism::AesKeyWrapPad } else { Mechanism::AesKeyWrap };
        let template = template(kind, None, purpose);
        let mut unwrapped = self.session.unwrap_key(&mechanism, self.masters.wrap, bytes, &template);
        if unwrapped.as_ref().is_err_and(is_full) {
            let all: Vec<_> = self.held.take_all().collect();
            all.into_iter().for_each(|handle| drop(self.session.destroy_object(handle)));
            unwrapped = self.session.unwrap_key(&mechanism, self.masters.wrap, bytes, &template);
        }
        let handle = call(unwrapped)?;
        if let Some(oldest) = self.held.keep(&stored.text, purpose, handle) {
            let _ = self.session.destroy_object(oldest);
        }
        Ok(handle)
    }

    /// A key of the session as we keep it.
    pub(crate) fn store(
        &self,
        new: &NewKey,
        whole: ObjectHandle,
        part: Option<ObjectHandle>,
    ) -> Result<StoredKey, Fault> {
        let wrap =
            |mechanism: &Mechanism<'_>, key| call(self.session.wrap_key(mechanism, self.masters.wrap, key));
        // Eight bytes are less than the key wrap takes without filling.
        let padded = Mechanism::AesKeyWrapPad;
        let whole = wrap(if new.bytes == 8 { &padded } else { &Mechanism::AesKeyWrap }, whole)?;
        let part = part.map(|part| wrap(&padded, part)).transpose()?;
        let attributes = new.attributes.unwrap_or_else(|| new.role.attributes(Family::Tr31));
        if !new.role.accepts(Family::Tr31, attributes.usage) {
            return Err(Fault::Usage);
        }
        let place = Place::Wrapped { whole, part };
        self.sealed(&Said { role: new.role, cipher: new.cipher, bytes: new.bytes, attributes, place })
    }

    pub(crate) fn sealed(&self, said: &Said) -> Result<StoredKey, Fault> {
        let text = said.unsealed();
        let seal = self.seal(&text)?;
        Ok(StoredKey::new(said.role, format!("{text}:{seal}")))
    }

    fn seal(&self, text: &str) -> Result<String, Fault> {
        let seal = call(self.session.sign(&Mechanism::AesCMac, self.masters.seal, text.as_bytes()))?;
        Ok(seal.iter().take(SEAL_BYTES).map(|byte| format!("{byte:02X}")).collect())
    }
}
