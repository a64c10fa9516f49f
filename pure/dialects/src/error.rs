use alloc::boxed::Box;
use iso8583::{DecodeError, EncodeError, Head};
use terms::{Kind, Txn};

/// Why the bytes of a peer did not become a transaction. Always the peer's fault, or the fault of the dialect
/// file that describes him; never with the contents of an element.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The bytes are no message of this format.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The dialect names no message of this type.
    #[error("message type {} is not named by the dialect", mti.escape_ascii())]
    UnknownMessage {
        /// The four characters found.
        mti: [u8; 4],
    },
    /// A mandatory element is not there.
    #[error("DE {de}: mandatory in this message, found absent")]
    Missing {
        /// The element.
        de: u8,
    },
    /// An element is there that this message may not have.
    #[error("DE {de} at byte {offset}: not allowed in this message")]
    Forbidden {
        /// The element.
        de: u8,
        /// Where its value begins in the body.
        offset: usize,
    },
    /// Digits that name no day or no time of day.
    #[error("DE {de} at byte {offset}: no such day or time")]
    NoSuchTime {
        /// The element.
        de: u8,
        /// Where its value begins in the body.
        offset: usize,
    },
    /// A value that is legal in the element and impossible for what it means.
    #[error("DE {de} at byte {offset}: expected {expected}")]
    Impossible {
        /// The element.
        de: u8,
        /// Where its value begins in the body.
        offset: usize,
        /// What the meaning demands.
        expected: &'static str,
    },
}

impl ReadError {
    /// The element at fault, where the fault has one.
    pub fn de(&self) -> Option<u8> {
        match self {
            Self::Decode(error) => match error.element.head {
                Head::Field(de) => Some(de),
                Head::Mti | Head::Bitmap | Head::End => None,
            },
            Self::UnknownMessage { .. } => None,
            Self::Missing { de }
            | Self::Forbidden { de, .. }
            | Self::NoSuchTime { de, .. }
            | Self::Impossible { de, .. } => Some(*de),
        }
    }
}

/// A message that could not be read, with what could be read of it: enough to answer a format error with the
/// sender's own trace number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct ReadRefusal {
    /// The first fault.
    pub error: ReadError,
    /// What stood before (and around) it; `None` where not even the message type could be read.
    pub partial: Option<Txn>,
}

/// Why a transaction could not be said in this dialect. Our fault or the dialect file's, never the peer's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// The dialect names no such message.
    #[error("message class {class} function {function}: the dialect names none")]
    UnknownMessage {
        /// Second digit of the type.
        class: u8,
        /// Third digit.
        function: u8,
    },
    /// This network has no processing code for that kind, and the source's own digits mean another here.
    #[error("the dialect has no processing code for {kind}")]
    UnknownKind {
        /// What was to be said.
        kind: Kind,
    },
    /// The message wants no answer, so none can be written.
    #[error("a message of this type is not answered")]
    WantsNoAnswer,
    /// The other side demands an element that nobody supplied and for which its dialect states no default.
    #[error("DE {de}: mandatory in this message and nothing to write there")]
    Missing {
        /// The element.
        de: u8,
    },
    /// A value does not fit the element.
    #[error(transparent)]
    Encode(#[from] Box<EncodeError>),
}
