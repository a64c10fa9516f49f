use super::keys::{Protection, misfit};
use super::{BlockError, Header, Version};
use crate::secret::{Cipher, Key, KeyLengthError, Wiped, same};
use alloc::vec::Vec;
use core::fmt;
use wire::hex::{Charset, read};
use zeroize::Zeroizing;

/// What a block held.
pub struct Opened {
    /// What it says in clear.
    pub header: Header,
    bytes: Wiped,
}

/// A block taken apart, its parts still enciphered.
struct Parts<'a> {
    header: Header,
    header_text: &'a [u8],
    enciphered: Vec<u8>,
    mac: Vec<u8>,
}

/// What a block says in clear, without proof that it is true.
///
/// # Errors
/// [`BlockError`] where no header can be read.
pub fn peek(block: &str) -> Result<Header, BlockError> {
    let (version, begins) = Version::of(block.as_bytes())?;
    Ok(Header::read(version, &block.as_bytes()[begins..])?.0)
}

/// Opens a block: checks its MAC, then gives header and key. Source: ANSI X9.143:2021, 7; for the payShield's
/// blocks the description of tools that read them, and recorded blocks.
///
/// # Errors
/// [`BlockError`].
pub fn open(kbpk: &Key, block: &str) -> Result<Opened, BlockError> {
    let (version, _) = Version::of(block.as_bytes())?;
    if let Some(expected) = misfit(version, kbpk) {
        return Err(BlockError::ProtectionKey { version, expected });
    }
    open_by(&Protection::new(version, kbpk), version, block)
}

/// [`open`] with keys already derived.
pub(crate) fn open_by(protection: &Protection, version: Version, block: &str) -> Result<Opened, BlockError> {
    let parts = Parts::of(version, block.as_bytes())?;
    let mut plain = Zeroizing::new(parts.enciphered.clone());
    protection.decrypt(parts.header_text, &parts.mac, &mut plain);
    let covered = if protection.covers_plain() { &plain[..] } else { &parts.enciphered[..] };
    if !same(&protection.mac(parts.header_text, covered), &parts.mac) {
        return Err(BlockError::Authentication);
    }
    let bits = usize::from(u16::from_be_bytes([plain[0], plain[1]]));
    let length = bits / 8;
    if !bits.is_multiple_of(8) || length == 0 || length + 2 > plain.len() {
        return Err(BlockError::KeyLength);
    }
    Ok(Opened { header: parts.header, bytes: Zeroizing::new(plain[2..2 + length].to_vec()) })
}

impl<'a> Parts<'a> {
    fn of(version: Version, block: &'a [u8]) -> Result<Self, BlockError> {
        let begins = usize::from(block.first() == Some(&b'S'));
        let block = &block[begins..];
        let (header, ends) = Header::read(version, block)?;
        let mac_characters = version.mac_bytes() * 2;
        let least = ends + mac_characters + version.cipher_block() * 2;
        if block.len() < least {
            return Err(BlockError::Truncated { expected: least, found: block.len() });
        }
        let (header_text, rest) = block.split_at(ends);
        let (body, mac) = rest.split_at(rest.len() - mac_characters);
        let enciphered = unhexed(body, ends)?;
        if !enciphered.len().is_multiple_of(version.cipher_block()) {
            return Err(BlockError::Body { at: ends, expected: "whole blocks of its cipher" });
        }
        let mac = unhexed(mac, ends + body.len())?;
        Ok(Self { header, header_text, enciphered, mac })
    }
}

fn unhexed(text: &[u8], at: usize) -> Result<Vec<u8>, BlockError> {
    let mut bytes = Vec::with_capacity(text.len() / 2);
    read(Charset::Ascii, text, &mut bytes).map_err(|_| BlockError::Body { at, expected: "hex digits" })?;
    Ok(bytes)
}

impl Opened {
    /// The key's bytes, whatever they are. Whoever calls this must not print, log or store what comes back.
    pub fn expose(&self) -> &[u8] {
        &self.bytes
    }

    /// The cipher its header names; `None` for keys of other algorithms, such as RSA.
    pub const fn cipher(&self) -> Option<Cipher> {
        Some(match self.header.algorithm {
            b'T' | b'D' => Cipher::Tdes,
            b'A' => Cipher::Aes,
            b'S' => Cipher::Sm4,
            _ => return None,
        })
    }

    /// The key, where it is one for a cipher we have.
    ///
    /// # Errors
    /// [`KeyLengthError`] where the cipher has no key of that length. `None` for other algorithms.
    pub fn key(&self) -> Option<Result<Key, KeyLengthError>> {
        self.cipher().map(|cipher| Key::new(cipher, &self.bytes))
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").field("header", &self.header).finish_non_exhaustive()
    }
}
