//! `[[route]]` and `[[receiver]]`: which host a card belongs to, and which an account.

use super::check::check_known;
use serde::Deserialize;

/// `[[route]]`: the longest card prefix wins, then the line written first.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteToml {
    /// First digits of the card; empty for any.
    #[serde(default)]
    pub prefix: String,
    /// Only from this listener.
    pub listener: Option<String>,
    /// Only this kind of transaction, such as `withdrawal`.
    pub kind: Option<String>,
    /// Where it goes.
    pub link: String,
    /// What people call this line; without it made of prefix and link. At most 24 characters.
    pub name: Option<String>,
}

impl RouteToml {
    pub(super) fn complain(&self, listeners: &[&str], links: &[&str], wrong: &mut Vec<String>) {
        let at = format!("route `{}`", self.label());
        check_known(&at, "link", &self.link, links, wrong);
        if let Some(listener) = &self.listener {
            check_known(&at, "listener", listener, listeners, wrong);
        }
        if self.prefix.len() > 19 || !self.prefix.bytes().all(|byte| byte.is_ascii_digit()) {
            wrong.push(format!("{at}: a prefix is at most 19 digits"));
        }
        let kinds: Vec<&str> = terms::Kind::ALL.iter().map(|kind| kind.name()).collect();
        if let Some(kind) = &self.kind {
            check_known(&at, "kind", kind, &kinds, wrong);
        }
    }

    /// What people call it.
    pub fn label(&self) -> String {
        self.name.clone().unwrap_or_else(|| match self.prefix.as_str() {
            "" => format!("any -> {}", self.link),
            prefix => format!("{prefix} -> {}", self.link),
        })
    }
}

/// `[[receiver]]`: where the account a transfer goes to is kept. The longest prefix wins, then the line written
/// first; an account no line names is at the host that pays.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiverToml {
    /// First characters of the receiving account; empty for any.
    #[serde(default)]
    pub prefix: String,
    /// Only from this listener.
    pub listener: Option<String>,
    /// Which host keeps it.
    pub link: String,
    /// What people call this line; without it made of prefix and link. At most 24 characters.
    pub name: Option<String>,
}

impl ReceiverToml {
    pub(super) fn complain(&self, listeners: &[&str], links: &[&str], wrong: &mut Vec<String>) {
        let at = format!("receiver `{}`", self.label());
        check_known(&at, "link", &self.link, links, wrong);
        if let Some(listener) = &self.listener {
            check_known(&at, "listener", listener, listeners, wrong);
        }
        if self.prefix.len() > 28 || !self.prefix.bytes().all(|byte| byte.is_ascii_graphic()) {
            wrong.push(format!("{at}: a prefix is at most 28 characters, none of them a space"));
        }
    }

    /// What people call it.
    pub fn label(&self) -> String {
        self.name.clone().unwrap_or_else(|| match self.prefix.as_str() {
            "" => format!("to any -> {}", self.link),
            prefix => format!("to {prefix} -> {}", self.link),
        })
    }
}
