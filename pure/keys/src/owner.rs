use core::fmt;
use terms::{LinkName, TerminalId, Text};

/// Whom keys are shared with. A key of one owner is never used with another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Owner {
    /// A host or a network behind a link.
    Link(LinkName),
    /// A system behind a listener, which asks for many terminals.
    Listener(LinkName),
    /// One terminal.
    Terminal(TerminalId),
    /// Nobody: keys of the switch itself.
    House,
}

impl Owner {
    /// Reads `link/NAME`, `listener/NAME`, `terminal/ID` or `house`. Names are of letters, digits, `-`, `_` and `.`.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "house" {
            return Some(Self::House);
        }
        let (kind, name) = text.split_once('/')?;
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        {
            return None;
        }
        match kind {
            "link" => Text::new(name.as_bytes()).map(Self::Link),
            "listener" => Text::new(name.as_bytes()).map(Self::Listener),
            "terminal" => Text::new(name.as_bytes()).map(Self::Terminal),
            _ => None,
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link(name) => write!(f, "link/{name}"),
            Self::Listener(name) => write!(f, "listener/{name}"),
            Self::Terminal(id) => write!(f, "terminal/{id}"),
            Self::House => f.write_str("house"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString as _;

    #[test]
    fn an_owner_survives_the_trip_through_text() {
        for text in ["link/cn", "listener/branch", "terminal/00010001", "house"] {
            assert_eq!(Owner::parse(text).map(|owner| owner.to_string()).as_deref(), Some(text));
        }
    }

    #[test]
    fn what_could_be_a_path_is_nobody() {
        for text in ["", "link", "link/", "link/../x", "terminal/a/b", "host/cn", "link/a b", "house/x"] {
            assert_eq!(Owner::parse(text), None, "{text}");
        }
    }
}
