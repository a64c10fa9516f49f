//! The AES key wrap: a key under another, and proof that nobody changed it. Source: RFC 3394; NIST SP 800-38F, KW.

use crate::cipher::{Aes, Blocks};
use crate::secret::{Cipher, KEY_BYTES_MAX, Key, same};
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use wire::hex::{self, Charset};
use zeroize::Zeroizing;

/// What stands in front of the hex digits where it is written.
const LETTER: char = 'W';
/// What is found in front of a key that nobody changed. Source: RFC 3394, 2.2.3.1.
const BEGINNING: [u8; 8] = [0xA6; 8];

/// Why a key is not wrapped, or none comes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WrapError {
    /// Only AES keys wrap.
    #[error("keys are wrapped under AES keys, not under one of {found}")]
    Over {
        /// What it is of.
        found: Cipher,
    },
    /// A key of 16 bytes at least is wrapped, and comes out at the length its cipher has.
    #[error("no key of {found} bytes is wrapped")]
    Length {
        /// What there is.
        found: usize,
    },
    /// It was changed, or lies under another key.
    #[error("the wrapped key is not authentic")]
    Authentication,
}

/// A key under another: eight bytes longer than it.
///
/// # Errors
/// [`WrapError`].
pub fn wrap(over: &Key, key: &Key) -> Result<Vec<u8>, WrapError> {
    let with = cipher(over)?;
    if key.length() < 16 {
        return Err(WrapError::Length { found: key.length() });
    }
    let mut bytes = [&BEGINNING[..], key.expose()].concat();
    let parts = key.length() / 8;
    for step in 1..=6 * parts as u64 {
        let at = 8 * ((step as usize - 1) % parts + 1);
        let mut block = [0; 16];
        block[..8].copy_from_slice(&bytes[..8]);
        block[8..].copy_from_slice(&bytes[at..at + 8]);
        let block = with.encrypt(block);
        bytes[..8].copy_from_slice(&counted(&block[..8], step));
        bytes[at..at + 8].copy_from_slice(&block[8..]);
    }
    Ok(bytes)
}

/// The key that was wrapped.
///
/// # Errors
/// [`WrapError`].
pub fn unwrap(over: &Key, of: Cipher, wrapped: &[u8]) -> Result<Key, WrapError> {
    let with = cipher(over)?;
    let found = wrapped.len().saturating_sub(8);
    if !wrapped.len().is_multiple_of(8) || !(16..=KEY_BYTES_MAX).contains(&found) {
        return Err(WrapError::Length { found });
    }
    let mut bytes = Zeroizing::new(wrapped.to_vec());
    let parts = found / 8;
    for step in (1..=6 * parts as u64).rev() {
        let at = 8 * ((step as usize - 1) % parts + 1);
        let mut block = Zeroizing::new([0; 16]);
        block[..8].copy_from_slice(&counted(&bytes[..8], step));
        block[8..].copy_from_slice(&bytes[at..at + 8]);
        let block = Zeroizing::new(with.decrypt(*block));
        bytes[..8].copy_from_slice(&block[..8]);
        bytes[at..at + 8].copy_from_slice(&block[8..]);
    }
    if !same(&bytes[..8], &BEGINNING) {
        return Err(WrapError::Authentication);
    }
    Key::new(of, &bytes[8..]).map_err(|_| WrapError::Length { found })
}

/// A wrapped key as it is written: a letter and hex digits.
pub fn write(wrapped: &[u8]) -> String {
    let mut digits = vec![LETTER as u8];
    hex::write(Charset::Ascii, wrapped, &mut digits);
    String::from_utf8(digits).expect("a letter and hex")
}

/// What [`write()`] wrote; `None` where it is something else.
pub fn read(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    hex::read(Charset::Ascii, text.strip_prefix(LETTER)?.as_bytes(), &mut bytes).ok()?;
    Some(bytes)
}

fn cipher(over: &Key) -> Result<Aes, WrapError> {
    match over.cipher() {
        Cipher::Aes => Ok(Aes::new(over)),
        found => Err(WrapError::Over { found }),
    }
}

fn counted(bytes: &[u8], step: u64) -> [u8; 8] {
    let eight = bytes.first_chunk().expect("half a block");
    (u64::from_be_bytes(*eight) ^ step).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(digits: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        hex::read(Charset::Ascii, digits.as_bytes(), &mut bytes).expect("hex");
        bytes
    }

    // RFC 3394, 4.1, 4.3, 4.4 and 4.6.
    #[rustfmt::skip]
    const EXAMPLES: [(usize, usize, &str); 4] = [
        (16, 16, "1FA68B0A8112B447AEF34BD8FB5A7B829D3E862371D2CFE5"),
        (32, 16, "64E8C3F9CE0F5BA263E9777905818A2A93C8191E7D6E8AE7"),
        (24, 24, "031D33264E15D33268F24EC260743EDCE1C6C7DDEE725A936BA814915C6762D2"),
        (32, 32, "28C9F404C4B810F4CBCCB35CFB87F8263F5786E2D80ED326CBC7F0E71A99F43BFB988B9B7A02DD21"),
    ];

    #[test]
    fn the_examples_of_the_standard_come_out_and_go_back() {
        let over: Vec<u8> = (0..32).collect();
        let key = bytes("00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F");
        for (over_bytes, key_bytes, wrapped) in EXAMPLES {
            let over = Key::aes(&over[..over_bytes]).expect("a length of AES");
            let key = Key::aes(&key[..key_bytes]).expect("a length of AES");
            assert_eq!(wrap(&over, &key).as_deref(), Ok(&bytes(wrapped)[..]));
            assert!(unwrap(&over, Cipher::Aes, &bytes(wrapped)) == Ok(key));
            let mut changed = bytes(wrapped);
            changed[9] ^= 1;
            assert!(unwrap(&over, Cipher::Aes, &changed) == Err(WrapError::Authentication));
        }
    }

    #[test]
    fn what_is_too_short_too_long_or_under_another_cipher_is_refused() {
        let over = Key::aes(&[1; 16]).expect("16 bytes");
        let tdes = Key::tdes(&[2; 16]).expect("16 bytes");
        let single = Key::tdes(&[2; 8]).expect("8 bytes");
        assert_eq!(wrap(&tdes, &over), Err(WrapError::Over { found: Cipher::Tdes }));
        assert_eq!(wrap(&over, &single), Err(WrapError::Length { found: 8 }));
        for length in [0, 7, 8, 16, 25, 48, 400] {
            let refused = unwrap(&over, Cipher::Aes, &vec![0; length]);
            assert!(matches!(refused, Err(WrapError::Length { .. })), "{length}");
        }
        assert_eq!(read("W0a0B").as_deref(), Some(&[0x0A, 0x0B][..]));
        assert_eq!((read("0A0B"), read("W0A0"), read("Wxy")), (None, None, None));
    }
}
