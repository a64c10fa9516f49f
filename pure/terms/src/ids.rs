use crate::Text;
use core::fmt;

/// System trace audit number: names one message between two parties for a while. 1..=999_999 on the wire
/// (ISO 8583:1987 and :1993, DE 11).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Stan(pub u32);

impl Stan {
    /// The number after this one: 999_999 is followed by 1, and 0 is never used.
    pub const fn next(self) -> Self {
        if self.0 >= 999_999 { Self(1) } else { Self(self.0 + 1) }
    }
}

impl fmt::Display for Stan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:06}", self.0)
    }
}

/// Retrieval reference number (DE 37), 12 characters.
pub type Rrn = Text<12>;
/// Terminal identity (DE 41), 8 characters in the 1987 and 1993 editions, 16 in later ones.
pub type TerminalId = Text<16>;
/// Name of a link or a listener as the configuration writes it.
pub type LinkName = Text<24>;

/// A link to a host, by its place in the configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkId(pub u16);

/// A source of requests (a listener, or one system behind it), by its place in the configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceId(pub u16);

/// One life of one connection. Never used again in the same process, so an answer meant for a connection
/// that has gone cannot reach the one that came after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnId(pub u64);

/// A transaction of one lane, numbered from 1 in the order of admission and for the life of the journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TxnId(pub u64);

/// A message the switch owes a host (a reversal, an advice), numbered from 1 for the life of the journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ForwardId(pub u64);

impl fmt::Display for ForwardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for TxnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stan_wraps_to_one_and_never_to_zero() {
        assert_eq!(Stan(999_998).next(), Stan(999_999));
        assert_eq!(Stan(999_999).next(), Stan(1));
        assert_eq!(Stan(0).next(), Stan(1));
    }
}
