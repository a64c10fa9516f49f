use super::{Attributes, Form, Role, StoredKey, Wrapped};
use crate::check_value::{CheckValue, Method};
use crate::dukpt;
use crate::mac::{Algorithm, Padding};
use crate::pin::Format;
use crate::secret::Cipher;
use alloc::vec::Vec;
use core::fmt;
use terms::{Pan, Sealed};

/// What a module is asked to do.
#[derive(Clone)]
pub enum Request {
    /// Make a key; for a partner too, where there is a transport key and a form.
    Generate {
        /// Which.
        key: NewKey,
        /// Under what, and how.
        under: Option<(StoredKey, Form)>,
    },
    /// Take a key from under a transport key.
    Import {
        /// What it is to be. A key of another cipher, or a shorter one, is refused.
        key: NewKey,
        /// What it comes under.
        transport: StoredKey,
        /// The key.
        wrapped: Wrapped,
        /// What the sender says its check value is. Another one is a fault, and nothing is kept.
        expected: Option<CheckValue>,
    },
    /// Put a key under a transport key.
    Export {
        /// The key.
        key: StoredKey,
        /// What it goes under.
        transport: StoredKey,
        /// How.
        form: Form,
    },
    /// Make a key of components that lie under the master key, each entered by another person.
    Form {
        /// What it is to be.
        key: NewKey,
        /// Two to nine, marked as components where they are blocks.
        components: Vec<StoredKey>,
    },
    /// The check value of a key.
    CheckValue {
        /// The key.
        key: StoredKey,
        /// How; the usual one of its cipher where nothing is said.
        method: Option<Method>,
    },
    /// Move a PIN from one block into another.
    TranslatePin {
        /// The block received.
        block: Sealed,
        /// How it came.
        from: PinSide,
        /// How it goes.
        to: PinSide,
    },
    /// Make a MAC.
    MakeMac(MacData),
    /// Verify a MAC of 4 to 16 bytes.
    VerifyMac {
        /// Key and data.
        data: MacData,
        /// What was received.
        mac: Vec<u8>,
    },
    /// Derive a key for one use.
    Derive {
        /// From what.
        base: StoredKey,
        /// Which.
        derivation: Derivation,
    },
    /// Random bytes, at most 256.
    Random {
        /// How many.
        bytes: usize,
    },
    /// Whether the module is well, and which master key it holds.
    Status,
    /// Say the same back.
    Echo(Vec<u8>),
    /// Compute what everybody can look up, and say whether it came out.
    KnownAnswers,
}

/// A key that is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewKey {
    /// What for.
    pub role: Role,
    /// Its cipher.
    pub cipher: Cipher,
    /// Its length in bytes.
    pub bytes: usize,
    /// How it is marked where blocks are; the role's own way where nothing is said.
    pub attributes: Option<Attributes>,
}

/// One side of a translation.
#[derive(Clone)]
pub struct PinSide {
    /// The PIN key.
    pub key: StoredKey,
    /// The format.
    pub format: Format,
    /// The card number of that side's message.
    pub pan: Pan,
}

/// What a MAC is made of.
#[derive(Clone)]
pub struct MacData {
    /// The key.
    pub key: StoredKey,
    /// How.
    pub algorithm: Algorithm,
    /// How the data is filled up.
    pub padding: Padding,
    /// The data.
    pub data: Sealed,
}

/// Which key is derived from a base key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Derivation {
    /// By triple DES.
    Tdes {
        /// The serial number the terminal sent.
        ksn: [u8; dukpt::tdes::KSN_BYTES],
        /// What for.
        purpose: dukpt::tdes::Purpose,
    },
    /// By AES.
    Aes {
        /// The serial number the terminal sent.
        ksn: [u8; dukpt::aes::KSN_BYTES],
        /// What for.
        purpose: dukpt::aes::Purpose,
        /// Which kind of key.
        kind: dukpt::aes::Kind,
    },
}

impl Request {
    /// What it asks, in a word: for logs and figures.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Generate { .. } => "generate",
            Self::Import { .. } => "import",
            Self::Export { .. } => "export",
            Self::Form { .. } => "form",
            Self::CheckValue { .. } => "check_value",
            Self::TranslatePin { .. } => "translate_pin",
            Self::MakeMac(_) => "make_mac",
            Self::VerifyMac { .. } => "verify_mac",
            Self::Derive { .. } => "derive",
            Self::Random { .. } => "random",
            Self::Status => "status",
            Self::Echo(_) => "echo",
            Self::KnownAnswers => "known_answers",
        }
    }

    /// Whether asking twice does no harm: everything but what makes or moves a key. A key made twice is two keys,
    /// of which a partner may hold the other.
    pub const fn is_repeatable(&self) -> bool {
        !matches!(self, Self::Generate { .. })
    }

    /// Whether it manages keys rather than serves a transaction: such requests have a quota of their own.
    pub const fn manages_keys(&self) -> bool {
        matches!(
            self,
            Self::Generate { .. }
                | Self::Import { .. }
                | Self::Export { .. }
                | Self::Form { .. }
                | Self::CheckValue { .. }
        )
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl NewKey {
    /// A triple-DES key of two parts: what most partners still exchange.
    pub const fn tdes(role: Role) -> Self {
        Self { role, cipher: Cipher::Tdes, bytes: 16, attributes: None }
    }

    /// An AES key of so many bytes.
    pub const fn aes(role: Role, bytes: usize) -> Self {
        Self { role, cipher: Cipher::Aes, bytes, attributes: None }
    }
}
