//! A ceremony: people enter components, each alone, and a key comes of them.

use crate::{StoreError, files};
use hsm::check_value::{CheckValue, usual};
use hsm::drbg::Random;
use hsm::keyblock::{Header, Version, open, wrap};
use hsm::ops::Role;
use hsm::{Cipher, Key};
use keys::Owner;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// What the key is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The master key of the software module.
    Master,
    /// A key of an owner.
    Key(Owner, Role),
}

/// A ceremony under way.
pub struct Ceremony {
    directory: PathBuf,
    file: CeremonyFile,
    key: Key,
}

/// A component that was entered, without itself.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Entered {
    /// Who.
    pub by: String,
    /// Its check value.
    pub check: String,
    block: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CeremonyFile {
    purpose: String,
    cipher: String,
    bytes: usize,
    wanted: usize,
    started_by: String,
    entered: Vec<Entered>,
    /// Components are those of a device, as its console enciphered them.
    #[serde(default)]
    device: bool,
}

/// Which module makes the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Maker {
    /// The software module: components are entered in clear, and lie under a key of the ceremony.
    Software,
    /// A device: components are entered as its own console enciphered them, and lie so.
    Device,
}

/// Why a ceremony does not go on.
#[derive(Debug, thiserror::Error)]
pub enum CeremonyError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// None is under way.
    #[error("no ceremony is under way")]
    None,
    /// One is under way.
    #[error("a ceremony for {purpose} is under way, {entered} of {wanted} components are in")]
    UnderWay {
        /// What for.
        purpose: String,
        /// Components so far.
        entered: usize,
        /// Components it takes.
        wanted: usize,
    },
    /// One person's key.
    #[error("{by} has entered a component already: each is another person's")]
    SamePerson {
        /// Who.
        by: String,
    },
    /// All are in.
    #[error("all {wanted} components are in")]
    Full {
        /// How many.
        wanted: usize,
    },
    /// Some are missing.
    #[error("{entered} of {wanted} components are in")]
    Missing {
        /// Components so far.
        entered: usize,
        /// Components it takes.
        wanted: usize,
    },
    /// It has another length.
    #[error("a component is {} hex digits long ({expected} bytes), and this one is not", .expected * 2)]
    Length {
        /// Bytes it should have.
        expected: usize,
    },
    /// It is nothing, or the same as another.
    #[error("this component is all zeros, or the same as another: it would hide nothing")]
    Weak,
    /// One person is not a ceremony.
    #[error("a key is made of two components at least")]
    TooFew,
    /// What was kept of it cannot be read.
    #[error("what was kept of the ceremony cannot be read: abort it")]
    Damaged,
}

fn file_path(directory: &Path) -> PathBuf {
    directory.join("ceremony.json")
}

fn key_path(directory: &Path) -> PathBuf {
    directory.join("ceremony.key")
}

impl Ceremony {
    /// Begins one. `fresh` protects components until it ends.
    ///
    /// # Errors
    /// [`CeremonyError::UnderWay`], [`CeremonyError::TooFew`].
    pub fn start(
        directory: &Path,
        purpose: &Purpose,
        (cipher, bytes): (Cipher, usize),
        (wanted, maker): (usize, Maker),
        by: &str,
        fresh: &[u8; 32],
    ) -> Result<Self, CeremonyError> {
        files::make_directory(directory)?;
        let _lock = files::lock(directory)?;
        if let Some(found) = Self::read(directory)? {
            let CeremonyFile { purpose, wanted, entered, .. } = found.file;
            return Err(CeremonyError::UnderWay { purpose, entered: entered.len(), wanted });
        }
        if wanted < 2 {
            return Err(CeremonyError::TooFew);
        }
        if Key::new(cipher, &vec![0; bytes]).is_err() {
            return Err(CeremonyError::Length { expected: bytes });
        }
        let purpose = match purpose {
            Purpose::Master => "lmk".into(),
            Purpose::Key(owner, role) => format!("{owner} {}", role.name()),
        };
        let device = maker == Maker::Device;
        let (cipher, started_by) = (name_of(cipher).into(), by.into());
        let file = CeremonyFile { purpose, cipher, bytes, wanted, started_by, entered: Vec::new(), device };
        files::replace(directory, &key_path(directory), fresh)?;
        let key = Key::aes(fresh).expect("32 bytes");
        let ceremony = Self { directory: directory.into(), file, key };
        ceremony.write()?;
        Ok(ceremony)
    }

    /// The one that is under way.
    ///
    /// # Errors
    /// [`CeremonyError::None`].
    pub fn under_way(directory: &Path) -> Result<Self, CeremonyError> {
        Self::read(directory)?.ok_or(CeremonyError::None)
    }

    fn read(directory: &Path) -> Result<Option<Self>, CeremonyError> {
        let Some(text) = files::read(&file_path(directory))? else { return Ok(None) };
        let key = files::read(&key_path(directory))?.ok_or(CeremonyError::Damaged)?;
        let key = Key::aes(&key).map_err(|_| CeremonyError::Damaged)?;
        let file = serde_json::from_slice(&text).map_err(|_| CeremonyError::Damaged)?;
        Ok(Some(Self { directory: directory.into(), file, key }))
    }

    fn write(&self) -> Result<(), StoreError> {
        let text = serde_json::to_vec(&self.file).expect("texts and numbers");
        files::replace(&self.directory, &file_path(&self.directory), &text)
    }

    /// What the key is to be.
    ///
    /// # Errors
    /// [`CeremonyError::Damaged`].
    pub fn purpose(&self) -> Result<Purpose, CeremonyError> {
        if self.file.purpose == "lmk" {
            return Ok(Purpose::Master);
        }
        let parts = self.file.purpose.split_once(' ');
        let key = parts.and_then(|(owner, role)| Some((Owner::parse(owner)?, Role::named(role)?)));
        key.map(|(owner, role)| Purpose::Key(owner, role)).ok_or(CeremonyError::Damaged)
    }

    /// What for, in words.
    pub fn purpose_text(&self) -> &str {
        &self.file.purpose
    }

    /// Cipher and bytes of the key.
    ///
    /// # Errors
    /// [`CeremonyError::Damaged`].
    pub fn shape(&self) -> Result<(Cipher, usize), CeremonyError> {
        let cipher = cipher_of(&self.file.cipher).ok_or(CeremonyError::Damaged)?;
        Ok((cipher, self.file.bytes))
    }

    /// Who began it.
    pub fn started_by(&self) -> &str {
        &self.file.started_by
    }

    /// Which module makes the key.
    pub const fn maker(&self) -> Maker {
        if self.file.device { Maker::Device } else { Maker::Software }
    }

    /// Components it takes.
    pub const fn wanted(&self) -> usize {
        self.file.wanted
    }

    /// Those that are in, without themselves.
    pub fn entered(&self) -> &[Entered] {
        &self.file.entered
    }

    /// Takes one person's component; gives its check value.
    ///
    /// # Errors
    /// [`CeremonyError`]: the same person again, one too many, another length, one that hides nothing.
    pub fn enter(
        &mut self,
        by: &str,
        component: &Key,
        random: &mut dyn Random,
    ) -> Result<CheckValue, CeremonyError> {
        let _lock = files::lock(&self.directory)?;
        self.is_next(by)?;
        let (cipher, bytes) = self.shape()?;
        if component.cipher() != cipher || component.length() != bytes {
            return Err(CeremonyError::Length { expected: bytes });
        }
        let check = usual(component);
        if self.has(&check) || component.expose().iter().all(|&byte| byte == 0) {
            return Err(CeremonyError::Weak);
        }
        let algorithm = match cipher {
            Cipher::Tdes if bytes == 8 => b'D',
            Cipher::Tdes => b'T',
            Cipher::Aes => b'A',
            Cipher::Sm4 => b'S',
        };
        let mut header = Header::new(Version::D, *b"K0", algorithm, b'N');
        header.key_version = [b'c', b'1' + self.file.entered.len() as u8];
        let block = wrap(&self.key, &header, component, random).map_err(|_| CeremonyError::Damaged)?;
        self.file.entered.push(Entered { by: by.into(), check: check.to_string(), block });
        self.write()?;
        Ok(check)
    }

    /// Takes one person's component as the device's console enciphered it, with the check value the device told.
    ///
    /// # Errors
    /// [`CeremonyError`]: the same person again, one too many, the same component again.
    pub fn enter_enciphered(
        &mut self,
        by: &str,
        component: &str,
        check: CheckValue,
    ) -> Result<(), CeremonyError> {
        let _lock = files::lock(&self.directory)?;
        self.is_next(by)?;
        if self.has(&check) {
            return Err(CeremonyError::Weak);
        }
        let (by, check, block) = (by.into(), check.to_string(), component.into());
        self.file.entered.push(Entered { by, check, block });
        Ok(self.write()?)
    }

    /// Whether that person may enter one now. Under the lock: reads what others entered meanwhile.
    fn is_next(&mut self, by: &str) -> Result<(), CeremonyError> {
        *self = Self::under_way(&self.directory)?;
        if self.file.entered.iter().any(|entered| entered.by == by) {
            return Err(CeremonyError::SamePerson { by: by.into() });
        }
        if self.file.entered.len() >= self.file.wanted {
            return Err(CeremonyError::Full { wanted: self.file.wanted });
        }
        Ok(())
    }

    fn has(&self, check: &CheckValue) -> bool {
        self.file.entered.iter().any(|entered| entered.check == check.to_string())
    }

    fn is_full(&self) -> Result<(), CeremonyError> {
        let (entered, wanted) = (self.file.entered.len(), self.file.wanted);
        if entered < wanted { Err(CeremonyError::Missing { entered, wanted }) } else { Ok(()) }
    }

    /// Every component as the device's console enciphered it, once all are in.
    ///
    /// # Errors
    /// [`CeremonyError::Missing`].
    pub fn enciphered(&self) -> Result<Vec<String>, CeremonyError> {
        self.is_full()?;
        Ok(self.file.entered.iter().map(|entered| entered.block.clone()).collect())
    }

    /// Every component, once all are in.
    ///
    /// # Errors
    /// [`CeremonyError::Missing`], [`CeremonyError::Damaged`].
    pub fn components(&self) -> Result<Vec<Key>, CeremonyError> {
        self.is_full()?;
        let opened = |entered: &Entered| open(&self.key, &entered.block).ok()?.key()?.ok();
        let keys: Option<Vec<Key>> = self.file.entered.iter().map(opened).collect();
        keys.ok_or(CeremonyError::Damaged)
    }

    /// Ends it, and erases what was entered.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn end(directory: &Path) -> Result<(), StoreError> {
        // The key first: without it the components are nothing.
        files::erase(directory, &key_path(directory))?;
        files::erase(directory, &file_path(directory))
    }
}

const fn name_of(cipher: Cipher) -> &'static str {
    match cipher {
        Cipher::Tdes => "tdes",
        Cipher::Aes => "aes",
        Cipher::Sm4 => "sm4",
    }
}

fn cipher_of(name: &str) -> Option<Cipher> {
    [Cipher::Tdes, Cipher::Aes, Cipher::Sm4].into_iter().find(|cipher| name_of(*cipher) == name)
}
