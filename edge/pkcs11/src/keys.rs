//! Keys: drawn in the token, kept by us under its master key, and brought back for one use.

use crate::error::fault_of;
use crate::held::Use;
use crate::kept::template;
use crate::masters::found;
use crate::stored::{Place, Said, key_type, label_of};
use crate::token::Token;
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::ekdf::AesCbcDeriveParams;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectHandle};
use hsm::check_value::{CheckValue, Method, check_value};
use hsm::keyblock::{Exportable, Family};
use hsm::ops::{Answer, Fault, Form, NewKey, Permission, Role, StoredKey, Wrapped};
use hsm::{Cipher, Key, keywrap};
use zeroize::Zeroizing;

/// A key of the token that we use where it lies.
#[derive(Clone, Debug)]
pub struct Adopted {
    /// To be kept.
    pub key: StoredKey,
    /// Its check value.
    pub check: CheckValue,
    /// Whether the token opens what lies under it to whoever has the PIN: nothing should lie under such a key.
    pub is_open: bool,
}

/// A key on its way into a store: all of it, and its first part where there is one by itself.
struct Drawn {
    whole: ObjectHandle,
    part: Option<ObjectHandle>,
}

pub(crate) fn call<T>(done: Result<T, Error>) -> Result<T, Fault> {
    done.map_err(|error| fault_of(&error))
}

/// What is drawn or taken in may leave and show its check value, and is gone as soon as it is wrapped.
fn passing(kind: KeyType, bytes: Option<u64>) -> Vec<Attribute> {
    let shows = |attribute: &mut Attribute| match attribute {
        Attribute::Encrypt(shows) => *shows = true,
        Attribute::Sign(shows) => *shows = kind == KeyType::AES,
        _ => {}
    };
    let mut template = template(kind, bytes, Use::Leave);
    template.iter_mut().for_each(shows);
    template
}

/// What a token is used for here.
fn serves(role: Role) -> Result<(), Fault> {
    match role {
        Role::Zmk | Role::Tmk | Role::Zak | Role::Tak | Role::Data => Ok(()),
        Role::Zpk | Role::Tpk => Err(Fault::WouldShowPin),
        Role::Cvk | Role::Pvk | Role::Bdk | Role::MasterAc => Err(Fault::NotOffered),
    }
}

impl Token {
    pub(crate) fn generate(
        &mut self,
        new: &NewKey,
        under: Option<&(StoredKey, Form)>,
    ) -> Result<Answer, Fault> {
        serves(new.role)?;
        key_type(new.cipher, new.bytes)?;
        let transport =
            under.map(|(key, form)| self.transport(key, *form, Permission::Encipher, new)).transpose()?;
        let drawn = self.draw(new)?;
        let whole = drawn.whole;
        let result = self.keep_drawn(new, drawn, transport);
        let _ = self.session.destroy_object(whole);
        result
    }

    fn keep_drawn(
        &mut self,
        new: &NewKey,
        Drawn { whole, part }: Drawn,
        transport: Option<ObjectHandle>,
    ) -> Result<Answer, Fault> {
        let part = part.map(|part| self.while_needed(part));
        let attributes = new.attributes.unwrap_or_else(|| new.role.attributes(Family::Tr31));
        if transport.is_some() && attributes.exportable == Exportable::No {
            return Err(Fault::NotExportable);
        }
        let wrapped = match transport {
            Some(over) => Some(call(self.session.wrap_key(&Mechanism::AesKeyWrap, over, whole))?),
            None => None,
        };
        let wrapped = wrapped.map(|wrapped| Wrapped(keywrap::write(&wrapped)));
        let check = Some(self.check_of(whole, new.cipher, Method::usual(new.cipher))?);
        let key = self.store(new, whole, part.as_ref().map(|part| part.handle))?;
        Ok(Answer::Generated { key, wrapped, check })
    }

    /// A key of DES is drawn as the encipherment of random bits under a key that is gone afterwards: so its first part
    /// can be had by itself, which codes by X9.19 begin with.
    fn draw(&self, new: &NewKey) -> Result<Drawn, Fault> {
        let kind = key_type(new.cipher, new.bytes)?;
        if new.cipher == Cipher::Aes {
            let template = passing(kind, Some(new.bytes as u64));
            let whole = call(self.session.generate_key(&Mechanism::AesKeyGen, &template))?;
            return Ok(Drawn { whole, part: None });
        }
        if !self.abilities().parts {
            let mechanism = match new.bytes {
                16 => Mechanism::Des2KeyGen,
                24 => Mechanism::Des3KeyGen,
                _ => return Err(Fault::NotOffered),
            };
            let whole = call(self.session.generate_key(&mechanism, &passing(kind, None)))?;
            return Ok(Drawn { whole, part: None });
        }
        let base = crate::abilities::base(&self.session).map_err(|error| fault_of(&error))?;
        let base = self.while_needed(base);
        let mut bits = Zeroizing::new([0; 48]);
        call(self.session.generate_random_slice(&mut *bits))?;
        let (iv, data) = bits.split_first_chunk().expect("48 are more than 16");
        let derived = |kind| {
            let mechanism = Mechanism::AesCbcEncryptData(AesCbcDeriveParams::new(*iv, data));
            call(self.session.derive_key(&mechanism, base.handle, &passing(kind, None)))
        };
        let whole = derived(kind)?;
        let part = match new.bytes {
            8 => None,
            _ => Some(derived(KeyType::DES).inspect_err(|_| drop(self.session.destroy_object(whole)))?),
        };
        Ok(Drawn { whole, part })
    }

    pub(crate) fn import(
        &mut self,
        new: &NewKey,
        transport: &StoredKey,
        wrapped: &Wrapped,
        expected: Option<&CheckValue>,
    ) -> Result<Answer, Fault> {
        serves(new.role)?;
        let kind = key_type(new.cipher, new.bytes)?;
        let over = self.transport(transport, Form::KeyWrap, Permission::Decipher, new)?;
        // Cryptograms and key blocks could be opened only by showing a key on the way.
        let bytes = keywrap::read(wrapped.0.trim()).ok_or(Fault::NotOffered)?;
        if bytes.len() != new.bytes + 8 {
            return Err(Fault::KeyLength);
        }
        let taken = self.session.unwrap_key(&Mechanism::AesKeyWrap, over, &bytes, &passing(kind, None));
        let taken = taken.map_err(|error| match error {
            // What some libraries say of a wrapped key that was changed.
            Error::Pkcs11(RvError::GeneralError | RvError::FunctionFailed, _) => Fault::NotAuthentic,
            error => fault_of(&error),
        })?;
        let result = self.keep_taken(new, taken, expected);
        let _ = self.session.destroy_object(taken);
        result
    }

    fn keep_taken(
        &mut self,
        new: &NewKey,
        taken: ObjectHandle,
        expected: Option<&CheckValue>,
    ) -> Result<Answer, Fault> {
        let method = Method::usual(new.cipher);
        let all = self.check_in_full(taken, new.cipher, method)?;
        let zeros = Key::new(new.cipher, &vec![0; new.bytes]).map_err(|_| Fault::KeyLength)?;
        if check_value(&zeros, method).is_ok_and(|nothing| nothing.agrees_with(&all)) {
            return Err(Fault::SecondParity);
        }
        if expected.is_some_and(|expected| !expected.agrees_with(&all)) {
            return Err(Fault::CheckMismatch);
        }
        let key = self.store(new, taken, None)?;
        Ok(Answer::Imported { key, check: all.first(method.usual_bytes()), parity_mended: false })
    }

    pub(crate) fn export(
        &mut self,
        key: &StoredKey,
        transport: &StoredKey,
        form: Form,
    ) -> Result<Answer, Fault> {
        let said = self.read(key)?;
        let new = NewKey { role: said.role, cipher: said.cipher, bytes: said.bytes, attributes: None };
        let over = self.transport(transport, form, Permission::Encipher, &new)?;
        if said.attributes.exportable == Exportable::No {
            return Err(Fault::NotExportable);
        }
        let check = self.usual_check(key, &said)?;
        let leaves = self.handle(key, &said, Use::Leave)?;
        let wrapped = call(self.session.wrap_key(&Mechanism::AesKeyWrap, over, leaves))?;
        Ok(Answer::Exported { wrapped: Wrapped(keywrap::write(&wrapped)), check: Some(check) })
    }

    pub(crate) fn check_value(&mut self, key: &StoredKey, method: Option<Method>) -> Result<Answer, Fault> {
        let said = self.read(key)?;
        let method = method.unwrap_or(Method::usual(said.cipher));
        let handle = self.handle(key, &said, Use::Check)?;
        let all = self.check_in_full(handle, said.cipher, method)?;
        // Of AES no more than the standard shows: more would be a piece of a cipher's output.
        Ok(Answer::CheckValue(if said.cipher == Cipher::Tdes { all } else { all.first(5) }))
    }

    /// Takes a key of the token into our books where it lies: one that was put there by the token's own means. Not
    /// among the requests, because no switch asks it: people do.
    ///
    /// # Errors
    /// [`Fault::Unreadable`] where there is none of that label or more than one, [`Fault::NotAuthorised`] where it is
    /// shown to whoever asks, [`Fault::Mode`] where its check value cannot be had because it may not encipher or sign,
    /// and what a token is not used for.
    pub fn adopt(&mut self, role: Role, label: &str) -> Result<Adopted, Fault> {
        serves(role)?;
        let label = label_of(label).ok_or(Fault::Unreadable)?;
        let [handle] = call(found(&self.session, &label))?[..] else { return Err(Fault::Unreadable) };
        let wanted = [AttributeType::KeyType, AttributeType::Sensitive, AttributeType::Decrypt];
        let (mut kind, mut is_sensitive, mut is_open) = (None, false, false);
        for attribute in call(self.session.get_attributes(handle, &wanted))? {
            match attribute {
                Attribute::KeyType(is) => kind = Some(is),
                Attribute::Sensitive(is) => is_sensitive = is,
                Attribute::Decrypt(is) => is_open = is,
                _ => {}
            }
        }
        if !is_sensitive {
            return Err(Fault::NotAuthorised);
        }
        let (cipher, bytes) = match kind {
            Some(KeyType::DES) => (Cipher::Tdes, 8),
            Some(KeyType::DES2) => (Cipher::Tdes, 16),
            Some(KeyType::DES3) => (Cipher::Tdes, 24),
            Some(KeyType::AES) => {
                let length = call(self.session.get_attributes(handle, &[AttributeType::ValueLen]))?;
                let Some(Attribute::ValueLen(bytes)) = length.first() else { return Err(Fault::KeyLength) };
                (Cipher::Aes, u64::from(*bytes) as usize)
            }
            _ => return Err(Fault::KeyLength),
        };
        key_type(cipher, bytes)?;
        let check = self.check_of(handle, cipher, Method::usual(cipher))?;
        let attributes = role.attributes(Family::Tr31);
        let said = Said { role, cipher, bytes, attributes, place: Place::Object(label) };
        Ok(Adopted { key: self.sealed(&said)?, check, is_open })
    }

    /// A key that carries others, for one that is to go under it or comes from there.
    fn transport(
        &mut self,
        key: &StoredKey,
        form: Form,
        permission: Permission,
        new: &NewKey,
    ) -> Result<ObjectHandle, Fault> {
        if !key.role.carries_keys() {
            return Err(Fault::Usage);
        }
        // By every other form a key or a piece of one would be in clear here on its way.
        if form != Form::KeyWrap {
            return Err(Fault::NotOffered);
        }
        let said = self.read(key)?;
        if !permission.is_given_by(said.attributes.mode) {
            return Err(Fault::Mode);
        }
        if said.cipher != Cipher::Aes || new.bytes < 16 {
            return Err(Fault::KeyLength);
        }
        if new.cipher == Cipher::Aes && said.bytes < new.bytes {
            return Err(Fault::Weaker);
        }
        self.handle(key, &said, Use::Carry)
    }

    fn usual_check(&mut self, key: &StoredKey, said: &Said) -> Result<CheckValue, Fault> {
        let handle = self.handle(key, said, Use::Check)?;
        self.check_of(handle, said.cipher, Method::usual(said.cipher))
    }

    /// As much of a check value as is usually shown.
    fn check_of(&self, key: ObjectHandle, cipher: Cipher, method: Method) -> Result<CheckValue, Fault> {
        Ok(self.check_in_full(key, cipher, method)?.first(method.usual_bytes()))
    }

    fn check_in_full(&self, key: ObjectHandle, cipher: Cipher, method: Method) -> Result<CheckValue, Fault> {
        let bytes = match (method, cipher) {
            (Method::Des, Cipher::Tdes) => self.des(key, [0; 8], &[0; 8])?,
            (Method::Ecb, Cipher::Aes) => call(self.session.encrypt(&Mechanism::AesEcb, key, &[0; 16]))?,
            (Method::Cmac, Cipher::Aes) => match self.session.sign(&Mechanism::AesCMac, key, &[0; 16]) {
                Err(Error::Pkcs11(RvError::KeyFunctionNotPermitted, _)) => self.cmac_of_zeros(key)?,
                done => call(done)?,
            },
            (Method::CmacOfNothing, Cipher::Aes) => call(self.session.sign(&Mechanism::AesCMac, key, &[]))?,
            _ => return Err(Fault::KeyLength),
        };
        bytes.get(..8).and_then(CheckValue::told).ok_or(Fault::Device(*b"LI"))
    }

    /// The same of a key that may encipher and not sign: by hand. Source: RFC 4493, 2.3 and 2.4.
    fn cmac_of_zeros(&self, key: ObjectHandle) -> Result<Vec<u8>, Fault> {
        let encipher = |block: [u8; 16]| call(self.session.encrypt(&Mechanism::AesEcb, key, &block));
        let zeros: [u8; 16] = encipher([0; 16])?.try_into().map_err(|_| Fault::Device(*b"LI"))?;
        let zeros = u128::from_be_bytes(zeros);
        let carry = if zeros >> 127 == 1 { 0x87 } else { 0 };
        encipher((zeros << 1 ^ carry).to_be_bytes())
    }

    /// CBC by whatever key of DES this is.
    pub(crate) fn des(&self, key: ObjectHandle, iv: [u8; 8], blocks: &[u8]) -> Result<Vec<u8>, Fault> {
        match self.session.encrypt(&Mechanism::Des3Cbc(iv), key, blocks) {
            // A key of one part.
            Err(Error::Pkcs11(RvError::KeyTypeInconsistent, _)) => {
                call(self.session.encrypt(&Mechanism::DesCbc(iv), key, blocks))
            }
            done => call(done),
        }
    }
}
