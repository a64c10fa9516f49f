//! A frame around one message, where there is one: the one asked for, or any of the usual ones.

use dialects::Dialect;
use wire::{FrameError, Framing, Next, Prefix};

/// Framings that are tried where none is named. The more of the bytes one explains, the stronger a witness it
/// is: those with a length must give exactly the length there is.
#[rustfmt::skip]
const USUAL: [&str; 22] = [
    "none",       "ascii4",     "bin2",        "ascii4i",   "bin2i",      "bcd2",        "hex4",
    "ascii2",     "ascii3",     "ascii5",      "ascii6",    "bin4",       "binle2",      "ebcdic4",
    "none+tpdu",  "bin2+tpdu",  "bcd2+tpdu",   "hex4+tpdu", "none+hdr11", "bin2+hdr11",  "none+hdr12",
    "bin2+hdr12",
];

/// A message without its frame.
#[derive(Clone, Debug)]
pub(super) struct Unframed<'a> {
    pub(super) framing: Framing,
    pub(super) header: &'a [u8],
    pub(super) body: &'a [u8],
    /// Where the body begins in the input.
    pub(super) body_at: usize,
    /// Bytes of the input behind the frame.
    pub(super) left: usize,
}

/// Why there is no frame, in the words a decode error uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NoFrame {
    pub(super) offset: usize,
    pub(super) expected: String,
    pub(super) found: String,
}

/// The message in the first frame of that kind.
pub(super) fn unframe<'a>(framing: &Framing, input: &'a [u8]) -> Result<Unframed<'a>, NoFrame> {
    match framing.next(input) {
        Ok(Next::Frame { header, body, consumed }) => {
            let body_at = framing.length.width_bytes() + header.len();
            Ok(Unframed { framing: framing.clone(), header, body, body_at, left: input.len() - consumed })
        }
        Ok(Next::NeedMore { at_least }) => {
            Err(NoFrame::new(input.len(), format!("{at_least} more bytes of a frame"), "the end"))
        }
        Ok(Next::KeepAlive { .. }) => Err(NoFrame::new(0, "a message", "a keep-alive frame without one")),
        Err(error) => Err(error.into()),
    }
}

/// Every usual frame that explains all of the input, and the input as it is.
pub(super) fn guesses<'a>(dialect: &Dialect, input: &'a [u8]) -> Vec<Unframed<'a>> {
    let own = Some(dialect.framing()).filter(|name| !name.is_empty() && !USUAL.contains(name));
    let names = USUAL.into_iter().chain(own);
    let framings = names.filter_map(|name| Framing::named(name).ok());
    framings
        .filter_map(|framing| unframe(&framing, input).ok())
        .filter(|unframed| unframed.left == 0)
        .collect()
}

impl Unframed<'_> {
    /// Whether anything was taken off.
    pub(super) fn is_framed(&self) -> bool {
        self.framing.length != Prefix::None || self.framing.trailer.is_some() || !self.header.is_empty()
    }

    /// Whether bytes are passed over that no length vouches for.
    pub(super) fn skips(&self) -> bool {
        self.framing.length == Prefix::None && !self.header.is_empty()
    }

    /// How much has to be believed for it: nothing for the input as it is, most for bytes that are skipped
    /// without a length that agrees.
    pub(super) fn assumptions(&self) -> usize {
        let skipped = self.header.len();
        match self.framing.length {
            Prefix::None => skipped * 2,
            _ => 1 + skipped,
        }
    }
}

impl NoFrame {
    fn new(offset: usize, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self { offset, expected: expected.into(), found: found.into() }
    }
}

impl From<FrameError> for NoFrame {
    fn from(error: FrameError) -> Self {
        match error {
            FrameError::LengthNotDigits { at, found } => {
                Self::new(at, "a digit of the frame's length", format!("0x{found:02X}"))
            }
            FrameError::Oversize { claimed_bytes, limit_bytes } => {
                Self::new(0, format!("a frame of at most {limit_bytes} bytes"), format!("{claimed_bytes}"))
            }
            FrameError::TooShort { claimed_bytes, needed_bytes } => {
                Self::new(0, format!("a frame of at least {needed_bytes} bytes"), format!("{claimed_bytes}"))
            }
            FrameError::Empty => Self::new(0, "a message", "an empty frame"),
            FrameError::TrailerWrong { at, expected, found } => {
                Self::new(at, format!("the trailer 0x{expected:02X}"), format!("0x{found:02X}"))
            }
        }
    }
}
