//! What a token can do: tried, because what libraries say of it is not always so.

use crate::held::Use;
use crate::kept::template;
use crate::keys::call;
use crate::token::Token;
use cryptoki::error::Error;
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::ekdf::AesCbcDeriveParams;
use cryptoki::object::{Attribute, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use hsm::mac::{Algorithm, Padding, make};
use hsm::ops::{Answer, Fault, Hsm as _, KnownAnswer, MacData, NewKey, Request, Role};
use hsm::{Cipher, Key, keywrap};
use terms::Sealed;

/// What a token can do besides what every one must: AES keys, their wrapping, CMAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Abilities {
    /// Triple DES.
    pub tdes: bool,
    /// Single DES, and the first part of a key drawn together with the whole: what X9.9 and X9.19 need.
    pub parts: bool,
    /// Random bytes.
    pub random: bool,
}

impl Abilities {
    pub(crate) fn of(session: &Session) -> Self {
        let parts = parts(session).is_ok();
        Self { tdes: parts || tdes(session).is_ok(), parts, random: session.generate_random_vec(1).is_ok() }
    }

    /// What it may be asked and answers, by the names of operations.
    pub fn operations(self) -> impl Iterator<Item = &'static str> {
        let always = ["generate", "import", "export", "check_value", "make_mac", "verify_mac"];
        let random = self.random.then_some("random");
        always.into_iter().chain(random).chain(["status", "echo", "known_answers"])
    }

    /// By which algorithms it makes codes.
    pub fn algorithms(self) -> impl Iterator<Item = &'static str> {
        let does = move |name: &&str| match Algorithm::named(name) {
            Some(Algorithm::AesCmac) => true,
            Some(Algorithm::TdesCbc | Algorithm::Iso1 | Algorithm::UnionPayEcb | Algorithm::UnionPayCbc) => {
                self.tdes
            }
            Some(Algorithm::X99 | Algorithm::X919 | Algorithm::Iso3) => self.parts,
            Some(Algorithm::Sm4Cbc) | None => false,
        };
        Algorithm::names().filter(does)
    }
}

/// A key of AES from which others are derived.
pub(crate) fn base(session: &Session) -> Result<ObjectHandle, Error> {
    session.generate_key(
        &Mechanism::AesKeyGen,
        &[
            Attribute::Class(ObjectClass::SECRET_KEY),
            Attribute::KeyType(KeyType::AES),
            Attribute::ValueLen(32.into()),
            Attribute::Token(false),
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Encrypt(false),
            Attribute::Decrypt(false),
            Attribute::Derive(true),
        ],
    )
}

/// Whether a key and its first part, drawn alike, are what they should be: single DES by the part, then the whole over
/// what that undoes, is tried as it is used.
fn parts(session: &Session) -> Result<(), Error> {
    let base = base(session)?;
    let derived = |kind| {
        let mechanism = Mechanism::AesCbcEncryptData(AesCbcDeriveParams::new([1; 16], &[2; 32]));
        session.derive_key(&mechanism, base, &template(kind, None, Use::Codes))
    };
    let tried = derived(KeyType::DES).and_then(|part| {
        let tried = session.encrypt(&Mechanism::DesCbc([0; 8]), part, &[0; 8]);
        let _ = session.destroy_object(part);
        tried
    });
    let tried = tried.and_then(|_| {
        let whole = derived(KeyType::DES2)?;
        let tried = session.encrypt(&Mechanism::Des3Cbc([0; 8]), whole, &[0; 8]);
        let _ = session.destroy_object(whole);
        tried
    });
    let _ = session.destroy_object(base);
    tried.map(|_| ())
}

fn tdes(session: &Session) -> Result<(), Error> {
    let key = session.generate_key(&Mechanism::Des2KeyGen, &template(KeyType::DES2, None, Use::Codes))?;
    let tried = session.encrypt(&Mechanism::Des3Cbc([0; 8]), key, &[0; 8]);
    let _ = session.destroy_object(key);
    tried.map(|_| ())
}

/// The key of the examples everybody can look up.
const TDES_KEY: [u8; 16] = 0x0123456789ABCDEF_FEDCBA9876543210_u128.to_be_bytes();
const AES_KEY: [u8; 16] = 0x2B7E1516_28AED2A6_ABF71588_09CF4F3C_u128.to_be_bytes();
const TEXT: &[u8] = b"Now is the time for all ";

impl Token {
    /// Keys that are public are put into the token and used there; what comes out is compared with what the arithmetic
    /// of our own gives, which knows the published answers.
    pub(crate) fn known_answers(&mut self) -> Result<Answer, Fault> {
        hsm::self_test::self_test().map_err(|_| Fault::Device(*b"ST"))?;
        let mut all = Vec::new();
        let mut says = |what, right: Result<bool, Fault>| -> Result<(), Fault> {
            let is_right = match right {
                Ok(is_right) => Some(is_right),
                Err(fault @ Fault::Device(_)) => return Err(fault),
                Err(_) => None,
            };
            all.push(KnownAnswer { what, is_right });
            Ok(())
        };
        says("AES-CMAC", self.knows_cmac())?;
        says("triple DES in CBC", self.knows_tdes())?;
        says("key wrap of RFC 3394", self.knows_wrap())?;
        says("random bytes", self.knows_random())?;
        says("a key drawn here makes and verifies a code", self.serves_a_key(NewKey::aes(Role::Zak, 16)))?;
        if self.abilities().parts {
            says("the same by X9.19", self.serves_a_key(NewKey::tdes(Role::Zak)))?;
        }
        Ok(Answer::KnownAnswers(all))
    }

    fn knows_cmac(&self) -> Result<bool, Fault> {
        let key = self.while_needed(self.given(KeyType::AES, &AES_KEY, Use::Codes)?);
        let found = call(self.session.sign(&Mechanism::AesCMac, key.handle, TEXT))?;
        let key = Key::aes(&AES_KEY).map_err(|_| Fault::KeyLength)?;
        Ok(make(Algorithm::AesCmac, Padding::Zeros, &key, TEXT).is_ok_and(|mac| mac.as_bytes() == found))
    }

    fn knows_tdes(&self) -> Result<bool, Fault> {
        let key = self.while_needed(self.given(KeyType::DES2, &TDES_KEY, Use::Codes)?);
        let found = self.des(key.handle, [0; 8], TEXT)?;
        let key = Key::tdes(&TDES_KEY).map_err(|_| Fault::KeyLength)?;
        let mac = make(Algorithm::TdesCbc, Padding::Zeros, &key, TEXT);
        Ok(mac.is_ok_and(|mac| found.ends_with(mac.as_bytes())))
    }

    fn knows_wrap(&self) -> Result<bool, Fault> {
        let over = self.while_needed(self.given(KeyType::AES, &AES_KEY, Use::Carry)?);
        let key = self.while_needed(self.given(KeyType::DES2, &TDES_KEY, Use::Leave)?);
        let found = call(self.session.wrap_key(&Mechanism::AesKeyWrap, over.handle, key.handle))?;
        let (over, key) = (Key::aes(&AES_KEY), Key::tdes(&TDES_KEY));
        let (Ok(over), Ok(key)) = (over, key) else { return Err(Fault::KeyLength) };
        Ok(keywrap::wrap(&over, &key).is_ok_and(|wrapped| wrapped == found))
    }

    fn knows_random(&mut self) -> Result<bool, Fault> {
        let mut draw = || self.ask(&Request::Random { bytes: 16 });
        Ok(draw()? != draw()?)
    }

    fn serves_a_key(&mut self, new: NewKey) -> Result<bool, Fault> {
        let Answer::Generated { key, .. } = self.ask(&Request::Generate { key: new, under: None })? else {
            return Ok(false);
        };
        let algorithm = if new.cipher == Cipher::Aes { Algorithm::AesCmac } else { Algorithm::X919 };
        let data = || MacData {
            key: key.clone(),
            algorithm,
            padding: Padding::Zeros,
            data: Sealed::new(TEXT.to_vec()),
        };
        let Answer::Mac(mut mac) = self.ask(&Request::MakeMac(data()))? else { return Ok(false) };
        let verified =
            self.ask(&Request::VerifyMac { data: data(), mac: mac.clone() }) == Ok(Answer::Verified);
        mac[0] ^= 1;
        let refused = self.ask(&Request::VerifyMac { data: data(), mac }) == Err(Fault::NotVerified);
        Ok(verified && refused)
    }

    /// A public key in the token. One that takes none in clear does without known answers.
    fn given(&self, kind: KeyType, value: &[u8], purpose: Use) -> Result<ObjectHandle, Fault> {
        let mut template = template(kind, None, purpose);
        template.push(Attribute::Value(value.to_vec()));
        call(self.session.create_object(&template))
    }
}
