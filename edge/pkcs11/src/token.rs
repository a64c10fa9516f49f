use crate::error::{fault_of, said};
use crate::held::Held;
use crate::library::Library;
use crate::login::log_in;
use crate::masters::Masters;
use crate::{Abilities, OpenError, TokenConfig};
use cryptoki::error::Error;
use cryptoki::object::ObjectHandle;
use cryptoki::session::Session;
use cryptoki::slot::{Slot, TokenInfo};
use hsm::ops::{Answer, Fault, Hsm, Request};
use std::fmt;
use zeroize::Zeroizing;

/// Most random bytes given at once, as of every module.
const RANDOM_BYTES_MAX: usize = 256;

/// A session with a token, logged in, its master keys found. It answers when the token does.
pub struct Token {
    // In this order: a session ends before its library does.
    pub(crate) session: Session,
    pub(crate) masters: Masters,
    pub(crate) held: Held,
    can: Abilities,
    check: String,
    firmware: String,
    slot: Slot,
    config: TokenConfig,
    library: Library,
}

impl Token {
    /// A session with the token that is named, and with no other.
    ///
    /// # Errors
    /// [`OpenError`]. A PIN that was refused is not tried again before its file is written anew.
    pub fn open(config: &TokenConfig) -> Result<Self, OpenError> {
        let library = Library::open(&config.module)?;
        let (slot, about) = find(config, &library)?;
        let session = library.calls.open_ro_session(slot)?;
        log_in(config, &session, &about)?;
        let masters = Masters::find(&session, &config.key)?;
        let lacks = |error: Error| {
            let said = said(&error);
            match fault_of(&error) {
                Fault::Device(_) => OpenError::Call { said },
                _ => OpenError::Lacks { what: "wrap keys by AES and seal them by CMAC", said },
            }
        };
        let check = masters.check(&session).map_err(lacks)?;
        let can = Abilities::of(&session);
        let version = about.firmware_version();
        let (maker, model, serial) = (about.manufacturer_id(), about.model(), about.serial_number());
        let firmware =
            format!("{maker} {model} {}.{}, serial number {serial}", version.major(), version.minor());
        let (held, config) = (Held::default(), config.clone());
        Ok(Self { session, masters, held, can, check, firmware, slot, config, library })
    }

    /// Draws master keys in the token that is named, and says their check value.
    ///
    /// # Errors
    /// [`OpenError`]; [`OpenError::MasterThere`] where there are some: keys may lie under them.
    pub fn make_masters(config: &TokenConfig) -> Result<String, OpenError> {
        let library = Library::open(&config.module)?;
        let (slot, about) = find(config, &library)?;
        let session = library.calls.open_rw_session(slot)?;
        log_in(config, &session, &about)?;
        let masters = Masters::make(&session, &config.key)?;
        Ok(masters.check(&session)?)
    }

    /// The check value of its master keys.
    pub fn check(&self) -> &str {
        &self.check
    }

    /// What it is, for people.
    pub fn firmware(&self) -> &str {
        &self.firmware
    }

    /// What it can do.
    pub const fn abilities(&self) -> Abilities {
        self.can
    }

    /// An object of the session that goes when this is dropped.
    pub(crate) const fn while_needed(&self, handle: ObjectHandle) -> Temporary<'_> {
        Temporary { session: &self.session, handle }
    }

    /// Whether the same token is still there, and with which master keys.
    fn status(&mut self) -> Result<Answer, Fault> {
        let about = self.library.calls.get_token_info(self.slot).map_err(|error| fault_of(&error))?;
        if !is_wanted(&self.config, &about) {
            return Err(Fault::Device(*b"E0"));
        }
        // Looked for anew: a token that was made anew behind our back has others, or none.
        let masters = Masters::find(&self.session, &self.config.key).map_err(|_| Fault::Device(*b"MK"))?;
        if masters != self.masters {
            return Err(Fault::Device(*b"MK"));
        }
        let lmk_check = masters.check(&self.session).map_err(|error| fault_of(&error))?;
        Ok(Answer::Status { lmk_check, firmware: self.firmware.clone() })
    }

    fn random(&self, bytes: usize) -> Result<Answer, Fault> {
        if bytes > RANDOM_BYTES_MAX {
            return Err(Fault::DataLength);
        }
        let mut drawn = Zeroizing::new(vec![0; bytes]);
        self.session.generate_random_slice(&mut drawn).map_err(|error| fault_of(&error))?;
        Ok(Answer::Random(drawn))
    }
}

impl Hsm for Token {
    fn ask(&mut self, request: &Request) -> Result<Answer, Fault> {
        match request {
            Request::Generate { key, under } => self.generate(key, under.as_ref()),
            Request::Import { key, transport, wrapped, expected } => {
                self.import(key, transport, wrapped, expected.as_ref())
            }
            Request::Export { key, transport, form } => self.export(key, transport, *form),
            Request::CheckValue { key, method } => self.check_value(key, *method),
            Request::TranslatePin { .. } => Err(Fault::WouldShowPin),
            Request::MakeMac(data) => self.make_mac(data),
            Request::VerifyMac { data, mac } => self.verify_mac(data, mac),
            // Each step of it shows a key to whoever takes it. Components are put together by the token's own tool.
            Request::Derive { .. } | Request::Form { .. } => Err(Fault::NotOffered),
            Request::Random { bytes } => self.random(*bytes),
            Request::Status => self.status(),
            // Whoever is called is there.
            Request::Echo(data) => Ok(Answer::Echoed(data.clone())),
            Request::KnownAnswers => self.known_answers(),
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a token, master key {}", self.check)
    }
}

/// An object that is destroyed again.
pub(crate) struct Temporary<'s> {
    session: &'s Session,
    pub(crate) handle: ObjectHandle,
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        // It ends with the session at the latest.
        let _ = self.session.destroy_object(self.handle);
    }
}

fn is_wanted(config: &TokenConfig, about: &TokenInfo) -> bool {
    let agrees = |wanted: &Option<String>, found: &str| {
        wanted.as_deref().is_none_or(|wanted| wanted == found.trim_end())
    };
    about.token_initialized()
        && agrees(&config.label, about.label())
        && agrees(&config.serial, about.serial_number())
}

fn find(config: &TokenConfig, library: &Library) -> Result<(Slot, TokenInfo), OpenError> {
    let mut wanted = Vec::new();
    let mut there = Vec::new();
    for slot in library.calls.get_slots_with_token()? {
        // One that is being taken out is not there.
        let Ok(about) = library.calls.get_token_info(slot) else { continue };
        if about.token_initialized() {
            there.push(format!("`{}` with serial number {}", about.label(), about.serial_number()));
        }
        if is_wanted(config, &about) {
            wanted.push((slot, about));
        }
    }
    let found = if there.is_empty() { "none".to_owned() } else { there.join(", ") };
    let mut wanted = wanted.into_iter();
    match (wanted.next(), wanted.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => Err(OpenError::NoToken { wanted: config.wanted(), found }),
        (Some(_), Some(_)) => Err(OpenError::SeveralTokens { wanted: config.wanted(), found }),
    }
}
