//! The audit of keys: entries each of which carries the digest of the one before, so that none can be changed, taken
//! out or put in without its being found, and where.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use sha2::{Digest as _, Sha256};

/// A digest of everything up to an entry.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 32]);

/// What is written of one act: who, what, why, and of which key. Never a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Counted from 1.
    pub number: u64,
    /// When, in milliseconds since 1970-01-01 UTC.
    pub at_ms: i64,
    /// Who.
    pub by: String,
    /// The second person, where two were asked for.
    pub second: String,
    /// What was done, in a word.
    pub act: String,
    /// On what: an owner, or a thing of the house.
    pub on: String,
    /// What became of which key: purpose, generation, states and check value, before and after.
    pub changes: Vec<String>,
    /// Why.
    pub reason: String,
    /// The digest of the file of keys as it is with this entry; `None` where it is about no file.
    pub file: Option<Digest>,
}

/// What is wrong with a chain, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The numbers do not follow each other.
    #[error("entry {expected} should be here, and entry {found} is: one was taken out or put in")]
    Number {
        /// The one that should follow.
        expected: u64,
        /// The one that does.
        found: u64,
    },
    /// It does not follow the one before it.
    #[error(
        "entry {number} does not follow the one before it: that one was changed, or others were between them"
    )]
    Link {
        /// Which.
        number: u64,
    },
    /// It is not what was written.
    #[error("entry {number} is not what was written")]
    Contents {
        /// Which.
        number: u64,
    },
}

impl Digest {
    /// Before the first entry.
    pub const NONE: Self = Self([0; 32]);

    /// The digest of some bytes. Cost: one SHA-256 (FIPS 180-4).
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The digest once this entry follows. Cost: one SHA-256 (FIPS 180-4) over the entry.
    #[must_use]
    pub fn then(&self, entry: &Entry) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(b"sekisho audit 1");
        hasher.update(self.0);
        hasher.update(entry.number.to_be_bytes());
        hasher.update(entry.at_ms.to_be_bytes());
        let mut text = |text: &str| {
            // Lengths first: no two entries are the same bytes.
            hasher.update((text.len() as u64).to_be_bytes());
            hasher.update(text.as_bytes());
        };
        [&entry.by, &entry.second, &entry.act, &entry.on, &entry.reason]
            .into_iter()
            .for_each(|field| text(field));
        entry.changes.iter().for_each(|change| text(change));
        if let Some(file) = &entry.file {
            // No length begins like this: it is no change of that text.
            hasher.update(b"file");
            hasher.update(file.0);
        }
        Self(hasher.finalize().into())
    }

    /// Reads 64 hex digits.
    pub fn parse(text: &str) -> Option<Self> {
        let mut digest = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return None;
        }
        for (at, byte) in digest.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok()?;
        }
        Some(Self(digest))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Follows a chain entry by entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Entries so far.
    pub number: u64,
    /// The digest of all of them.
    pub digest: Digest,
}

impl Default for Head {
    fn default() -> Self {
        Self { number: 0, digest: Digest::NONE }
    }
}

impl Head {
    /// Takes the next entry, with the digests that were written with it.
    ///
    /// # Errors
    /// [`Broken`], where it does not follow or is not what was written.
    pub fn follow(&mut self, entry: &Entry, before: Digest, after: Digest) -> Result<(), Broken> {
        let expected = self.number + 1;
        if entry.number != expected {
            return Err(Broken::Number { expected, found: entry.number });
        }
        if before != self.digest {
            return Err(Broken::Link { number: entry.number });
        }
        if before.then(entry) != after {
            return Err(Broken::Contents { number: entry.number });
        }
        (self.number, self.digest) = (entry.number, after);
        Ok(())
    }
}
