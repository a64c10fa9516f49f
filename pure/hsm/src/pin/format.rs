use core::fmt;

/// How a PIN lies in its block. Source: ISO 9564-1:2017, 8 and 9.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Bound to the card number, filled with F. Also ANSI X9.8.
    Iso0,
    /// Not bound to a card; filled with digits unique to the transaction.
    Iso1,
    /// For a chip card that checks the PIN itself; never on a line.
    Iso2,
    /// Bound to the card number, filled with random letters.
    Iso3,
    /// For AES: sixteen bytes, enciphered twice with the card number between.
    Iso4,
    /// The PIN, then F to the end: IBM 3624 and Diebold. No ISO format, and known for old terminals only.
    Filled,
}

impl Format {
    /// Bytes of a block.
    pub const fn block_bytes(self) -> usize {
        match self {
            Self::Iso4 => 16,
            _ => 8,
        }
    }

    /// Whether the card number is in it.
    pub const fn binds_card(self) -> bool {
        matches!(self, Self::Iso0 | Self::Iso3 | Self::Iso4)
    }

    /// The format of that ISO number.
    pub const fn of_iso(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::Iso0,
            1 => Self::Iso1,
            2 => Self::Iso2,
            3 => Self::Iso3,
            4 => Self::Iso4,
            _ => return None,
        })
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Iso0 => "ISO format 0",
            Self::Iso1 => "ISO format 1",
            Self::Iso2 => "ISO format 2",
            Self::Iso3 => "ISO format 3",
            Self::Iso4 => "ISO format 4",
            Self::Filled => "filled with F",
        })
    }
}
