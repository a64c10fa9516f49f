//! Where one message ends and the next begins on a stream.

use alloc::vec::Vec;
use core::fmt;
use terms::limits::{BODY_BYTES_MAX, HEADER_BYTES_MAX};

/// How frames lie on a link: `length [header] body [trailer]`. Plain data, as a contract fixes it.
///
/// The length counts header and body; itself and the trailer as [`Framing::inclusive`] and
/// [`Trailer::counted`] say. Names for all of it: [`Framing::named`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Framing {
    /// How the length is written.
    pub length: Prefix,
    /// Whether the length counts its own bytes too.
    pub inclusive: bool,
    /// What stands between length and body.
    pub header: Header,
    /// What stands after the body.
    pub trailer: Option<Trailer>,
    /// Longest legal body.
    pub body_bytes_max: usize,
    /// Whether a frame of length zero is a sign of life; otherwise it is an error.
    pub keep_alive_zero: bool,
}

/// How a frame's length is written. Widths count bytes on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prefix {
    /// Not at all: the trailer ends a frame, and without one all there is makes a frame (files, not streams).
    None,
    /// ASCII digits, 1..=6.
    AsciiDigits(u8),
    /// Two digits a byte, 1..=3 bytes.
    Bcd(u8),
    /// Binary, most significant byte first, 1..=4.
    BinaryBig(u8),
    /// Binary, least significant byte first, 1..=4.
    BinaryLittle(u8),
    /// ASCII hex digits, 2..=8.
    HexDigits(u8),
    /// EBCDIC digits, 1..=6.
    EbcdicDigits(u8),
}

/// What stands between length and body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Header {
    /// Nothing.
    None,
    /// Five bytes: an identifier, a destination of two, a source of two. An answer swaps the two addresses.
    Tpdu,
    /// Always so many bytes.
    Fixed {
        /// How many, 1..=[`HEADER_BYTES_MAX`].
        bytes: u8,
        /// Whether an answer carries the request's own.
        echo: bool,
        /// What we write where there is nothing to echo; zeros when `None`.
        constant: Option<HeaderBytes>,
    },
}

/// A byte after the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trailer {
    /// The byte.
    pub byte: u8,
    /// Whether the length counts it.
    pub counted: bool,
}

/// A frame header kept where it stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct HeaderBytes {
    bytes: [u8; HEADER_BYTES_MAX],
    length: u8,
}

impl HeaderBytes {
    /// No header.
    pub const EMPTY: Self = Self { bytes: [0; HEADER_BYTES_MAX], length: 0 };

    /// Takes `bytes` when they fit; `None` when there are more than [`HEADER_BYTES_MAX`].
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let mut header = Self::EMPTY;
        header.bytes.get_mut(..bytes.len())?.copy_from_slice(bytes);
        header.length = bytes.len() as u8;
        Some(header)
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length as usize]
    }

    fn zeros(length: usize) -> Self {
        Self { bytes: [0; HEADER_BYTES_MAX], length: length.min(HEADER_BYTES_MAX) as u8 }
    }
}

impl Default for HeaderBytes {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl fmt::Debug for HeaderBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_bytes().iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

/// What the bytes at hand begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next<'a> {
    /// An unfinished frame.
    NeedMore {
        /// How many more bytes must come before asking again makes sense.
        at_least: usize,
    },
    /// A frame of length zero, which says only that the peer lives. Never answer one with another.
    KeepAlive {
        /// Bytes it took.
        consumed: usize,
    },
    /// A whole frame.
    Frame {
        /// The bytes between length and body.
        header: &'a [u8],
        /// The message.
        body: &'a [u8],
        /// Bytes the frame took.
        consumed: usize,
    },
}

/// Why bytes are no frame. After any of these nobody knows where the next frame begins: drop the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The length is not written in digits.
    #[error("frame length at byte {at}: expected a digit, found 0x{found:02X}")]
    LengthNotDigits {
        /// The byte of the length that is wrong.
        at: usize,
        /// What stands there.
        found: u8,
    },
    /// The frame would be longer than is legal.
    #[error("frame claims {claimed_bytes} bytes, limit {limit_bytes}")]
    Oversize {
        /// What the length says.
        claimed_bytes: usize,
        /// The most it may say.
        limit_bytes: usize,
    },
    /// The length does not even cover what must be there.
    #[error("frame claims {claimed_bytes} bytes, at least {needed_bytes} needed")]
    TooShort {
        /// What the length says.
        claimed_bytes: usize,
        /// The least it may say.
        needed_bytes: usize,
    },
    /// A frame of length zero where that is no keep-alive.
    #[error("empty frame, and this link has no keep-alive frames")]
    Empty,
    /// The byte after the body is not the trailer.
    #[error("frame trailer at byte {at}: expected 0x{expected:02X}, found 0x{found:02X}")]
    TrailerWrong {
        /// Its place in the frame.
        at: usize,
        /// The byte agreed.
        expected: u8,
        /// What stands there.
        found: u8,
    },
}

/// Why a frame was not written. Nothing of it is left in the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError<E> {
    /// The body could not be written.
    #[error("frame body")]
    Body(#[source] E),
    /// The body is longer than the link allows or the length can say.
    #[error("frame body of {found_bytes} bytes, limit {limit_bytes}")]
    Oversize {
        /// Bytes of the body.
        found_bytes: usize,
        /// The most it may have.
        limit_bytes: usize,
    },
    /// The header given is not as long as the link's headers are.
    #[error("frame header of {found_bytes} bytes, expected {expected_bytes}")]
    Header {
        /// Bytes of the header given.
        found_bytes: usize,
        /// Bytes of this link's headers.
        expected_bytes: usize,
    },
}

impl Framing {
    /// Frames of that length prefix and nothing else: no header, no trailer, the house's limit.
    pub const fn new(length: Prefix) -> Self {
        Self {
            length,
            inclusive: false,
            header: Header::None,
            trailer: None,
            body_bytes_max: BODY_BYTES_MAX,
            keep_alive_zero: false,
        }
    }

    /// Looks for one frame at the front of `buffer`.
    ///
    /// - Errors: [`FrameError`]; as early as the bytes show it, not when the frame would be complete.
    /// - Cost: constant, but for frames that only a trailer ends.
    ///
    /// # Errors
    /// [`FrameError`].
    #[inline]
    pub fn next<'a>(&self, buffer: &'a [u8]) -> Result<Next<'a>, FrameError> {
        let width = self.length.width_bytes();
        if width == 0 {
            return self.next_without_length(buffer);
        }
        let claimed = self.length.read(&buffer[..width.min(buffer.len())])?;
        if buffer.len() < width {
            return Ok(Next::NeedMore { at_least: width - buffer.len() });
        }
        let counted = if self.inclusive { width } else { 0 };
        if claimed == 0 || claimed == counted {
            return if self.keep_alive_zero {
                Ok(Next::KeepAlive { consumed: width })
            } else {
                Err(FrameError::Empty)
            };
        }
        self.check_claim(claimed)?;
        let body_end = width + (claimed - counted - self.counted_trailer_bytes());
        let consumed = body_end + usize::from(self.trailer.is_some());
        if buffer.len() < consumed {
            return Ok(Next::NeedMore { at_least: consumed - buffer.len() });
        }
        if let Some(trailer) = self.trailer
            && buffer[body_end] != trailer.byte
        {
            return Err(FrameError::TrailerWrong {
                at: body_end,
                expected: trailer.byte,
                found: buffer[body_end],
            });
        }
        let (header, body) = buffer[width..body_end].split_at(self.header.length_bytes());
        Ok(Next::Frame { header, body, consumed })
    }

    /// Appends one whole frame: length, `header`, what `body` appends, trailer. On an error `out` is as
    /// before. A header of the wrong length is an error; give [`Framing::answer_header`]'s or
    /// [`Framing::request_header`]'s.
    ///
    /// # Errors
    /// [`WriteError`].
    #[inline]
    pub fn write<E>(
        &self,
        header: &[u8],
        out: &mut Vec<u8>,
        body: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), WriteError<E>> {
        crate::write::all_or_nothing(out, |out| self.write_whole(header, out, body))
    }

    /// The header an answer carries to a request that came with `request_header`.
    pub fn answer_header(&self, request_header: &[u8]) -> HeaderBytes {
        match (self.header, request_header) {
            (Header::Tpdu, &[id, d1, d2, s1, s2]) => {
                HeaderBytes::new(&[id, s1, s2, d1, d2]).unwrap_or_default()
            }
            (Header::Fixed { bytes, echo: true, .. }, header) if header.len() == usize::from(bytes) => {
                HeaderBytes::new(header).unwrap_or_default()
            }
            _ => self.request_header(),
        }
    }

    /// The header of a message that answers nothing. A TPDU is `60 0000 0000`; whoever needs addresses in it
    /// configures a fixed header with a constant.
    pub fn request_header(&self) -> HeaderBytes {
        match self.header {
            Header::None => HeaderBytes::EMPTY,
            Header::Tpdu => HeaderBytes::new(&[0x60, 0, 0, 0, 0]).unwrap_or_default(),
            Header::Fixed { bytes, constant, .. } => {
                constant.unwrap_or(HeaderBytes::zeros(usize::from(bytes)))
            }
        }
    }

    fn write_whole<E>(
        &self,
        header: &[u8],
        out: &mut Vec<u8>,
        body: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), WriteError<E>> {
        let expected_bytes = self.header.length_bytes();
        if header.len() != expected_bytes {
            return Err(WriteError::Header { found_bytes: header.len(), expected_bytes });
        }
        let (start, width) = (out.len(), self.length.width_bytes());
        out.extend_from_slice(&[0; 8][..width.min(8)]);
        out.extend_from_slice(header);
        let body_start = out.len();
        body(out).map_err(WriteError::Body)?;
        let body_bytes = out.len().saturating_sub(body_start);
        let counted = if self.inclusive { width } else { 0 } + self.counted_trailer_bytes();
        let claimed = counted + header.len() + body_bytes;
        let limit_bytes = self.body_bytes_max.min(self.length.says_at_most() - counted - header.len());
        if body_bytes > limit_bytes || !self.length.write(claimed, &mut out[start..start + width]) {
            return Err(WriteError::Oversize { found_bytes: body_bytes, limit_bytes });
        }
        out.extend(self.trailer.map(|trailer| trailer.byte));
        Ok(())
    }

    fn next_without_length<'a>(&self, buffer: &'a [u8]) -> Result<Next<'a>, FrameError> {
        let limit_bytes = self.body_bytes_max + self.header.length_bytes();
        let (end, consumed) = match self.trailer {
            // The header may hold any byte, so the search begins after it.
            Some(trailer) => {
                match buffer.iter().skip(self.header.length_bytes()).position(|&b| b == trailer.byte) {
                    Some(at) => (at + self.header.length_bytes(), at + self.header.length_bytes() + 1),
                    None if buffer.len() > limit_bytes => {
                        return Err(FrameError::Oversize { claimed_bytes: buffer.len(), limit_bytes });
                    }
                    None => return Ok(Next::NeedMore { at_least: 1 }),
                }
            }
            None if buffer.is_empty() => return Ok(Next::NeedMore { at_least: 1 }),
            None => (buffer.len(), buffer.len()),
        };
        let needed_bytes = self.header.length_bytes();
        match end {
            _ if end > limit_bytes => Err(FrameError::Oversize { claimed_bytes: end, limit_bytes }),
            _ if end < needed_bytes => Err(FrameError::TooShort { claimed_bytes: end, needed_bytes }),
            _ if end == needed_bytes && self.keep_alive_zero => Ok(Next::KeepAlive { consumed }),
            _ if end == needed_bytes => Err(FrameError::Empty),
            _ => {
                let (header, body) = buffer[..end].split_at(needed_bytes);
                Ok(Next::Frame { header, body, consumed })
            }
        }
    }

    #[inline]
    fn check_claim(&self, claimed_bytes: usize) -> Result<(), FrameError> {
        let counted = if self.inclusive { self.length.width_bytes() } else { 0 };
        let needed_bytes = counted + self.counted_trailer_bytes() + self.header.length_bytes();
        let limit_bytes = needed_bytes + self.body_bytes_max;
        if claimed_bytes > limit_bytes {
            return Err(FrameError::Oversize { claimed_bytes, limit_bytes });
        }
        if claimed_bytes < needed_bytes {
            return Err(FrameError::TooShort { claimed_bytes, needed_bytes });
        }
        Ok(())
    }

    #[inline]
    fn counted_trailer_bytes(&self) -> usize {
        usize::from(self.trailer.is_some_and(|trailer| trailer.counted))
    }
}

impl Header {
    /// Bytes it takes on the wire.
    #[inline]
    pub const fn length_bytes(self) -> usize {
        match self {
            Self::None => 0,
            Self::Tpdu => 5,
            Self::Fixed { bytes, .. } => bytes as usize,
        }
    }
}
