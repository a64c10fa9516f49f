use super::Role;
use crate::lmk::Scheme;
use alloc::string::String;
use core::fmt;

/// A key as its module keeps it: enciphered, and useless anywhere else. The text is the module's own: a key block,
/// or a cryptogram under a variant LMK.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct StoredKey {
    /// What it is for.
    pub role: Role,
    /// The text the module gave.
    pub text: String,
}

/// A key as it travels, under a transport key: a letter and hex digits, hex digits alone, or a key block.
#[derive(Clone, PartialEq, Eq)]
pub struct Wrapped(pub String);

/// How a key is to travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// By a scheme of older modules.
    Scheme(Scheme),
    /// As a key block of X9.143: version B under triple DES, D under AES.
    Tr31,
    /// As a key block of the payShield.
    PayShield,
    /// By the key wrap of RFC 3394 under an AES key, written as `W` and hex digits. It says nothing of what the key is
    /// for: whoever takes it has to be told.
    KeyWrap,
}

impl StoredKey {
    /// A key of that role, as the module gave it.
    pub fn new(role: Role, text: impl Into<String>) -> Self {
        Self { role, text: text.into() }
    }
}

impl fmt::Debug for StoredKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a stored {}", self.role)
    }
}

impl fmt::Debug for Wrapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a wrapped key")
    }
}
