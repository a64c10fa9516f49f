use serde::Deserialize;
use std::path::PathBuf;

/// `[keys]`
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct KeysToml {
    /// Where keys lie; without it `keys` in the data directory. Relative to the working directory.
    pub dir: Option<PathBuf>,
    /// Where the last entry of the audit of keys is noted, to be compared at the next start; without it `audit.mark` in
    /// the data directory. On another disk, or where another user backs it up, it is worth more.
    pub mark: Option<PathBuf>,
    /// For how long what comes under the key before is still taken. 0..=86_400_000.
    pub overlap_ms: u32,
}

impl Default for KeysToml {
    fn default() -> Self {
        Self { dir: None, mark: None, overlap_ms: 7_200_000 }
    }
}

impl KeysToml {
    pub(super) fn complain(&self, wrong: &mut Vec<String>) {
        if self.overlap_ms > 86_400_000 {
            wrong.push(format!("keys.overlap_ms is {}, more than a day", self.overlap_ms));
        }
    }
}

/// `[link.key_exchange]`
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct KeyExchangeToml {
    /// Who draws the keys: `us` or `peer`.
    pub drawn_by: DrawnBy,
    /// How often an exchange begins by itself; without it by order alone, and when the peer begins. 200..=2_592_000_000.
    pub every_ms: Option<u32>,
    /// Where we draw and both begin at once: ours gives way to the host's. Without it the host is told that we are busy.
    /// One side yields, or neither exchange comes about.
    #[serde(default)]
    pub yields: bool,
}

/// Who draws keys.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum DrawnBy {
    /// We do, and send them.
    Us,
    /// The peer does, and sends them when asked or when it likes.
    Peer,
}
