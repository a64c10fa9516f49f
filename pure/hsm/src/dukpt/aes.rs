//! Derived unique keys on AES. Source: ANSI X9.24-3:2017, 6.

use crate::cipher::{Aes, Blocks as _};
use crate::secret::{Cipher, Key};
use alloc::vec::Vec;
use zeroize::Zeroizing;

/// Bytes of a key serial number: initial key id, then the counter.
pub const KSN_BYTES: usize = 12;

/// What a derived key is for (6.3.2, table 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Enciphers PINs.
    Pin,
    /// Makes MACs.
    MacGenerate,
    /// Verifies MACs.
    MacVerify,
    /// Makes and verifies MACs.
    MacBoth,
    /// Enciphers data.
    DataEncrypt,
    /// Deciphers data.
    DataDecrypt,
    /// Does both.
    DataBoth,
    /// Protects other keys.
    KeyEncryption,
}

/// Which key is derived (6.3.2, table 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Triple DES of 16 bytes.
    Tdes2,
    /// Triple DES of 24 bytes.
    Tdes3,
    /// AES-128.
    Aes128,
    /// AES-192.
    Aes192,
    /// AES-256.
    Aes256,
}

/// Why no key is derived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeriveError {
    /// The base key is for another cipher.
    #[error("keys are derived from an AES key")]
    Base,
    /// The key asked for is stronger than the one derived from.
    #[error("a key is never derived from a weaker one")]
    Stronger,
    /// The counter is nought, or has more ones than devices count with.
    #[error("no device counts so: the counter has no bit, or more than 16 of them")]
    Counter,
}

const OF_DERIVATION: u16 = 0x8000;
const OF_INITIAL: u16 = 0x8001;

/// The key a device begins with.
///
/// # Errors
/// [`DeriveError::Base`].
pub fn initial_key(bdk: &Key, id: &[u8; 8]) -> Result<Key, DeriveError> {
    let kind = Kind::of(bdk).ok_or(DeriveError::Base)?;
    derived(bdk, kind, OF_INITIAL, *id)
}

/// The key all of one transaction's keys are derived from: one step for each bit of the counter.
///
/// # Errors
/// [`DeriveError::Base`], [`DeriveError::Counter`].
pub fn transaction_key(initial: &Key, ksn: &[u8; KSN_BYTES]) -> Result<Key, DeriveError> {
    let kind = Kind::of(initial).ok_or(DeriveError::Base)?;
    let counter = counter(ksn);
    if counter == 0 || counter.count_ones() > 16 {
        return Err(DeriveError::Counter);
    }
    let mut key = initial.clone();
    let mut so_far = 0_u32;
    for bit in (0..32).rev().map(|at| 1_u32 << at).filter(|bit| counter & bit != 0) {
        so_far |= bit;
        key = derived(&key, kind, OF_DERIVATION, context(ksn, so_far))?;
    }
    Ok(key)
}

/// The key of one transaction for one purpose.
///
/// # Errors
/// [`DeriveError::Base`], [`DeriveError::Stronger`].
pub fn working_key(
    transaction: &Key,
    ksn: &[u8; KSN_BYTES],
    purpose: Purpose,
    kind: Kind,
) -> Result<Key, DeriveError> {
    derived(transaction, kind, purpose.code(), context(ksn, counter(ksn)))
}

/// Blocks of derivation data enciphered by the key above (6.3.1).
fn derived(from: &Key, kind: Kind, usage: u16, context: [u8; 8]) -> Result<Key, DeriveError> {
    if from.cipher() != Cipher::Aes {
        return Err(DeriveError::Base);
    }
    if kind.strength() > from.length() * 8 {
        return Err(DeriveError::Stronger);
    }
    let aes = Aes::new(from);
    let length = kind.key_bytes();
    let mut bytes = Zeroizing::new(Vec::with_capacity(32));
    for block in 1..=length.div_ceil(16) as u8 {
        let mut data = [0; 16];
        (data[0], data[1]) = (1, block);
        data[2..4].copy_from_slice(&usage.to_be_bytes());
        data[5] = kind.code();
        data[6..8].copy_from_slice(&(length as u16 * 8).to_be_bytes());
        data[8..].copy_from_slice(&context);
        bytes.extend(aes.encrypt(data));
    }
    Ok(Key::new(kind.cipher(), &bytes[..length]).expect("a kind has a length of its cipher"))
}

fn counter(ksn: &[u8; KSN_BYTES]) -> u32 {
    u32::from_be_bytes(*ksn.last_chunk().expect("four of twelve"))
}

/// The right half of the initial key id, and a counter.
fn context(ksn: &[u8; KSN_BYTES], counter: u32) -> [u8; 8] {
    let mut context = [0; 8];
    context[..4].copy_from_slice(&ksn[4..8]);
    context[4..].copy_from_slice(&counter.to_be_bytes());
    context
}

impl Purpose {
    const fn code(self) -> u16 {
        match self {
            Self::KeyEncryption => 0x0002,
            Self::Pin => 0x1000,
            Self::MacGenerate => 0x2000,
            Self::MacVerify => 0x2001,
            Self::MacBoth => 0x2002,
            Self::DataEncrypt => 0x3000,
            Self::DataDecrypt => 0x3001,
            Self::DataBoth => 0x3002,
        }
    }
}

impl Kind {
    fn of(key: &Key) -> Option<Self> {
        match (key.cipher(), key.length()) {
            (Cipher::Aes, 16) => Some(Self::Aes128),
            (Cipher::Aes, 24) => Some(Self::Aes192),
            (Cipher::Aes, 32) => Some(Self::Aes256),
            _ => None,
        }
    }

    const fn code(self) -> u8 {
        match self {
            Self::Tdes2 => 0,
            Self::Tdes3 => 1,
            Self::Aes128 => 2,
            Self::Aes192 => 3,
            Self::Aes256 => 4,
        }
    }

    const fn cipher(self) -> Cipher {
        match self {
            Self::Tdes2 | Self::Tdes3 => Cipher::Tdes,
            _ => Cipher::Aes,
        }
    }

    const fn key_bytes(self) -> usize {
        match self {
            Self::Tdes2 | Self::Aes128 => 16,
            Self::Tdes3 | Self::Aes192 => 24,
            Self::Aes256 => 32,
        }
    }

    /// Bits of work to find it.
    const fn strength(self) -> usize {
        match self {
            Self::Tdes2 => 80,
            Self::Tdes3 => 112,
            Self::Aes128 => 128,
            Self::Aes192 => 192,
            Self::Aes256 => 256,
        }
    }
}
