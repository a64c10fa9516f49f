use super::keys::Held;
use crate::check_value::usual;
use crate::drbg::{Random, SEED_BYTES};
use crate::keyblock::Version;
use crate::lmk::VariantLmk;
use crate::secret::{Cipher, Key};
use alloc::format;
use alloc::string::String;
use core::fmt;

/// The key all others lie under at rest.
#[derive(Clone)]
pub struct Master {
    pub(super) held: Held,
}

/// Why there is no master key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MasterError {
    /// One component is one person's key.
    #[error("a master key is made of two components at least, not of {found}")]
    Components {
        /// How many there were.
        found: usize,
    },
    /// Components are AES keys of 32 bytes.
    #[error("component {number} is no AES key of 32 bytes")]
    Component {
        /// Which, from 1.
        number: usize,
    },
    /// Two components are alike, or their sum is nothing.
    #[error("the components cancel each other out")]
    Weak,
}

impl Master {
    /// An AES-256 master key from components, which are added bit by bit: whoever lacks one knows nothing. Keys at
    /// rest are blocks of X9.143, version D.
    ///
    /// # Errors
    /// [`MasterError`].
    pub fn from_components(components: &[Key]) -> Result<Self, MasterError> {
        let fits = |key: &Key| key.cipher() == Cipher::Aes && key.length() == 32;
        if let Some(at) = components.iter().position(|key| !fits(key)) {
            return Err(MasterError::Component { number: at + 1 });
        }
        let [first, others @ ..] = components else { return Err(MasterError::Components { found: 0 }) };
        if others.is_empty() {
            return Err(MasterError::Components { found: 1 });
        }
        let sum = others.iter().try_fold(first.clone(), |sum, next| sum.xor(next)).ok();
        let sum = sum.filter(|sum| sum.expose().iter().any(|&byte| byte != 0));
        sum.map(|sum| Self::blocks(Version::D, &sum, *b"00")).ok_or(MasterError::Weak)
    }

    /// One for a demo, which ends with the process that drew it.
    pub fn drawn(random: &mut dyn Random) -> Self {
        let mut bytes = zeroize::Zeroizing::new([0; 32]);
        random.fill(&mut *bytes);
        Self::blocks(Version::D, &Key::aes(&*bytes).expect("32 bytes"), *b"00")
    }

    /// A master key that keeps keys in blocks of a version, marked with its id.
    pub(crate) fn blocks(version: Version, key: &Key, id: [u8; 2]) -> Self {
        Self { held: Held::in_blocks(version, key, id) }
    }

    /// A master key of variants.
    pub const fn variants(lmk: VariantLmk) -> Self {
        Self { held: Held::InVariants(lmk) }
    }

    /// Its check value as modules print it: sixteen hex digits.
    pub fn check(&self) -> String {
        match &self.held {
            Held::InBlocks { check, .. } => format!("{check:0<16}"),
            // The pair that transport keys lie under stands for all of them.
            Held::InVariants(lmk) => {
                let key = lmk.key_for(crate::lmk::KeyType::ZMK);
                format!("{:0<16}", format!("{}", usual(&key)))
            }
        }
    }

    /// Bytes of the seed a module of it begins with.
    pub const SEED_BYTES: usize = SEED_BYTES;
}

impl fmt::Debug for Master {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a master key, check value {}", self.check())
    }
}
