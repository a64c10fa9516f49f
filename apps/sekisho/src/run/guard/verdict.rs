use hsm::ops::{Class, Fault, Role};
use hsm::pool::Failure;
use hsm::ring::NoKey;
use terms::Code;

/// Why something could not be guarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Trouble {
    /// There is no key to do it with.
    #[error("{1}: {0}")]
    NoKey(NoKey, Role),
    /// No module did it.
    #[error(transparent)]
    Module(Failure),
    /// One side's PINs are moved, and the other's are not: whoever set this up forgot one of the two.
    #[error("PINs are moved on one side alone: pin_format is missing on the other")]
    OneSided,
    /// The message says that its PIN block is another than agreed.
    #[error("the message says that its PIN block is of another kind than agreed")]
    OtherBlock,
    /// The message has no room for a code, or cannot be read back.
    #[error(transparent)]
    NoCode(dialects::NoCode),
    /// What was to be said cannot be written.
    #[error("it cannot be written")]
    Unwritable,
    /// A module answered what nobody asked.
    #[error("the module answered something else")]
    Nonsense,
}

/// What is wrong with a message's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Wrong {
    /// There is none.
    #[error("no authentication code")]
    Missing,
    /// It is not the right one, under any key that may be used.
    #[error("wrong authentication code")]
    Code,
    /// It carries the key it was made with, and that key could not be taken.
    #[error("not verified: the key the message carries could not be taken")]
    Unproven,
    /// Nobody could look.
    #[error("not verified: {0}")]
    Unknown(Trouble),
}

impl Trouble {
    /// Whether somebody has to mend something: keys or set-up, not this one transaction.
    pub(crate) fn is_alarm(&self) -> bool {
        match self {
            Self::NoKey(_, role) => !matches!(role, Role::Tak | Role::Tpk),
            Self::Module(Failure::Fault(fault)) => {
                matches!(fault.class(), Class::Key | Class::Configuration)
            }
            Self::Module(Failure::NotAllowed | Failure::Misfit(_)) => true,
            Self::Module(Failure::NoModule | Failure::Full | Failure::Late | Failure::Lost) => false,
            Self::OtherBlock => false,
            Self::OneSided | Self::NoCode(_) | Self::Unwritable | Self::Nonsense => true,
        }
    }

    /// What the source of a request is told whose PIN could not be moved.
    pub(crate) fn code_about_pin(&self) -> Code {
        match self {
            Self::Module(Failure::Fault(Fault::PinBlock | Fault::PinLength | Fault::Account)) => {
                Code::WrongPinBlock
            }
            Self::OtherBlock => Code::WrongPinBlock,
            Self::Module(Failure::Fault(fault)) if fault.class() == Class::Key => Code::PinKeyOutOfStep,
            Self::NoKey(_, Role::Tpk) => Code::PinKeyOutOfStep,
            other => other.code(),
        }
    }

    /// What it is told where anything else failed.
    pub(crate) fn code(&self) -> Code {
        match self {
            Self::Module(Failure::Full) => Code::Busy,
            _ => Code::Malfunction,
        }
    }
}

impl Wrong {
    /// What a source is told.
    pub(crate) fn code(&self) -> Code {
        match self {
            Self::Missing | Self::Code => Code::WrongMac,
            Self::Unproven => Code::SecurityFailure,
            Self::Unknown(Trouble::NoKey(..)) => Code::MacKeyOutOfStep,
            Self::Unknown(Trouble::Module(Failure::Fault(fault))) if fault.class() == Class::Key => {
                Code::MacKeyOutOfStep
            }
            Self::Unknown(trouble) => trouble.code(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_trouble_has_the_code_that_says_who_is_to_do_what() {
        use Failure::Fault as F;
        let about_pin = [
            (Trouble::Module(F(Fault::PinBlock)), Code::WrongPinBlock, false),
            (Trouble::Module(F(Fault::PinLength)), Code::WrongPinBlock, false),
            (Trouble::Module(F(Fault::Account)), Code::WrongPinBlock, false),
            (Trouble::Module(F(Fault::Parity)), Code::PinKeyOutOfStep, true),
            (Trouble::Module(F(Fault::NotAuthentic)), Code::PinKeyOutOfStep, true),
            (Trouble::Module(F(Fault::Usage)), Code::Malfunction, true),
            (Trouble::Module(F(Fault::Device(*b"41"))), Code::Malfunction, false),
            (Trouble::Module(Failure::NoModule), Code::Malfunction, false),
            (Trouble::Module(Failure::Late), Code::Malfunction, false),
            (Trouble::Module(Failure::Full), Code::Busy, false),
            (Trouble::Module(Failure::NotAllowed), Code::Malfunction, true),
            (Trouble::NoKey(NoKey::Unknown, Role::Tpk), Code::PinKeyOutOfStep, false),
            (Trouble::NoKey(NoKey::NotUsable, Role::Zpk), Code::Malfunction, true),
            (Trouble::OneSided, Code::Malfunction, true),
            (Trouble::OtherBlock, Code::WrongPinBlock, false),
        ];
        for (trouble, code, is_alarm) in about_pin {
            assert_eq!((trouble.code_about_pin(), trouble.is_alarm()), (code, is_alarm), "{trouble}");
        }
        let about_code = [
            (Wrong::Missing, Code::WrongMac),
            (Wrong::Code, Code::WrongMac),
            (Wrong::Unknown(Trouble::NoKey(NoKey::Unknown, Role::Tak)), Code::MacKeyOutOfStep),
            (Wrong::Unknown(Trouble::Module(F(Fault::NotAuthentic))), Code::MacKeyOutOfStep),
            (Wrong::Unknown(Trouble::Module(Failure::NoModule)), Code::Malfunction),
            (Wrong::Unknown(Trouble::Module(Failure::Full)), Code::Busy),
        ];
        for (wrong, code) in about_code {
            assert_eq!(wrong.code(), code, "{wrong}");
        }
    }
}
