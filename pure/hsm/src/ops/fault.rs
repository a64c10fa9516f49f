use crate::pin::TranslateError;

/// Why a module did not do what it was asked. Says nothing of keys, PINs or data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The MAC is not the right one.
    #[error("not verified")]
    NotVerified,
    /// The PIN block is none of its format, key and card.
    #[error("the PIN block is none of its format, key and card")]
    PinBlock,
    /// The PIN is shorter than 4 or longer than 12 digits, or than was asked for.
    #[error("the PIN is too short or too long")]
    PinLength,
    /// The card number does not fit the format, or the two sides name different ones.
    #[error("the card number does not fit")]
    Account,
    /// The rules forbid this translation.
    #[error("a PIN is not moved between these formats")]
    Forbidden,
    /// A format the module does not know.
    #[error("the module does not know this PIN block format")]
    NoSuchFormat,
    /// The parity of the first key named is wrong, or it is nothing but zeros.
    #[error("the parity of the first key is wrong")]
    Parity,
    /// The same of the second key.
    #[error("the parity of the second key is wrong")]
    SecondParity,
    /// The key block was changed, or is another module's.
    #[error("the key block is not authentic")]
    NotAuthentic,
    /// The stored key cannot be read at all.
    #[error("the stored key is not one this module wrote")]
    Unreadable,
    /// The key is for something else.
    #[error("the key is for another use")]
    Usage,
    /// The key does not permit this.
    #[error("the key does not permit this")]
    Mode,
    /// So many components make no key.
    #[error("a key is made of two to nine components")]
    Components,
    /// A component was used as a key, or a key as a component.
    #[error("a component is no key, and a key no component")]
    Component,
    /// The key may not leave, or not so.
    #[error("the key may not leave")]
    NotExportable,
    /// The transport key is weaker than what it would carry, or the key is a shorter one in disguise.
    #[error(
        "the transport key is weaker than the key it would carry, or the key weaker than its length says"
    )]
    Weaker,
    /// The key has a length or a cipher this does not take.
    #[error("the key's length or cipher does not fit")]
    KeyLength,
    /// The check value is not the one the sender told.
    #[error("the check value is not the one told: nothing was kept")]
    CheckMismatch,
    /// No master key of that id.
    #[error("the module has no such master key")]
    NoSuchLmk,
    /// The module does not do this at all.
    #[error("the module does not offer this")]
    NotOffered,
    /// It could only by showing the PIN to whoever asks, and so it does not.
    #[error("this token cannot translate PINs without showing them: use a payment module")]
    WouldShowPin,
    /// It would, but not now: nobody has authorised it.
    #[error("the module is not authorised to do this now")]
    NotAuthorised,
    /// The request makes no sense to the module.
    #[error("the request makes no sense to the module")]
    Request,
    /// Its length says another thing than its data.
    #[error("the length stated is not that of the data")]
    DataLength,
    /// The module itself is not well: its own code for it.
    #[error("the module is not well: {}", code_text(.0))]
    Device([u8; 2]),
    /// A code we do not know.
    #[error("an error unknown here: {}", code_text(.0))]
    Other([u8; 2]),
}

/// What a fault means for whoever asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// About this one transaction: it is declined, and nothing else.
    Transaction,
    /// About a key: the transaction is declined, the key is not used further, somebody is told.
    Key,
    /// About how modules or keys are set up: trying again will fail again, somebody is told.
    Configuration,
    /// About the device: another one may be asked, if asking twice does no harm.
    Device,
}

impl Fault {
    /// What it means for whoever asked.
    pub const fn class(&self) -> Class {
        match self {
            Self::NotVerified | Self::PinBlock | Self::PinLength | Self::Account => Class::Transaction,
            Self::Parity
            | Self::SecondParity
            | Self::NotAuthentic
            | Self::Unreadable
            | Self::CheckMismatch => Class::Key,
            Self::Forbidden
            | Self::NoSuchFormat
            | Self::Usage
            | Self::Mode
            | Self::Component
            | Self::Components
            | Self::NotExportable
            | Self::Weaker
            | Self::KeyLength
            | Self::NoSuchLmk
            | Self::NotOffered
            | Self::WouldShowPin
            | Self::NotAuthorised
            | Self::Request
            | Self::DataLength
            | Self::Other(_) => Class::Configuration,
            Self::Device(_) => Class::Device,
        }
    }
}

impl From<TranslateError> for Fault {
    fn from(error: TranslateError) -> Self {
        use crate::pin::PinError;
        match error {
            TranslateError::Forbidden { .. } => Self::Forbidden,
            TranslateError::OtherCard => Self::Account,
            TranslateError::Received(error) | TranslateError::Sent(error) => match error {
                PinError::NoCard { .. } => Self::Account,
                PinError::PinLength { .. } => Self::PinLength,
                PinError::Cipher { .. } => Self::KeyLength,
                PinError::Length { .. }
                | PinError::Control { .. }
                | PinError::Contents { .. }
                | PinError::Filling { .. } => Self::PinBlock,
            },
        }
    }
}

fn code_text(code: &[u8; 2]) -> impl core::fmt::Display + '_ {
    core::fmt::from_fn(|f| {
        code.iter().try_for_each(|byte| write!(f, "{}", char::from(*byte).escape_default()))
    })
}
