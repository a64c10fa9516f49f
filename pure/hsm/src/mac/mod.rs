//! Message authentication codes.

mod padding;
pub mod unionpay;

pub use padding::Padding;

use crate::cipher::{Blocks, Sm4, Tdes, aes_cmac, cbc_last, xor};
use crate::secret::{Cipher, Key, same};
use alloc::vec::Vec;
use core::fmt;
use zeroize::Zeroizing;

/// How a MAC is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// DES in CBC, filled with zeros. Source: ANSI X9.9; FIPS 113.
    X99,
    /// DES in CBC, the last block by triple DES, filled with zeros. Source: ANSI X9.19.
    X919,
    /// CBC with one key of any length. Source: ISO/IEC 9797-1:2011, algorithm 1.
    Iso1,
    /// As X9.19, filled by choice. Source: ISO/IEC 9797-1:2011, algorithm 3.
    Iso3,
    /// Triple DES in CBC, filled by choice. Source: ISO 16609:2012, annex C.
    TdesCbc,
    /// CMAC. Source: NIST SP 800-38B; RFC 4493.
    AesCmac,
    /// All blocks added, the sum written as hex and enciphered twice. See [`unionpay::ecb`].
    UnionPayEcb,
    /// The text made plain, then CBC. See [`unionpay::plain`].
    UnionPayCbc,
    /// SM4 in CBC, filled with zeros. Source: GB/T 15852.1-2020, MAC algorithm 1, with GB/T 32907-2016.
    Sm4Cbc,
}

/// Why there is no MAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MacError {
    /// The key is for another cipher.
    #[error("{algorithm} takes a key for {expected}, and this one is for {found}")]
    Cipher {
        /// The algorithm.
        algorithm: Algorithm,
        /// What it takes.
        expected: Cipher,
        /// What the key is for.
        found: Cipher,
    },
    /// The key has a length the algorithm does not take.
    #[error("{algorithm} takes a key of {expected} bytes, not {found}")]
    KeyLength {
        /// The algorithm.
        algorithm: Algorithm,
        /// What it takes.
        expected: &'static str,
        /// What the key has.
        found: usize,
    },
    /// Without filling, data is whole blocks.
    #[error("{algorithm} without filling takes whole blocks of 8 bytes, and the last one has {found}")]
    Partial {
        /// The algorithm.
        algorithm: Algorithm,
        /// Bytes of the last block.
        found: usize,
    },
    /// The algorithm has a filling of its own.
    #[error("{algorithm} is filled with zeros and no other way")]
    Padding {
        /// The algorithm.
        algorithm: Algorithm,
    },
}

/// A MAC of 8 or 16 bytes, of which fewer may travel.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Mac {
    bytes: [u8; 16],
    length: u8,
}

/// Fewest bytes of a MAC that are compared: what X9.9 sends. Fewer would be guessed.
pub const MAC_BYTES_MIN: usize = 4;

/// Names of algorithms, as configurations, dialect files and command lines write them.
const NAMES: [(&str, Algorithm); 9] = [
    ("x99", Algorithm::X99),
    ("x919", Algorithm::X919),
    ("iso9797-1", Algorithm::Iso1),
    ("iso9797-3", Algorithm::Iso3),
    ("tdes-cbc", Algorithm::TdesCbc),
    ("aes-cmac", Algorithm::AesCmac),
    ("unionpay-ecb", Algorithm::UnionPayEcb),
    ("unionpay-cbc", Algorithm::UnionPayCbc),
    ("sm4-cbc", Algorithm::Sm4Cbc),
];

impl Algorithm {
    /// The algorithm of that name.
    pub fn named(name: &str) -> Option<Self> {
        NAMES.iter().find(|(one, _)| *one == name).map(|(_, algorithm)| *algorithm)
    }

    /// Every name there is.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(name, _)| *name)
    }

    /// The cipher of its keys.
    pub const fn cipher(self) -> Cipher {
        match self {
            Self::AesCmac => Cipher::Aes,
            Self::Sm4Cbc => Cipher::Sm4,
            _ => Cipher::Tdes,
        }
    }

    /// Whether the filling is a choice.
    pub const fn has_choice_of_padding(self) -> bool {
        matches!(self, Self::Iso1 | Self::Iso3 | Self::TdesCbc)
    }

    const fn takes(self, key_bytes: usize) -> Option<&'static str> {
        let (lengths, fits) = match self {
            Self::X99 => ("8", key_bytes == 8),
            Self::X919 | Self::Iso3 => ("16 or 24", key_bytes == 16 || key_bytes == 24),
            Self::TdesCbc => ("16 or 24", key_bytes != 8),
            _ => ("", true),
        };
        if fits { None } else { Some(lengths) }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::X99 => "X9.9",
            Self::X919 => "X9.19",
            Self::Iso1 => "ISO 9797-1 algorithm 1",
            Self::Iso3 => "ISO 9797-1 algorithm 3",
            Self::TdesCbc => "triple DES in CBC",
            Self::AesCmac => "AES-CMAC",
            Self::UnionPayEcb => "UnionPay ECB",
            Self::UnionPayCbc => "UnionPay CBC",
            Self::Sm4Cbc => "SM4 in CBC",
        })
    }
}

/// The MAC of `data`. `padding` is what algorithms with a choice use; others take [`Padding::Zeros`] alone.
///
/// # Errors
/// [`MacError`] where key, algorithm and filling do not fit together.
pub fn make(algorithm: Algorithm, padding: Padding, key: &Key, data: &[u8]) -> Result<Mac, MacError> {
    check(algorithm, padding, (key.cipher(), key.length()), data.len())?;
    Ok(match algorithm {
        Algorithm::X99 | Algorithm::Iso1 | Algorithm::TdesCbc => {
            Mac::new(&chained(&Tdes::new(key), padding, data))
        }
        Algorithm::X919 | Algorithm::Iso3 => Mac::new(&retail(key, padding, data)),
        Algorithm::AesCmac => Mac::new(&aes_cmac(key, &[data])),
        Algorithm::UnionPayEcb => Mac::new(&unionpay::ecb(key, data)),
        Algorithm::UnionPayCbc => {
            Mac::new(&chained(&Tdes::new(key), Padding::Zeros, &unionpay::plain([data])))
        }
        Algorithm::Sm4Cbc => Mac::new(&chained(&Sm4::new(key), Padding::Zeros, data)),
    })
}

/// Whether algorithm, filling, cipher and length of a key and length of the data fit together: for whoever has a key
/// that is somewhere else.
///
/// # Errors
/// [`MacError`].
pub const fn check(
    algorithm: Algorithm,
    padding: Padding,
    (cipher, key_bytes): (Cipher, usize),
    data_bytes: usize,
) -> Result<(), MacError> {
    let expected = algorithm.cipher();
    if cipher as u8 != expected as u8 {
        return Err(MacError::Cipher { algorithm, expected, found: cipher });
    }
    if let Some(expected) = algorithm.takes(key_bytes) {
        return Err(MacError::KeyLength { algorithm, expected, found: key_bytes });
    }
    if !algorithm.has_choice_of_padding() && !matches!(padding, Padding::Zeros) {
        return Err(MacError::Padding { algorithm });
    }
    if matches!(padding, Padding::None) && !data_bytes.is_multiple_of(8) {
        return Err(MacError::Partial { algorithm, found: data_bytes % 8 });
    }
    Ok(())
}

/// Data filled up to whole blocks of 8 bytes, as CBC takes it: for whoever enciphers it somewhere else.
pub fn filled(padding: Padding, data: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut blocks = Zeroizing::new(Vec::with_capacity(data.len() + 16));
    if padding == Padding::Length {
        blocks.extend(padding::length_block::<8>(data.len()));
    }
    let (whole, left) = data.split_at(data.len() / 8 * 8);
    blocks.extend(whole);
    blocks.extend(padding.last_block::<8>(data.len(), left).into_iter().flatten());
    blocks
}

/// Whether `found`, 4 bytes at least, is the beginning of the right MAC. The time says nothing about where two
/// MACs part.
///
/// # Errors
/// As [`make`].
pub fn verify(
    algorithm: Algorithm,
    padding: Padding,
    key: &Key,
    data: &[u8],
    found: &[u8],
) -> Result<bool, MacError> {
    Ok(make(algorithm, padding, key, data)?.begins_with(found))
}

/// CBC over the filled data from a chaining value of zeros: its last block. What the last partial block lacks is
/// filled here, so that the data is not copied.
fn chained<const N: usize>(with: &impl Blocks<N>, padding: Padding, data: &[u8]) -> [u8; N] {
    let begun = match padding {
        Padding::Length => with.encrypt(padding::length_block(data.len())),
        Padding::Zeros | Padding::Bit | Padding::None => [0; N],
    };
    let whole = data.len() / N * N;
    let last = cbc_last(with, begun, &data[..whole]);
    match padding.last_block::<N>(data.len(), &data[whole..]) {
        Some(block) => with.encrypt(xor(last, &block)),
        None => last,
    }
}

fn retail(key: &Key, padding: Padding, data: &[u8]) -> [u8; 8] {
    let part = |at: usize| {
        let bytes = key.expose().get(at * 8..at * 8 + 8).unwrap_or(&key.expose()[..8]);
        Tdes::new(&Key::tdes(bytes).expect("eight bytes are a key of DES"))
    };
    let (first, second) = (part(0), part(1));
    let chained = second.decrypt(chained(&first, padding, data));
    // A key of two parts uses its first again.
    if key.length() == 24 { part(2).encrypt(chained) } else { first.encrypt(chained) }
}

impl Mac {
    fn new(bytes: &[u8]) -> Self {
        let mut mac = Self { bytes: [0; 16], length: bytes.len() as u8 };
        mac.bytes[..bytes.len()].copy_from_slice(bytes);
        mac
    }

    /// All of it: 8 bytes, 16 of AES and SM4.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }

    /// Whether `found` is its beginning, and long enough to mean something.
    pub fn begins_with(&self, found: &[u8]) -> bool {
        let all = self.as_bytes();
        (MAC_BYTES_MIN..=all.len()).contains(&found.len()) && same(&all[..found.len()], found)
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a MAC")
    }
}
