//! `[[link]]`: the hosts we speak to, and how.

use super::check::{check_body_bytes, default_body_bytes_max};
use super::{
    ForwardToml, GuardToml, HostToml, KeyExchangeToml, ManagementToml, PairsToml, ReconciliationToml,
    TimersToml,
};
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::PathBuf;
use terms::limits;

/// `[[link]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkToml {
    /// Its name, at most 24 characters. The journal knows it by this for ever.
    pub name: String,
    /// The host's address.
    pub dial: SocketAddr,
    /// Connections held to it. 1..=64.
    #[serde(default = "LinkToml::connections")]
    pub connections: u16,
    /// What it speaks.
    pub dialect: String,
    /// How frames are told apart; without it as the dialect suggests.
    pub framing: Option<String>,
    /// Longest message body in bytes.
    #[serde(default = "default_body_bytes_max")]
    pub body_bytes_max: usize,
    /// Silence after which the outcome is unknown. 100..=600_000. No default: it is in your contract.
    pub reply_timeout_ms: u32,
    /// Time between two attempts to connect, and up to a fifth more or less.
    #[serde(default = "LinkToml::reconnect_ms")]
    pub reconnect_ms: u32,
    /// Requests unanswered at once; the next is declined, not queued. 1..=262_144.
    #[serde(default = "LinkToml::in_flight_max")]
    pub in_flight_max: u32,
    /// Which clock writes the time of transmission.
    #[serde(default)]
    pub transmission_time: TransmissionTime,
    /// When to stop asking a host that does not answer.
    #[serde(default)]
    pub breaker: BreakerToml,
    /// What the host's contract says of reversals and advices.
    #[serde(default)]
    pub host: HostToml,
    /// How owed messages are sent.
    #[serde(default)]
    pub forward: ForwardToml,
    /// How long each sort of answer is waited for.
    #[serde(default)]
    pub timers: TimersToml,
    /// Where the host calls first, as card centres do; without it we do.
    pub pairs: Option<PairsToml>,
    /// Sign-on and echo; without the table a link that stands is used as it is.
    pub management: Option<ManagementToml>,
    /// How totals are compared; without the table they are not.
    pub reconciliation: Option<ReconciliationToml>,
    /// PINs and authentication codes; without it neither is looked at.
    pub security: Option<GuardToml>,
    /// How keys are exchanged with it; without it people carry them.
    pub key_exchange: Option<KeyExchangeToml>,
    /// TLS 1.2 or later.
    pub tls: Option<TlsLinkToml>,
}

impl LinkToml {
    const fn connections() -> u16 {
        1
    }

    const fn reconnect_ms() -> u32 {
        30_000
    }

    const fn in_flight_max() -> u32 {
        limits::IN_FLIGHT_MAX
    }

    pub(super) fn complain(&self, wrong: &mut Vec<String>) {
        let at = format!("link `{}`", self.name);
        check_body_bytes(&at, self.body_bytes_max, wrong);
        let mut range = |name: &str, value: u64, low: u64, high: u64| {
            if !(low..=high).contains(&value) {
                wrong.push(format!("{at}: {name} is {value}, not between {low} and {high}"));
            }
        };
        range("reply_timeout_ms", self.reply_timeout_ms.into(), 100, 600_000);
        range("reconnect_ms", self.reconnect_ms.into(), 10, 3_600_000);
        range("connections", self.connections.into(), 1, 64);
        range("in_flight_max", self.in_flight_max.into(), 1, 262_144);
        range("breaker.unanswered_percent", self.breaker.unanswered_percent.into(), 0, 100);
        range("forward.reply_timeout_ms", self.forward.reply_timeout_ms.into(), 100, 600_000);
        range("forward.repeat_ms", self.forward.repeat_ms.into(), 100, 3_600_000);
        range("forward.window", self.forward.window.into(), 1, 1_024);
        range("forward.catch_up_window", self.forward.catch_up_window.into(), 1, 1_024);
        range("forward.alarm_after", self.forward.alarm_after.into(), 1, 10_000);
        range("host.days_ahead_max", self.host.days_ahead_max.into(), 0, 366);
        range("host.guard_ms", self.host.guard_ms.into(), 0, 3_600_000);
        self.timers.complain(&mut range);
        self.management.iter().for_each(|management| management.complain(&mut range));
        if let Some(every_ms) = self.key_exchange.and_then(|exchange| exchange.every_ms) {
            range("key_exchange.every_ms", every_ms.into(), 200, 2_592_000_000);
        }
        if let Some(pairs) = &self.pairs {
            range("pairs.count", pairs.count.into(), 1, 16);
            if self.tls.is_some() {
                wrong
                    .push(format!("{at}: pairs are over plain TCP; put a tunnel before them instead of tls"));
            }
        }
        self.reconciliation.iter().for_each(|table| table.complain(&at, wrong));
        for name in self.management.iter().flat_map(ManagementToml::strangers) {
            wrong.push(format!("{at}: management.says {name} is no noun a message may say"));
        }
        if self.tls.as_ref().is_some_and(|tls| tls.certificate.is_some() != tls.key.is_some()) {
            wrong.push(format!("{at}: tls.certificate and tls.key go together"));
        }
    }
}

/// Which clock writes the time of transmission (DE 7).
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum TransmissionTime {
    /// As the standard says.
    #[default]
    Utc,
    /// As many domestic networks do.
    Local,
}

/// `[link.breaker]`
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BreakerToml {
    /// Fewest finished requests it judges by.
    pub requests_min: u32,
    /// Per cent of them unanswered at which it opens; 0 switches it off.
    pub unanswered_percent: u8,
    /// Time it stays open before one request may try.
    pub probe_after_ms: u32,
}

impl Default for BreakerToml {
    fn default() -> Self {
        let switch::BreakerConfig { requests_min, unanswered_percent, probe_after_ms } = Default::default();
        Self { requests_min, unanswered_percent, probe_after_ms }
    }
}

/// `[link.tls]`: PEM files.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsLinkToml {
    /// Authorities the host's certificate must come from.
    pub authorities: PathBuf,
    /// The name it must bear.
    pub server_name: String,
    /// Our own certificate, where the host asks for one.
    pub certificate: Option<PathBuf>,
    /// Its private key.
    pub key: Option<PathBuf>,
}
