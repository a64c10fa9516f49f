//! `[[listener]]`: who may connect, and how.

use super::GuardToml;
use super::check::{check_body_bytes, check_known, check_name_fits, default_body_bytes_max};
use serde::Deserialize;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use terms::limits;

/// `[[listener]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListenerToml {
    /// Its name, at most 24 characters. The journal knows it by this for ever.
    pub name: String,
    /// How its peers use a connection.
    pub kind: ListenerKind,
    /// Where it listens.
    pub listen: SocketAddr,
    /// What its peers speak.
    pub dialect: String,
    /// How frames are told apart, such as `ascii4` or `bin2+tpdu`; without it as the dialect suggests.
    pub framing: Option<String>,
    /// Longest message body in bytes.
    #[serde(default = "default_body_bytes_max")]
    pub body_bytes_max: usize,
    /// The link for what no route names.
    pub default_link: Option<String>,
    /// Whether a request must name its terminal.
    #[serde(default = "yes")]
    pub terminal_required: bool,
    /// How its terminals make an unknown outcome consistent; without it they get no withdrawals and deposits.
    pub consistency: Option<ConsistencyToml>,
    /// Requests of one terminal under way at once; 0 for any number.
    #[serde(default = "ListenerToml::per_terminal_max")]
    pub per_terminal_max: u32,
    /// Connections at once.
    #[serde(default = "ListenerToml::connections_max")]
    pub connections_max: u32,
    /// Connections at once from one address.
    #[serde(default = "ListenerToml::per_address_max")]
    pub per_address_max: u32,
    /// First byte of a frame to its last.
    #[serde(default = "ten_seconds")]
    pub frame_timeout_ms: u32,
    /// Silence after which a connection is closed; without it, never.
    pub idle_timeout_ms: Option<u32>,
    /// Messages that cannot be read after which a connection is closed.
    #[serde(default = "ListenerToml::unreadable_max")]
    pub unreadable_max: u32,
    /// Peers known by their address; once one is named, nobody else may come in. `access` only.
    #[serde(default)]
    pub peer: Vec<PeerToml>,
    /// Whether its peers are told a new day of ours, where their dialect has a message for it. `access` only.
    #[serde(default = "yes")]
    pub tell_day: bool,
    /// How many requests are worked on at once. `atmc` only.
    pub pool: Option<PoolToml>,
    /// PINs and authentication codes; without it neither is looked at.
    pub security: Option<GuardToml>,
    /// TLS 1.2 or later.
    pub tls: Option<TlsListenerToml>,
}

impl ListenerToml {
    const fn connections_max() -> u32 {
        limits::CONNECTIONS_MAX
    }

    const fn per_address_max() -> u32 {
        1_024
    }

    const fn unreadable_max() -> u32 {
        5
    }

    const fn per_terminal_max() -> u32 {
        1
    }

    pub(super) fn complain(&self, links: &[&str], wrong: &mut Vec<String>) {
        let at = format!("listener `{}`", self.name);
        if let Some(link) = &self.default_link {
            check_known(&at, "default_link", link, links, wrong);
        }
        check_body_bytes(&at, self.body_bytes_max, wrong);
        if self.kind == ListenerKind::Atmc && !self.peer.is_empty() {
            wrong.push(format!("{at}: peers are known by address on `access` listeners only"));
        }
        if self.kind == ListenerKind::Access && self.pool.is_some() {
            wrong.push(format!("{at}: a pool belongs to `atmc` listeners only"));
        }
        if let Some(PoolToml { min, initial, max }) = self.pool
            && !(1 <= min && min <= initial && initial <= max)
        {
            wrong.push(format!("{at}: pool needs 1 <= min <= initial <= max, not {min}, {initial}, {max}"));
        }
        for peer in &self.peer {
            check_name_fits(&format!("{at}: peer"), &peer.name, wrong);
        }
    }
}

/// What a terminal does when it does not know what became of its request.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum ConsistencyToml {
    /// It takes the request back (0420).
    Reversal,
    /// It reports what happened (0220).
    Completion,
    /// It asks what became of it.
    Inquiry,
}

/// How peers use a connection.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum ListenerKind {
    /// One request per connection, as self-service terminals do.
    Atmc,
    /// Many in both directions, as access systems do.
    Access,
}

/// `[[listener.peer]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeerToml {
    /// Its address.
    pub address: IpAddr,
    /// Its name, at most 24 characters.
    pub name: String,
}

/// `[listener.pool]`: the size of the process pool that one-request gateways used to have.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoolToml {
    /// Never smaller.
    pub min: u32,
    /// At the start.
    pub initial: u32,
    /// Never larger.
    pub max: u32,
}

/// `[listener.tls]`: PEM files.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsListenerToml {
    /// Our certificate chain.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// Authorities whose clients are let in; without it no client certificate is asked for.
    pub client_authorities: Option<PathBuf>,
}

const fn ten_seconds() -> u32 {
    10_000
}

const fn yes() -> bool {
    true
}
