//! What the tools for keys are given: hex, and keys of it. Everything here is for test keys; whatever stands on a
//! command line is seen by everybody on the machine.

use super::input::unhexed;
use crate::exit;
use hsm::{Cipher, Key, KeyLengthError};
use std::process::ExitCode;
use std::str::FromStr;

/// Bytes typed as hex; spaces and colons between them count for nothing.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Hex(Vec<u8>);

/// Why it is no hex.
#[derive(Debug, thiserror::Error)]
pub(super) enum HexError {
    #[error("nothing is there")]
    Nothing,
    #[error("`{found}` is no hex digit")]
    NoDigit { found: char },
    #[error("an odd number of hex digits: {digits}")]
    Odd { digits: usize },
}

impl std::fmt::Debug for Hex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("hex")
    }
}

impl FromStr for Hex {
    type Err = HexError;

    fn from_str(text: &str) -> Result<Self, HexError> {
        let digits: String = text.chars().filter(|c| !c.is_whitespace() && !matches!(c, ':' | '-')).collect();
        match digits.chars().find(|c| !c.is_ascii_hexdigit()) {
            _ if digits.is_empty() => Err(HexError::Nothing),
            Some(found) => Err(HexError::NoDigit { found }),
            None => unhexed(&digits).map(Self).ok_or(HexError::Odd { digits: digits.len() }),
        }
    }
}

impl Hex {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// A key for that cipher, and a word on standard error where its parity is wrong: modules refuse it.
    pub(super) fn key(&self, cipher: Cipher) -> Result<Key, KeyLengthError> {
        let key = Key::new(cipher, &self.0)?;
        if !key.parity_holds() {
            eprintln!("odd: the key has bytes of even parity; a security module would refuse it");
        }
        if key.is_degenerate() {
            eprintln!("odd: two parts of the key are the same, so it is a shorter key in disguise");
        }
        Ok(key)
    }
}

/// Prints why not, or nothing; a tool ends with 65 where what it was given does not fit.
pub(super) fn ended<E: std::error::Error>(result: Result<ExitCode, E>) -> ExitCode {
    result.unwrap_or_else(|error| {
        eprintln!("{error}");
        ExitCode::from(exit::UNDECODABLE)
    })
}
