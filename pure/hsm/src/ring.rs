//! Which key is used for whom now: what whoever puts security into messages asks of whoever keeps keys.

use crate::check_value::CheckValue;
use crate::ops::{Role, StoredKey};
use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::fmt;
use terms::Timestamp;

/// A key that may be used now, as its module keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyInUse {
    /// The key, under the master key.
    pub key: StoredKey,
    /// Counts up with every new key of the same owner and role, from 1.
    pub generation: u32,
    /// Its check value, for people.
    pub check: CheckValue,
}

/// The keys of one owner and role that may be used now. What is sent is made with the current one, always; what is
/// received may still be made with the one before, as long as its window is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeysInUse {
    /// The one in force.
    pub current: KeyInUse,
    /// The one before it, inside its window and never outside.
    pub previous: Option<KeyInUse>,
}

/// Why there is no key to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoKey {
    /// Nobody of that name has a key of that role.
    #[error("nobody of that name has such a key")]
    Unknown,
    /// There is one, and it may not be used: suspended, compromised, not yet active, or over.
    #[error("the key may not be used now")]
    NotUsable,
}

/// Knows the keys that are in use.
///
/// An owner is a name such as `link/core`, `listener/atm` or `terminal/ATM00001`.
pub trait KeyRing {
    /// The keys of that owner and role at that moment.
    ///
    /// # Errors
    /// [`NoKey`]. Cost: a look into a table; asked for every message.
    fn keys(&self, owner: &str, role: Role, at: Timestamp) -> Result<Cow<'_, KeysInUse>, NoKey>;

    /// Keys that are not in force yet and come into force by being used, the newest first: what is received is tried
    /// under them after the current one and before the previous. Nothing is sent under them.
    fn coming(&self, _owner: &str, _role: Role, _at: Timestamp) -> Vec<KeyInUse> {
        Vec::new()
    }

    /// A message authenticated with the key of that generation arrived, and was right: the owner has it. A coming
    /// one, and every other of its exchange, is the current one from here on.
    fn confirmed(&mut self, _owner: &str, _role: Role, _generation: u32, _at: Timestamp) {}
}

impl fmt::Display for KeyInUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} generation {}, check value {}", self.key.role, self.generation, self.check)
    }
}
