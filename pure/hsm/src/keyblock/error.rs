use super::Version;

/// Why a key block was not opened. Never says what is in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    /// It ends before its header does, or before its MAC.
    #[error("the block ends at character {found}: at least {expected} are needed")]
    Truncated {
        /// Characters that must be there.
        expected: usize,
        /// Characters that are.
        found: usize,
    },
    /// No version we know.
    #[error(
        "key blocks of version `{found}` are not known: known are A, B, C, D, and S0 and S1 of payShield"
    )]
    Version {
        /// The character.
        found: char,
    },
    /// The header states another length than the block has.
    #[error("the header says {said} characters, and there are {found}")]
    Length {
        /// What the header says.
        said: usize,
        /// What is there.
        found: usize,
    },
    /// Something in the header is not what stands there.
    #[error("at character {at} of the header: expected {expected}")]
    Header {
        /// Its place, from 0.
        at: usize,
        /// What should stand there.
        expected: &'static str,
    },
    /// What follows the header is not hex, or not whole blocks.
    #[error("the enciphered part, from character {at}, is not {expected}")]
    Body {
        /// Where it begins.
        at: usize,
        /// What it should be.
        expected: &'static str,
    },
    /// The key that protects blocks of this version has another cipher or length.
    #[error("{version} is protected by {expected}")]
    ProtectionKey {
        /// The version.
        version: Version,
        /// What protects it.
        expected: &'static str,
    },
    /// The MAC is not that of header and key: changed on the way, or protected by another key.
    #[error("the block's MAC is wrong: it was changed, or another key protects it")]
    Authentication,
    /// Authentic, and yet its key has no length.
    #[error("the block is authentic, but the key in it says a length it cannot have")]
    KeyLength,
}

/// Why no block was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WrapError {
    /// The key that protects blocks of this version has another cipher or length.
    #[error("{version} is protected by {expected}")]
    ProtectionKey {
        /// The version.
        version: Version,
        /// What protects it.
        expected: &'static str,
    },
    /// Versions A and C can be read, but are no longer made: their MAC key follows from their cipher key.
    #[error("{version} is read and no longer made: take B for triple DES, D for AES")]
    Retired {
        /// The version.
        version: Version,
    },
    /// More optional blocks, or longer ones, than a block can say.
    #[error("the block would be longer than it can say")]
    TooLong,
}
