use core::fmt;

/// An amount in minor units (cents, yen) of a currency that stands beside it. Never negative: a direction is
/// part of what a transaction does, not of its amount.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Amount(u64);

impl Amount {
    /// Largest amount a 12-digit field can say.
    pub const MAX_12: Self = Self(999_999_999_999);

    /// So many minor units.
    pub const fn minor(units: u64) -> Self {
        Self(units)
    }

    /// The number of minor units.
    pub const fn minor_units(self) -> u64 {
        self.0
    }

    /// The sum, or `None` where it would not fit.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A currency by its three-digit number (ISO 4217 numeric).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency(u16);

impl Currency {
    /// No currency was named.
    pub const NONE: Self = Self(0);

    /// The currency of that number; `None` above 999.
    pub const fn numeric(number: u16) -> Option<Self> {
        if number <= 999 { Some(Self(number)) } else { None }
    }

    /// Its number.
    pub const fn number(self) -> u16 {
        self.0
    }

    /// Digits after the point when people read it (ISO 4217): 0 for yen and won, 3 for the dinars, 2 otherwise.
    pub const fn decimals(self) -> u8 {
        match self.0 {
            152 | 392 | 410 | 548 | 600 | 704 | 800 | 950 | 952 | 953 => 0,
            48 | 368 | 400 | 414 | 434 | 512 | 788 => 3,
            _ => 2,
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03}", self.0)
    }
}
