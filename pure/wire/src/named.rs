use crate::{Framing, Header, HeaderBytes, Prefix, Trailer, hex};
use alloc::vec::Vec;
use core::{fmt, str::FromStr};
use terms::limits::{BODY_BYTES_MAX, HEADER_BYTES_MAX};

/// Why a text names no framing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The length is none of those known.
    #[error(
        "no such length prefix; known are none, ascii1..6, bcd1..3, bin1..4, binle1..4, hex2..8, ebcdic1..6, \
         each with i added when it counts itself"
    )]
    Length,
    /// A part after a `+` is none of those known.
    #[error(
        "no such part (number {part}); known are tpdu, hdrN (N bytes, echoed), hdrN=HEX (always these), hdrN~HEX \
         (echoed, or these), hdrN=0 (zeros), etx (not counted), etxc (counted), end=HEX, endc=HEX, ka (keep-alive of length zero), max=BYTES"
    )]
    Part {
        /// Which part, from 1.
        part: usize,
    },
}

impl Framing {
    /// The framing a short text names: `ascii4`, `ascii4i` (counts itself), `bin2`, `binle2`, `bcd2`, `hex4`,
    /// `ebcdic4`, `none`, then parts: `+tpdu`, `+hdr46` (echoed), `+hdr5=6000030000`
    /// (always these), `+hdr5~6000030000` (echoed, these where there is nothing to echo), `+etx`, `+etxc`, `+ka`,
    /// `+max=8192`. `Display` writes the same text.
    ///
    /// # Errors
    /// [`NameError`].
    pub fn named(text: &str) -> Result<Self, NameError> {
        let mut parts = text.split('+');
        let mut framing = length(parts.next().unwrap_or_default()).ok_or(NameError::Length)?;
        for (at, part) in parts.enumerate() {
            framing.add(part).ok_or(NameError::Part { part: at + 1 })?;
        }
        Ok(framing)
    }

    fn add(&mut self, part: &str) -> Option<()> {
        match part {
            "tpdu" => self.header = Header::Tpdu,
            "etx" => self.trailer = Some(Trailer { byte: 0x03, counted: false }),
            "etxc" => self.trailer = Some(Trailer { byte: 0x03, counted: true }),
            "ka" => self.keep_alive_zero = true,
            _ => {
                if let Some(bytes) = part.strip_prefix("max=") {
                    self.body_bytes_max =
                        bytes.parse().ok().filter(|&bytes| bytes > 0 && bytes <= usize::from(u16::MAX))?;
                } else if let Some(trailer) = part.strip_prefix("end=") {
                    self.trailer = Some(Trailer { byte: one_byte(trailer)?, counted: false });
                } else if let Some(trailer) = part.strip_prefix("endc=") {
                    self.trailer = Some(Trailer { byte: one_byte(trailer)?, counted: true });
                } else {
                    self.header = header(part.strip_prefix("hdr")?)?;
                }
            }
        }
        Some(())
    }
}

impl FromStr for Framing {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::named(text)
    }
}

impl fmt::Display for Framing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.length {
            Prefix::None => f.write_str("none")?,
            Prefix::AsciiDigits(width) => write!(f, "ascii{width}")?,
            Prefix::Bcd(width) => write!(f, "bcd{width}")?,
            Prefix::BinaryBig(width) => write!(f, "bin{width}")?,
            Prefix::BinaryLittle(width) => write!(f, "binle{width}")?,
            Prefix::HexDigits(width) => write!(f, "hex{width}")?,
            Prefix::EbcdicDigits(width) => write!(f, "ebcdic{width}")?,
        }
        if self.inclusive {
            f.write_str("i")?;
        }
        match self.header {
            Header::None => {}
            Header::Tpdu => f.write_str("+tpdu")?,
            Header::Fixed { bytes, echo: true, constant: None } => write!(f, "+hdr{bytes}")?,
            Header::Fixed { bytes, echo: true, constant: Some(constant) } => {
                write!(f, "+hdr{bytes}~{constant:?}")?
            }
            Header::Fixed { bytes, echo: false, constant: Some(constant) } => {
                write!(f, "+hdr{bytes}={constant:?}")?
            }
            Header::Fixed { bytes, echo: false, constant: None } => write!(f, "+hdr{bytes}=0")?,
        }
        match self.trailer {
            None => {}
            Some(Trailer { byte: 0x03, counted: false }) => f.write_str("+etx")?,
            Some(Trailer { byte: 0x03, counted: true }) => f.write_str("+etxc")?,
            Some(Trailer { byte, counted: false }) => write!(f, "+end={byte:02X}")?,
            Some(Trailer { byte, counted: true }) => write!(f, "+endc={byte:02X}")?,
        }
        if self.keep_alive_zero {
            f.write_str("+ka")?;
        }
        if self.body_bytes_max != BODY_BYTES_MAX {
            write!(f, "+max={}", self.body_bytes_max)?;
        }
        Ok(())
    }
}

fn length(text: &str) -> Option<Framing> {
    if text == "none" {
        return Some(Framing::new(Prefix::None));
    }
    let (text, inclusive) = text.strip_suffix('i').map_or((text, false), |text| (text, true));
    let (kind, width) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let width = width.parse().ok()?;
    let prefix = match kind {
        "ascii" => Prefix::AsciiDigits(width),
        "bcd" => Prefix::Bcd(width),
        "bin" => Prefix::BinaryBig(width),
        "binle" => Prefix::BinaryLittle(width),
        "hex" => Prefix::HexDigits(width),
        "ebcdic" => Prefix::EbcdicDigits(width),
        _ => return None,
    };
    prefix.is_legal().then(|| Framing { inclusive, ..Framing::new(prefix) })
}

fn header(text: &str) -> Option<Header> {
    let echo = !text.contains('=');
    let (bytes, constant) =
        text.split_once(['=', '~']).map_or((text, None), |(bytes, rest)| (bytes, Some(rest)));
    let bytes: u8 = bytes.parse().ok().filter(|&n| n > 0 && usize::from(n) <= HEADER_BYTES_MAX)?;
    match constant {
        None => Some(Header::Fixed { bytes, echo: true, constant: None }),
        Some("0") if !echo => Some(Header::Fixed { bytes, echo: false, constant: None }),
        Some(text) => {
            let constant = HeaderBytes::new(&unhexed(text)?)?;
            (constant.as_bytes().len() == usize::from(bytes)).then_some(Header::Fixed {
                bytes,
                echo,
                constant: Some(constant),
            })
        }
    }
}

fn one_byte(text: &str) -> Option<u8> {
    unhexed(text).filter(|bytes| bytes.len() == 1).map(|bytes| bytes[0])
}

fn unhexed(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    hex::read(hex::Charset::Ascii, text.as_bytes(), &mut bytes).ok().map(|()| bytes)
}
