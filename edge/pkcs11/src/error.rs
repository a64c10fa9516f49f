use cryptoki::error::{Error, RvError};
use hsm::ops::Fault;
use std::path::PathBuf;

/// Why no session with a token came about.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The library cannot be loaded, or does not begin.
    #[error("the library {} is not taken: {said}", path.display())]
    Module {
        /// Which.
        path: PathBuf,
        /// Why.
        said: String,
    },
    /// The file of the PIN cannot be used.
    #[error("the file {} of the token's PIN cannot be used: {said}", path.display())]
    PinFile {
        /// Which.
        path: PathBuf,
        /// Why.
        said: String,
    },
    /// No such token.
    #[error("there is no token {wanted}; there are: {found}")]
    NoToken {
        /// What was looked for.
        wanted: String,
        /// What is there.
        found: String,
    },
    /// More than one.
    #[error("there are several tokens {wanted}: {found}; name one by its serial number")]
    SeveralTokens {
        /// What was looked for.
        wanted: String,
        /// What is there.
        found: String,
    },
    /// The PIN is wrong.
    #[error(
        "the token refused the PIN in {}; it is not tried again before that file is written anew, so that \
         nothing here locks the token",
        path.display()
    )]
    PinRefused {
        /// Where it stands.
        path: PathBuf,
    },
    /// It cannot be asked for its PIN any more, or not by us.
    #[error("{why}: log in with the token's own tool, or have its PIN set anew")]
    PinNotTried {
        /// Why not.
        why: &'static str,
    },
    /// No master keys.
    #[error("the token has no master key {label}: `sekisho hsm master` draws one")]
    NoMaster {
        /// Which.
        label: String,
    },
    /// There is one already.
    #[error("the token has a master key {label} already: keys may lie under it")]
    MasterThere {
        /// Which.
        label: String,
    },
    /// More than one of a name.
    #[error("the token has several keys {label}: nobody knows under which keys lie")]
    SeveralMasters {
        /// Which.
        label: String,
    },
    /// It is not kept as it has to be.
    #[error("the master key {label} {why}")]
    WeakMaster {
        /// Which.
        label: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The token cannot do what keys at rest need.
    #[error("the token cannot {what}: keys cannot be kept by it ({said})")]
    Lacks {
        /// What.
        what: &'static str,
        /// What it said.
        said: String,
    },
    /// A call failed.
    #[error("the token failed: {said}")]
    Call {
        /// Which, and how.
        said: String,
    },
}

impl From<Error> for OpenError {
    fn from(error: Error) -> Self {
        Self::Call { said: said(&error) }
    }
}

/// An error in the words of the standard, which people look up.
pub(crate) fn said(error: &Error) -> String {
    match error {
        Error::Pkcs11(code, function) => format!("C_{function:?}: {code:?}"),
        error => error.to_string(),
    }
}

/// What an error of a call means to whoever asked.
#[rustfmt::skip]
pub(crate) fn fault_of(error: &Error) -> Fault {
    use RvError as R;
    let Error::Pkcs11(code, _) = error else {
        return match error {
            Error::NullFunctionPointer | Error::NotSupported => Fault::NotOffered,
            _ => Fault::Device(*b"LI"),
        };
    };
    match code {
        R::MechanismInvalid | R::MechanismParamInvalid | R::FunctionNotSupported | R::AttributeTypeInvalid
        | R::AttributeValueInvalid | R::TemplateInconsistent | R::TemplateIncomplete | R::ActionProhibited
        | R::RandomNoRng                                                       => Fault::NotOffered,
        R::KeyFunctionNotPermitted                                             => Fault::Mode,
        R::KeyUnextractable | R::KeyNotWrappable                               => Fault::NotExportable,
        R::KeySizeRange | R::KeyTypeInconsistent | R::WrappingKeySizeRange | R::UnwrappingKeySizeRange
        | R::WrappingKeyTypeInconsistent | R::UnwrappingKeyTypeInconsistent    => Fault::KeyLength,
        R::WrappedKeyInvalid | R::WrappedKeyLenRange | R::EncryptedDataInvalid
        | R::EncryptedDataLenRange                                             => Fault::NotAuthentic,
        R::SignatureInvalid | R::SignatureLenRange                             => Fault::NotVerified,
        R::DataInvalid | R::DataLenRange                                       => Fault::DataLength,
        R::SessionReadOnly | R::TokenWriteProtected                            => Fault::NotAuthorised,
        R::DeviceError                                                         => Fault::Device(*b"30"),
        R::DeviceMemory                                                        => Fault::Device(*b"31"),
        R::DeviceRemoved                                                       => Fault::Device(*b"32"),
        R::SessionClosed | R::SessionHandleInvalid                             => Fault::Device(*b"B3"),
        R::TokenNotPresent | R::TokenNotRecognized                             => Fault::Device(*b"E0"),
        R::UserNotLoggedIn                                                     => Fault::Device(*b"LO"),
        R::HostMemory                                                          => Fault::Device(*b"02"),
        R::GeneralError                                                        => Fault::Device(*b"05"),
        // Whatever else a call may say, its session is not to be relied upon any more.
        _                                                                      => Fault::Device(*b"06"),
    }
}

/// Whether the token has no room for another object.
pub(crate) const fn is_full(error: &Error) -> bool {
    matches!(error, Error::Pkcs11(RvError::DeviceMemory, _))
}
