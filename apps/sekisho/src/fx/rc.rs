//! Return codes of the old tools and of the C library: numbers and names that scripts and programs know by heart.

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rc {
    /// Its number.
    pub(crate) number: u16,
    /// Its name.
    pub(crate) name: &'static str,
}

macro_rules! codes {
    ($($(#[doc = $meaning:literal])* $name:ident = $number:literal,)*) => {
        impl Rc {
            $($(#[doc = $meaning])* pub(crate) const $name: Self = Self { number: $number, name: concat!("RC_", stringify!($name)) };)*
        }

        /// Every code a tool may end with.
        #[cfg(test)]
        const ALL: &[Rc] = &[$(Rc::$name),*];
    };
}

codes! {
    /// Done, or so already.
    OK = 0,
    /// The centre said no.
    NG = 1,
    /// Anything no other code is for.
    ERROR = 4,
    /// No such message in the journal.
    NO_MSG_IN_FILE = 6,
    /// No answer in time: what became of it is not known.
    TIME_OUT = 10,
    /// The daemon would not, or its answer did not come.
    ERROR_DAEMON = 16,
    /// Applications hold sessions.
    APPL_IS_REMAINED = 20,
    /// The journal cannot be opened.
    COULD_NOT_OPEN_JOURNAL = 21,
    /// A daemon runs already.
    PKG_ALREADY_STARTED = 22,
    /// Not signed off: an orderly stop is not to be had.
    PKG_IS_NOT_SIGNOFF = 23,
    /// No daemon runs.
    PKG_IS_NOT_STARTED = 24,
    /// Signed off, or changing its state.
    PKG_IS_SIGNOFF_OR_SWITCHING = 25,
    /// What was found cannot be cancelled.
    ERR_GETCANCELTRN = 32,
    /// It could not be sent.
    ERR_SENDMSG = 35,
    /// Not everything could be told in the time given.
    ERR_RETRY_OVER = 36,
    /// A file cannot be read or made.
    ERR_OPEN_FILE = 39,
    /// No connection with the centre stands.
    ERR_ALL_CENTER_SESSION = 43,
    /// The words make no sense.
    INVALID_PARAM = 1000,
}

impl Rc {
    /// What the process ends with: the code itself, and 64 for the one that does not fit.
    pub(crate) fn exit(self) -> u8 {
        u8::try_from(self.number).unwrap_or(64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_ends_with_its_code_and_with_64_where_that_does_not_fit() {
        for code in ALL {
            let expected = if *code == Rc::INVALID_PARAM { 64 } else { code.number };
            assert_eq!(u16::from(code.exit()), expected, "{}", code.name);
        }
        assert_eq!(Rc::APPL_IS_REMAINED.name, "RC_APPL_IS_REMAINED");
    }
}
