use super::{StoredKey, Wrapped};
use crate::check_value::CheckValue;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use zeroize::Zeroizing;

/// What a module answers.
#[derive(Clone, PartialEq, Eq)]
pub enum Answer {
    /// A key was made.
    Generated {
        /// To be kept.
        key: StoredKey,
        /// For the partner, where asked for.
        wrapped: Option<Wrapped>,
        /// Its check value, where the module tells it.
        check: Option<CheckValue>,
    },
    /// A key was taken.
    Imported {
        /// To be kept.
        key: StoredKey,
        /// Its check value.
        check: CheckValue,
        /// Whether its parity was wrong and was mended.
        parity_mended: bool,
    },
    /// A key was put under another.
    Exported {
        /// For the partner.
        wrapped: Wrapped,
        /// Its check value, where the module tells it.
        check: Option<CheckValue>,
    },
    /// A check value.
    CheckValue(CheckValue),
    /// A PIN block for the other side.
    Pin {
        /// The block: 8 bytes, or 16.
        block: Vec<u8>,
        /// How many digits the PIN has.
        digits: u8,
    },
    /// A MAC: all of it, or as much as the module gives.
    Mac(Vec<u8>),
    /// The MAC is right.
    Verified,
    /// A key was derived.
    Derived {
        /// To be kept for as long as the transaction takes.
        key: StoredKey,
        /// Its check value.
        check: CheckValue,
    },
    /// Random bytes.
    Random(Zeroizing<Vec<u8>>),
    /// It is well.
    Status {
        /// The check value of the master key. Another one than configured is another module's.
        lmk_check: String,
        /// What it calls itself.
        firmware: String,
    },
    /// The same again.
    Echoed(Vec<u8>),
    /// What came out of known answers.
    KnownAnswers(Vec<KnownAnswer>),
}

/// One known answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownAnswer {
    /// What was computed.
    pub what: &'static str,
    /// Whether it came out; `None` where the module does not do it at all.
    pub is_right: Option<bool>,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Generated { check, .. } => write!(f, "generated, check value {check:?}"),
            Self::Imported { check, .. } => write!(f, "imported, check value {check}"),
            Self::Exported { check, .. } => write!(f, "exported, check value {check:?}"),
            Self::CheckValue(check) => write!(f, "check value {check}"),
            Self::Pin { .. } => f.write_str("PIN translated"),
            Self::Mac(_) => f.write_str("MAC made"),
            Self::Verified => f.write_str("verified"),
            Self::Derived { check, .. } => write!(f, "derived, check value {check}"),
            Self::Random(_) => f.write_str("random bytes"),
            Self::Status { lmk_check, firmware } => write!(f, "status: LMK {lmk_check}, {firmware}"),
            Self::Echoed(_) => f.write_str("echoed"),
            Self::KnownAnswers(all) => write!(f, "known answers: {all:?}"),
        }
    }
}
