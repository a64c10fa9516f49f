//! What must never be seen: keys and PINs. None of them prints, each is wiped when dropped, and two are compared
//! in a time that does not depend on what they hold.

use alloc::vec::Vec;
use core::fmt;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Longest key of a block cipher here: AES-256.
pub const KEY_BYTES_MAX: usize = 32;

/// Which cipher a key is for. A key for one is never used with another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cipher {
    /// DES with 8 bytes, triple DES with 16 or 24 (NIST SP 800-67).
    Tdes,
    /// AES with 16, 24 or 32 bytes (FIPS 197).
    Aes,
    /// SM4 with 16 bytes (GB/T 32907-2016).
    Sm4,
}

/// A key of such a length does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{cipher} has keys of {} bytes, not of {found}", cipher.lengths())]
pub struct KeyLengthError {
    /// The cipher.
    pub cipher: Cipher,
    /// The length given, in bytes.
    pub found: usize,
}

/// A secret key and the cipher it is for.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Key {
    bytes: [u8; KEY_BYTES_MAX],
    length: u8,
    #[zeroize(skip)]
    cipher: Cipher,
}

impl Cipher {
    const fn lengths(self) -> &'static str {
        match self {
            Self::Tdes => "8, 16 or 24",
            Self::Aes => "16, 24 or 32",
            Self::Sm4 => "16",
        }
    }

    fn has(self, length: usize) -> bool {
        match self {
            Self::Tdes => matches!(length, 8 | 16 | 24),
            Self::Aes => matches!(length, 16 | 24 | 32),
            Self::Sm4 => length == 16,
        }
    }
}

impl fmt::Display for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tdes => "DES",
            Self::Aes => "AES",
            Self::Sm4 => "SM4",
        })
    }
}

impl Key {
    /// A key of that cipher. Its parity, where it has one, is not looked at here.
    ///
    /// # Errors
    /// [`KeyLengthError`] where the cipher has no such length.
    pub fn new(cipher: Cipher, bytes: &[u8]) -> Result<Self, KeyLengthError> {
        if !cipher.has(bytes.len()) {
            return Err(KeyLengthError { cipher, found: bytes.len() });
        }
        let mut key = Self { bytes: [0; KEY_BYTES_MAX], length: bytes.len() as u8, cipher };
        key.bytes[..bytes.len()].copy_from_slice(bytes);
        Ok(key)
    }

    /// A DES or triple-DES key.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn tdes(bytes: &[u8]) -> Result<Self, KeyLengthError> {
        Self::new(Cipher::Tdes, bytes)
    }

    /// An AES key.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn aes(bytes: &[u8]) -> Result<Self, KeyLengthError> {
        Self::new(Cipher::Aes, bytes)
    }

    /// Which cipher it is for.
    pub const fn cipher(&self) -> Cipher {
        self.cipher
    }

    /// Its length in bytes.
    pub const fn length(&self) -> usize {
        self.length as usize
    }

    /// The bytes. Whoever calls this must not print, log or store what comes back.
    pub fn expose(&self) -> &[u8] {
        &self.bytes[..self.length()]
    }

    /// Whether every byte has an odd number of ones, as DES keys have (FIPS 46-3). Keys of other ciphers have no
    /// parity, and none of them is wrong.
    pub fn parity_holds(&self) -> bool {
        self.cipher != Cipher::Tdes || self.expose().iter().all(|byte| byte.count_ones() % 2 == 1)
    }

    /// The same key with odd parity; unchanged for ciphers without.
    #[must_use]
    pub fn with_parity(mut self) -> Self {
        if self.cipher == Cipher::Tdes {
            let length = self.length();
            set_odd_parity(&mut self.bytes[..length]);
        }
        self
    }

    /// The key with another added to it bit by bit, as components are.
    ///
    /// # Errors
    /// [`KeyLengthError`] where the two are not alike.
    pub fn xor(&self, other: &Self) -> Result<Self, KeyLengthError> {
        if self.cipher != other.cipher || self.length != other.length {
            return Err(KeyLengthError { cipher: self.cipher, found: other.length() });
        }
        let mut sum = self.clone();
        sum.bytes.iter_mut().zip(&other.bytes).for_each(|(byte, with)| *byte ^= with);
        Ok(sum)
    }

    /// The key with one byte added to each of its bytes, as the variants of key blocks are made.
    #[must_use]
    pub(crate) fn xor_each(&self, with: u8) -> Self {
        let mut variant = self.clone();
        let length = variant.length();
        variant.bytes[..length].iter_mut().for_each(|byte| *byte ^= with);
        variant
    }

    /// The key with a mask added to its bytes, from the first on.
    #[must_use]
    pub(crate) fn xor_mask(&self, mask: &[u8]) -> Self {
        let mut variant = self.clone();
        variant.bytes.iter_mut().zip(mask).for_each(|(byte, with)| *byte ^= with);
        variant
    }

    /// Whether two thirds or halves of a longer DES key are the same, which makes it a shorter one in disguise. The
    /// parity bits are looked past, as DES does.
    pub fn is_degenerate(&self) -> bool {
        if self.cipher != Cipher::Tdes || self.length == 8 {
            return false;
        }
        let same = |one: usize, other: usize| {
            let parts = (&self.expose()[one * 8..one * 8 + 8], &self.expose()[other * 8..other * 8 + 8]);
            let differing = parts.0.iter().zip(parts.1).fold(0, |all, (one, other)| all | (one ^ other));
            (differing & 0xFE_u8).ct_eq(&0)
        };
        let mut is_shorter = same(0, 1);
        if self.length == 24 {
            is_shorter |= same(1, 2);
        }
        is_shorter.into()
    }
}

/// Sets the lowest bit of each byte so that its ones are odd in number.
pub(crate) fn set_odd_parity(bytes: &mut [u8]) {
    for byte in bytes {
        *byte ^= u8::from(byte.count_ones().is_multiple_of(2));
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.cipher == other.cipher && bool::from(self.expose().ct_eq(other.expose()))
    }
}

impl Eq for Key {}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a secret key")
    }
}

/// Fewest and most digits of a PIN (ISO 9564-1, 5.2).
pub const PIN_DIGITS: core::ops::RangeInclusive<usize> = 4..=12;

/// A PIN in clear, for as long as it takes to move it from one block to another.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Pin {
    digits: [u8; 12],
    length: u8,
}

impl Pin {
    /// Takes 4 to 12 ASCII digits; `None` for anything else.
    pub fn new(digits: &[u8]) -> Option<Self> {
        if !PIN_DIGITS.contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let mut pin = Self { digits: [0; 12], length: digits.len() as u8 };
        pin.digits[..digits.len()].copy_from_slice(digits);
        Some(pin)
    }

    /// The digits in ASCII. Whoever calls this must not print, log or store what comes back.
    pub fn expose(&self) -> &[u8] {
        &self.digits[..usize::from(self.length)]
    }

    /// How many digits it has.
    pub const fn length(&self) -> usize {
        self.length as usize
    }
}

impl PartialEq for Pin {
    fn eq(&self, other: &Self) -> bool {
        bool::from(self.expose().ct_eq(other.expose()))
    }
}

impl Eq for Pin {}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a secret PIN")
    }
}

/// Secret bytes of any length, wiped when dropped: what comes out of a key block.
pub(crate) type Wiped = Zeroizing<Vec<u8>>;

/// Whether two byte strings are the same, in a time that depends on their lengths alone.
pub fn same(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn no_secret_prints_itself() {
        let key = Key::tdes(b"ABCDEFGH").expect("eight bytes");
        let pin = Pin::new(b"1234").expect("four digits");
        assert_eq!(format!("{key:?} {pin:?}"), "a secret key a secret PIN");
    }

    #[test]
    fn a_wiped_secret_holds_nothing() {
        let (mut key, mut pin) =
            (Key::aes(&[7; 32]).expect("32 bytes"), Pin::new(b"987654").expect("digits"));
        key.zeroize();
        pin.zeroize();
        assert_eq!((key.bytes, key.length), ([0; 32], 0));
        assert_eq!((pin.digits, pin.length), ([0; 12], 0));
    }

    #[test]
    fn only_lengths_a_cipher_has_make_a_key() {
        for length in 0..40 {
            let bytes = [1; 40];
            assert_eq!(Key::tdes(&bytes[..length]).is_ok(), [8, 16, 24].contains(&length));
            assert_eq!(Key::aes(&bytes[..length]).is_ok(), [16, 24, 32].contains(&length));
            assert_eq!(Key::new(Cipher::Sm4, &bytes[..length]).is_ok(), length == 16);
        }
    }

    #[test]
    fn parity_is_seen_and_mended() {
        let even = Key::tdes(&[0x02, 3, 4, 5, 6, 7, 8, 9]).expect("eight bytes");
        assert!(!even.parity_holds());
        assert!(even.clone().with_parity().parity_holds());
        assert!(Key::aes(&[0; 16]).expect("16 bytes").parity_holds(), "AES has no parity");
    }

    #[test]
    fn a_long_key_made_of_a_short_one_is_recognised() {
        assert!(Key::tdes(&[1; 16]).expect("16 bytes").is_degenerate());
        let parity = *b"0123456710325476";
        assert!(Key::tdes(&parity).expect("16 bytes").is_degenerate(), "they differ in their parity alone");
        assert!(!Key::tdes(b"01234567ABCDEFGH").expect("16 bytes").is_degenerate());
        assert!(Key::tdes(b"01234567ABCDEFGHABCDEFGH").expect("24 bytes").is_degenerate());
    }
}
