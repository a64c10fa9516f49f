//! Check values: a few bytes by which two people, or two machines, see that they hold the same key.

use crate::cipher::{Aes, Blocks, Sm4, Tdes, aes_cmac};
use crate::secret::{Cipher, Key, same};
use core::fmt;

/// How a check value is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// Zeros enciphered by DES or triple DES. Source: ANSI X9.24-1:2009, 4.7 (legacy method).
    Des,
    /// Zeros enciphered by AES or SM4: the older way for AES.
    Ecb,
    /// CMAC of a block of zeros. Source: ANSI X9.24-1:2017, annex A.
    Cmac,
    /// CMAC of nothing. Some tools print it; no standard asks for it.
    CmacOfNothing,
}

/// A check value. Nobody learns a key from it, so it prints.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CheckValue {
    bytes: [u8; 8],
    length: u8,
}

/// The method is not one for keys of this cipher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no check value {method} for a key of {found}")]
pub struct MethodError {
    /// The method.
    pub method: Method,
    /// What the key is for.
    pub found: Cipher,
}

/// Fewest bytes of a check value that mean something; two of UnionPay and BOC profiles mean less.
pub const CHECK_BYTES_MIN: usize = 2;

impl Method {
    /// The usual one for keys of that cipher.
    pub const fn usual(cipher: Cipher) -> Self {
        match cipher {
            Cipher::Tdes => Self::Des,
            Cipher::Aes => Self::Cmac,
            Cipher::Sm4 => Self::Ecb,
        }
    }

    /// How many bytes are usually shown.
    pub const fn usual_bytes(self) -> usize {
        match self {
            Self::Des | Self::Ecb | Self::CmacOfNothing => 3,
            Self::Cmac => 5,
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Des => "by DES of zeros",
            Self::Ecb => "by ECB of zeros",
            Self::Cmac => "by CMAC of zeros",
            Self::CmacOfNothing => "by CMAC of nothing",
        })
    }
}

/// The check value of a key, eight bytes, of which [`CheckValue::first`] are shown.
///
/// # Errors
/// [`MethodError`] where the method is for other ciphers.
pub fn check_value(key: &Key, method: Method) -> Result<CheckValue, MethodError> {
    let wrong = MethodError { method, found: key.cipher() };
    let bytes = match (method, key.cipher()) {
        (Method::Des, Cipher::Tdes) => Tdes::new(key).encrypt([0; 8]),
        (Method::Ecb, Cipher::Aes) => first_eight(Aes::new(key).encrypt([0; 16])),
        (Method::Ecb, Cipher::Sm4) => first_eight(Sm4::new(key).encrypt([0; 16])),
        (Method::Cmac, Cipher::Aes) => first_eight(aes_cmac(key, &[&[0; 16]])),
        (Method::CmacOfNothing, Cipher::Aes) => first_eight(aes_cmac(key, &[])),
        _ => return Err(wrong),
    };
    Ok(CheckValue { bytes, length: 8 })
}

/// The check value of a key by the usual method of its cipher, as long as usual.
pub fn usual(key: &Key) -> CheckValue {
    let method = Method::usual(key.cipher());
    check_value(key, method).expect("the usual method fits").first(method.usual_bytes())
}

fn first_eight(block: [u8; 16]) -> [u8; 8] {
    *block.first_chunk().expect("eight of sixteen")
}

impl CheckValue {
    /// One that somebody told us; `None` where it is shorter than [`CHECK_BYTES_MIN`] or longer than 8 bytes.
    pub fn told(bytes: &[u8]) -> Option<Self> {
        if !(CHECK_BYTES_MIN..=8).contains(&bytes.len()) {
            return None;
        }
        let mut value = Self { bytes: [0; 8], length: bytes.len() as u8 };
        value.bytes[..bytes.len()].copy_from_slice(bytes);
        Some(value)
    }

    /// Its first so many bytes, 2 to 8.
    #[must_use]
    pub fn first(mut self, bytes: usize) -> Self {
        self.length = bytes.clamp(CHECK_BYTES_MIN, usize::from(self.length)) as u8;
        let length = usize::from(self.length);
        self.bytes[length..].fill(0);
        self
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }

    /// Whether two of them agree as far as the shorter goes.
    pub fn agrees_with(&self, other: &Self) -> bool {
        let length = usize::from(self.length.min(other.length));
        same(&self.bytes[..length], &other.bytes[..length])
    }
}

impl fmt::Display for CheckValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_bytes().iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

impl fmt::Debug for CheckValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
