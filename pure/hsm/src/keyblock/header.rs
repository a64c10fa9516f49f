use super::BlockError;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::fmt::Write as _;

/// Which set of rules a block follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// ANSI X9.143:2021, before it TR-31:2018.
    Tr31,
    /// The payShield's own, marked by `S` in front.
    PayShield,
}

/// How a block is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// Triple DES, keys by variant. TR-31 of 2005.
    A,
    /// Triple DES, keys derived by CMAC. TR-31 of 2010.
    B,
    /// As A, named anew in 2010.
    C,
    /// AES, keys derived by CMAC. TR-31 of 2018.
    D,
    /// payShield under triple DES.
    S0,
    /// payShield under AES.
    S1,
}

/// Whether a key may leave under another key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Exportable {
    /// Under a trusted key, in a key block.
    Yes,
    /// Never.
    No,
    /// Under a key of any form.
    Sensitive,
}

/// An optional block: two characters that name it, and its data as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Optional {
    /// Its name.
    pub id: [u8; 2],
    /// Its data, without name and length.
    pub text: String,
}

/// What a block says in clear. Source: ANSI X9.143:2021, 6.2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// How the block is protected.
    pub version: Version,
    /// What the key is for, such as `P0`.
    pub usage: [u8; 2],
    /// The key's algorithm: `T` triple DES, `D` DES, `A` AES, `S` SM4, others.
    pub algorithm: u8,
    /// What may be done with it, such as `E`.
    pub mode: u8,
    /// Which version of the key, or which component.
    pub key_version: [u8; 2],
    /// Whether it may leave.
    pub exportable: Exportable,
    /// Optional blocks.
    pub optional: Vec<Optional>,
    /// Reserved, `00`; in the payShield's blocks the id of the LMK.
    pub reserved: [u8; 2],
}

/// Characters of a header without optional blocks.
pub(super) const FIXED: usize = 16;
/// Longest data of an optional block with a short length.
const SHORT_MAX: usize = 255 - 4;

impl Version {
    /// Which rules it follows.
    pub const fn family(self) -> Family {
        match self {
            Self::A | Self::B | Self::C | Self::D => Family::Tr31,
            Self::S0 | Self::S1 => Family::PayShield,
        }
    }

    const fn letter(self) -> u8 {
        match self {
            Self::A => b'A',
            Self::B => b'B',
            Self::C => b'C',
            Self::D => b'D',
            Self::S0 => b'0',
            Self::S1 => b'1',
        }
    }

    /// The version a block begins with, and where its header begins: after the `S` of the payShield.
    pub(super) fn of(block: &[u8]) -> Result<(Self, usize), BlockError> {
        let version = match block {
            [b'S', b'0', ..] => (Self::S0, 1),
            [b'S', b'1', ..] => (Self::S1, 1),
            [b'A', ..] => (Self::A, 0),
            [b'B', ..] => (Self::B, 0),
            [b'C', ..] => (Self::C, 0),
            [b'D', ..] => (Self::D, 0),
            [] | [b'S'] => return Err(BlockError::Truncated { expected: FIXED, found: block.len() }),
            [b'S', found, ..] | [found, ..] => {
                return Err(BlockError::Version { found: char::from(*found) });
            }
        };
        Ok(version)
    }

    /// Bytes of a block of the cipher that protects it.
    pub(super) const fn cipher_block(self) -> usize {
        match self {
            Self::A | Self::B | Self::C | Self::S0 => 8,
            Self::D | Self::S1 => 16,
        }
    }

    /// Bytes of the MAC at the end.
    pub(super) const fn mac_bytes(self) -> usize {
        match self {
            Self::A | Self::C | Self::S0 => 4,
            Self::B | Self::S1 => 8,
            Self::D => 16,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::A => "version A",
            Self::B => "version B",
            Self::C => "version C",
            Self::D => "version D",
            Self::S0 => "payShield version 0",
            Self::S1 => "payShield version 1",
        })
    }
}

impl Exportable {
    /// As blocks write it.
    pub const fn letter(self) -> u8 {
        match self {
            Self::Yes => b'E',
            Self::No => b'N',
            Self::Sensitive => b'S',
        }
    }

    /// As blocks write it; `None` for what is none.
    pub const fn of_letter(letter: u8) -> Option<Self> {
        Some(match letter {
            b'E' => Self::Yes,
            b'N' => Self::No,
            b'S' => Self::Sensitive,
            _ => return None,
        })
    }
}

impl Header {
    /// A header without optional blocks for a key that may leave under a trusted one.
    pub const fn new(version: Version, usage: [u8; 2], algorithm: u8, mode: u8) -> Self {
        Self {
            version,
            usage,
            algorithm,
            mode,
            key_version: *b"00",
            exportable: Exportable::Yes,
            optional: Vec::new(),
            reserved: *b"00",
        }
    }

    /// The usage as text.
    pub fn usage_text(&self) -> &str {
        core::str::from_utf8(&self.usage).expect("a usage is checked to be letters and digits")
    }

    /// The header as it stands in a block whose length in characters, without an `S` in front, is given.
    pub(super) fn write(&self, length: usize) -> String {
        let text = |bytes: &[u8]| bytes.iter().map(|&byte| char::from(byte)).collect::<String>();
        let mut out = String::new();
        write!(
            out,
            "{}{length:04}{}{}{}{}{}{:02}{}",
            char::from(self.version.letter()),
            text(&self.usage),
            char::from(self.algorithm),
            char::from(self.mode),
            text(&self.key_version),
            char::from(self.exportable.letter()),
            self.optional.len(),
            text(&self.reserved)
        )
        .expect("a String takes all text");
        for block in &self.optional {
            out.push_str(&text(&block.id));
            let length = match block.text.len() {
                short if short <= SHORT_MAX => write!(out, "{:02X}", short + 4),
                long => write!(out, "0004{:04X}", long + 10),
            };
            length.expect("a String takes all text");
            out.push_str(&block.text);
        }
        out
    }

    /// Reads a header and says where it ends. `block` has no `S` in front.
    pub(super) fn read(version: Version, block: &[u8]) -> Result<(Self, usize), BlockError> {
        let truncated = |expected| BlockError::Truncated { expected, found: block.len() };
        let fixed = block.get(..FIXED).ok_or(truncated(FIXED))?;
        let wrong = |at, expected| BlockError::Header { at, expected };
        let printable = |byte: &u8| byte.is_ascii_alphanumeric();
        if let Some(at) = fixed.iter().position(|byte| !printable(byte)) {
            return Err(wrong(at, "a letter or digit"));
        }
        let said = number(&fixed[1..5], 10).ok_or(wrong(1, "the length in four digits"))?;
        let count = number(&fixed[12..14], 10).ok_or(wrong(12, "the number of optional blocks"))?;
        let pair = |at: usize| [fixed[at], fixed[at + 1]];
        let exportable = Exportable::of_letter(fixed[11]).ok_or(wrong(11, "E, N or S"))?;
        let mut header = Self {
            version,
            usage: pair(5),
            algorithm: fixed[7],
            mode: fixed[8],
            key_version: pair(9),
            exportable,
            optional: Vec::new(),
            reserved: pair(14),
        };
        if said != block.len() {
            return Err(BlockError::Length { said, found: block.len() });
        }
        let mut end = FIXED;
        for _ in 0..count {
            let (optional, next) = read_optional(block, end)?;
            header.optional.push(optional);
            end = next;
        }
        Ok((header, end))
    }
}

/// One optional block from `at` on, and where it ends. Source: ANSI X9.143:2021, 6.3.6.
fn read_optional(block: &[u8], at: usize) -> Result<(Optional, usize), BlockError> {
    let part = |from: usize, to: usize| {
        block.get(from..to).ok_or(BlockError::Truncated { expected: to, found: block.len() })
    };
    let length_at = |from, to| {
        number(part(from, to)?, 16).ok_or(BlockError::Header { at: from, expected: "a length in hex digits" })
    };
    let name = part(at, at + 2)?;
    let short = length_at(at + 2, at + 4)?;
    // A length of nought says that a longer one follows, and how many digits it has.
    let (begins, length) = match short {
        0 => {
            let digits = length_at(at + 4, at + 6)?;
            let ends = at + 6 + digits.min(8);
            (ends, length_at(at + 6, ends)?)
        }
        short => (at + 4, short),
    };
    let end = at + length;
    if end < begins {
        return Err(BlockError::Header { at: at + 2, expected: "a length that covers itself" });
    }
    let text = part(begins, end)?;
    let is_text = text.iter().all(|byte| (b' '..=b'~').contains(byte));
    let text = if is_text { core::str::from_utf8(text).ok() } else { None };
    let text = text.ok_or(BlockError::Header { at: begins, expected: "printable characters" })?;
    Ok((Optional { id: [name[0], name[1]], text: text.into() }, end))
}

fn number(digits: &[u8], radix: u32) -> Option<usize> {
    let text = core::str::from_utf8(digits).ok().filter(|text| !text.starts_with('+'))?;
    usize::from_str_radix(text, radix).ok()
}
