use super::Master;
use super::keys::Usable;
use super::transport::{is_weaker, put_under, take_from};
use crate::check_value::{CheckValue, Method, check_value, usual};
use crate::drbg::{Drbg, Random as _, SEED_BYTES};
use crate::dukpt;
use crate::mac;
use crate::ops::{
    Answer, Derivation, Fault, Form, Hsm, KnownAnswer, MacData, NewKey, Permission, PinSide, Request, Role,
    StoredKey, Wrapped,
};
use crate::pin::{self, PinLeg, Policy};
use crate::secret::{Cipher, Key};
use crate::self_test::{SelfTestFailed, self_test};
use alloc::string::ToString as _;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use zeroize::Zeroizing;

/// Most components of one key: one digit counts them.
const COMPONENTS_MAX: usize = 9;
/// Most random bytes given at once.
const RANDOM_BYTES_MAX: usize = 256;

/// The module. It owns its master key and its generator, and nothing else: keys come with each request.
pub struct SoftwareHsm {
    master: Master,
    random: Drbg,
    policy: Policy,
}

impl SoftwareHsm {
    /// A module with that master key, whose random bits begin with `seed`: 48 bytes of full entropy, never used
    /// twice. Tests itself first.
    ///
    /// # Errors
    /// [`SelfTestFailed`]: this machine computes wrongly.
    pub fn new(master: Master, seed: &[u8; SEED_BYTES]) -> Result<Self, SelfTestFailed> {
        self_test()?;
        Ok(Self { master, random: Drbg::new(seed), policy: Policy::Strict })
    }

    /// The same without two rules, as old devices were: it translates between any formats, and puts keys under
    /// weaker ones. For simulated devices alone.
    #[must_use]
    pub fn without_rules(mut self) -> Self {
        self.policy = Policy::Anything;
        self
    }

    /// Its master key.
    pub const fn master(&self) -> &Master {
        &self.master
    }

    /// Adds fresh entropy.
    pub fn reseed(&mut self, seed: &[u8; SEED_BYTES]) {
        self.random.reseed(seed);
    }

    /// A key from components that two people or more have entered, each alone: they are added bit by bit, and the
    /// sum has its parity set. Not among the requests, because no switch asks it: people do.
    ///
    /// # Errors
    /// [`Fault::Components`] for fewer than two, [`Fault::KeyLength`] where they are not alike or not what the key is
    /// to be, [`Fault::Parity`] where their sum is nothing or a shorter key in disguise.
    pub fn form(&mut self, new: &NewKey, components: &[Key]) -> Result<(StoredKey, CheckValue), Fault> {
        let [first, others @ ..] = components else { return Err(Fault::Components) };
        if others.is_empty() || components.len() > COMPONENTS_MAX {
            return Err(Fault::Components);
        }
        let sum = others.iter().try_fold(first.clone(), |sum, next| sum.xor(next));
        let sum = sum.map_err(|_| Fault::KeyLength)?;
        if sum.cipher() != new.cipher || sum.length() != new.bytes {
            return Err(Fault::KeyLength);
        }
        if sum.is_degenerate() || sum.expose().iter().all(|&byte| byte == 0) {
            return Err(Fault::Parity);
        }
        let key = sum.with_parity();
        Ok((self.master.held.store(&key, new, &mut self.random)?, usual(&key)))
    }

    /// The same of components that lie under the master key.
    fn form_stored(&mut self, new: &NewKey, components: &[StoredKey]) -> Result<Answer, Fault> {
        let opened: Result<Vec<Key>, Fault> = components
            .iter()
            .map(|one| self.master.held.open_component(&StoredKey { role: new.role, text: one.text.clone() }))
            .collect();
        let opened = opened?;
        // A block tells its length only when it is open: none shorter than asked for.
        let bytes = opened.first().map_or(0, Key::length).max(new.bytes);
        let (key, check) = self.form(&NewKey { bytes, ..*new }, &opened)?;
        Ok(Answer::Generated { key, wrapped: None, check: Some(check) })
    }

    fn open(&self, stored: &StoredKey, permission: Permission) -> Result<Usable, Fault> {
        self.master.held.open(stored, Some(permission), Fault::Parity)
    }

    fn open_second(&self, stored: &StoredKey, permission: Option<Permission>) -> Result<Usable, Fault> {
        self.master.held.open(stored, permission, Fault::SecondParity)
    }

    fn transport(&self, stored: &StoredKey, permission: Permission) -> Result<Usable, Fault> {
        if stored.role.carries_keys() { self.open(stored, permission) } else { Err(Fault::Usage) }
    }

    fn check_strength(&self, over: &Key, key: &Key) -> Result<(), Fault> {
        if self.policy == Policy::Strict && is_weaker(over, key) { Err(Fault::Weaker) } else { Ok(()) }
    }

    fn generate(&mut self, new: &NewKey, under: Option<&(StoredKey, Form)>) -> Result<Answer, Fault> {
        // Looked at first: a key nobody can be given is not made.
        let transport = under.map(|(key, _)| self.transport(key, Permission::Encipher)).transpose()?;
        let key = self.drawn(new)?;
        let stored = self.master.held.store(&key, new, &mut self.random)?;
        let check = Some(usual(&key));
        let wrapped = match (under, transport) {
            (Some((_, form)), Some(transport)) => {
                let usable = Usable { key, attributes: new.attributes };
                self.check_strength(&transport.key, &usable.key)?;
                Some(put_under(&transport, *form, &usable, new, &mut self.random)?)
            }
            _ => None,
        };
        Ok(Answer::Generated { key: stored, wrapped, check })
    }

    /// A fresh key: of DES with odd parity and parts that differ.
    fn drawn(&mut self, new: &NewKey) -> Result<Key, Fault> {
        let mut bytes = Zeroizing::new(vec![0; new.bytes.min(crate::KEY_BYTES_MAX)]);
        loop {
            self.random.fill(&mut bytes);
            let key = Key::new(new.cipher, &bytes).map_err(|_| Fault::KeyLength)?.with_parity();
            if !key.is_degenerate() {
                return Ok(key);
            }
        }
    }

    fn import(
        &mut self,
        new: &NewKey,
        transport: &StoredKey,
        wrapped: &Wrapped,
        expected: Option<&CheckValue>,
    ) -> Result<Answer, Fault> {
        let transport = self.transport(transport, Permission::Decipher)?;
        let Usable { key, attributes } = take_from(&transport, new, wrapped)?;
        if key.cipher() != new.cipher || key.length() < new.bytes {
            return Err(Fault::KeyLength);
        }
        if key.expose().iter().all(|&byte| byte == 0) {
            return Err(Fault::SecondParity);
        }
        // Who writes the same eight bytes twice needs no transport key to write a key it can search for.
        if key.is_degenerate() {
            return Err(Fault::Weaker);
        }
        let all = check_value(&key, Method::usual(key.cipher())).expect("the usual method fits");
        if expected.is_some_and(|expected| !expected.agrees_with(&all)) {
            return Err(Fault::CheckMismatch);
        }
        let parity_mended = !key.parity_holds();
        let key = key.with_parity();
        let new = NewKey { attributes: new.attributes.or(attributes), ..*new };
        let stored = self.master.held.store(&key, &new, &mut self.random)?;
        Ok(Answer::Imported { key: stored, check: usual(&key), parity_mended })
    }

    fn export(&mut self, key: &StoredKey, transport: &StoredKey, form: Form) -> Result<Answer, Fault> {
        let transport = self.transport(transport, Permission::Encipher)?;
        let usable = self.open_second(key, None)?;
        let new = NewKey {
            role: key.role,
            cipher: usable.key.cipher(),
            bytes: usable.key.length(),
            attributes: usable.attributes,
        };
        self.check_strength(&transport.key, &usable.key)?;
        let wrapped = put_under(&transport, form, &usable, &new, &mut self.random)?;
        Ok(Answer::Exported { wrapped, check: Some(usual(&usable.key)) })
    }

    fn translate(&mut self, block: &[u8], from: &PinSide, to: &PinSide) -> Result<Answer, Fault> {
        if !from.key.role.carries_pins() || !to.key.role.carries_pins() {
            return Err(Fault::Usage);
        }
        let received = self.open(&from.key, Permission::Decipher)?;
        let sent = self.open_second(&to.key, Some(Permission::Encipher))?;
        let from = PinLeg { format: from.format, key: &received.key, pan: &from.pan };
        let to = PinLeg { format: to.format, key: &sent.key, pan: &to.pan };
        let (block, digits) = pin::translate(self.policy, block, from, to, &mut self.random)?;
        Ok(Answer::Pin { block: block.as_bytes().to_vec(), digits: digits as u8 })
    }

    fn mac(&self, data: &MacData, permission: Permission) -> Result<mac::Mac, Fault> {
        if !data.key.role.authenticates() {
            return Err(Fault::Usage);
        }
        let key = self.open(&data.key, permission)?.key;
        mac::make(data.algorithm, data.padding, &key, data.data.expose()).map_err(|error| match error {
            mac::MacError::Padding { .. } | mac::MacError::Partial { .. } => Fault::Request,
            mac::MacError::Cipher { .. } | mac::MacError::KeyLength { .. } => Fault::KeyLength,
        })
    }

    fn derive(&mut self, base: &StoredKey, derivation: Derivation) -> Result<Answer, Fault> {
        if base.role != Role::Bdk {
            return Err(Fault::Usage);
        }
        let bdk = self.open(base, Permission::Derive)?.key;
        let (key, role) = match derivation {
            Derivation::Tdes { ksn, purpose } => {
                use dukpt::tdes;
                let key = tdes::initial_key(&bdk, &ksn)
                    .and_then(|initial| tdes::transaction_key(&initial, &ksn))
                    .and_then(|transaction| tdes::working_key(&transaction, purpose));
                let role = match purpose {
                    tdes::Purpose::Pin => Role::Tpk,
                    tdes::Purpose::MacRequest | tdes::Purpose::MacResponse => Role::Tak,
                    tdes::Purpose::DataRequest => Role::Data,
                };
                // Nobody else keeps a derived key, so its parity may be mended: DES does not look at it.
                (key.map_err(|_| Fault::KeyLength)?.with_parity(), role)
            }
            Derivation::Aes { ksn, purpose, kind } => {
                use dukpt::aes;
                let id = ksn[..8].try_into().expect("eight of twelve");
                let key = aes::initial_key(&bdk, &id)
                    .and_then(|initial| aes::transaction_key(&initial, &ksn))
                    .and_then(|transaction| aes::working_key(&transaction, &ksn, purpose, kind));
                let role = match purpose {
                    aes::Purpose::Pin => Role::Tpk,
                    aes::Purpose::MacGenerate | aes::Purpose::MacVerify | aes::Purpose::MacBoth => Role::Tak,
                    aes::Purpose::KeyEncryption => Role::Tmk,
                    aes::Purpose::DataEncrypt | aes::Purpose::DataDecrypt | aes::Purpose::DataBoth => {
                        Role::Data
                    }
                };
                (key.map_err(derivation_fault)?.with_parity(), role)
            }
        };
        let new = NewKey { role, cipher: key.cipher(), bytes: key.length(), attributes: None };
        let stored = self.master.held.store(&key, &new, &mut self.random)?;
        Ok(Answer::Derived { key: stored, check: usual(&key) })
    }
}

const fn derivation_fault(error: dukpt::aes::DeriveError) -> Fault {
    match error {
        dukpt::aes::DeriveError::Counter => Fault::Request,
        dukpt::aes::DeriveError::Base | dukpt::aes::DeriveError::Stronger => Fault::KeyLength,
    }
}

impl Hsm for SoftwareHsm {
    fn ask(&mut self, request: &Request) -> Result<Answer, Fault> {
        match request {
            Request::Generate { key, under } => self.generate(key, under.as_ref()),
            Request::Import { key, transport, wrapped, expected } => {
                self.import(key, transport, wrapped, expected.as_ref())
            }
            Request::Export { key, transport, form } => self.export(key, transport, *form),
            Request::Form { key, components } => self.form_stored(key, components),
            Request::CheckValue { key, method } => {
                let key = self.master.held.open_any(key, Fault::Parity)?.key;
                let method = method.unwrap_or(Method::usual(key.cipher()));
                let all = check_value(&key, method).map_err(|_| Fault::KeyLength)?;
                // Of AES no more than the standard shows: more would be a piece of a cipher's output.
                Ok(Answer::CheckValue(if key.cipher() == Cipher::Tdes { all } else { all.first(5) }))
            }
            Request::TranslatePin { block, from, to } => self.translate(block.expose(), from, to),
            Request::MakeMac(data) => {
                self.mac(data, Permission::Make).map(|mac| Answer::Mac(mac.as_bytes().to_vec()))
            }
            Request::VerifyMac { data, mac } => {
                let right = self.mac(data, Permission::Verify)?.begins_with(mac);
                if right { Ok(Answer::Verified) } else { Err(Fault::NotVerified) }
            }
            Request::Derive { base, derivation } => self.derive(base, *derivation),
            Request::Random { bytes } => {
                if *bytes > RANDOM_BYTES_MAX {
                    return Err(Fault::DataLength);
                }
                let mut drawn: Zeroizing<Vec<u8>> = Zeroizing::new(vec![0; *bytes]);
                self.random.fill(&mut drawn);
                Ok(Answer::Random(drawn))
            }
            Request::Status => Ok(Answer::Status {
                lmk_check: self.master.check(),
                firmware: concat!("software ", env!("CARGO_PKG_VERSION")).to_string(),
            }),
            Request::Echo(data) => Ok(Answer::Echoed(data.clone())),
            Request::KnownAnswers => {
                let tested = self_test();
                let what = tested.map_or_else(|failed| failed.what, |()| "all of it");
                Ok(Answer::KnownAnswers(vec![KnownAnswer { what, is_right: Some(tested.is_ok()) }]))
            }
        }
    }
}

impl fmt::Debug for SoftwareHsm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a software module, {:?}", self.master)
    }
}
