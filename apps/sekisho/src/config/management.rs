//! `[link.management]`, `[link.pairs]` and `[link.timers]`.

use super::TimeOfDay;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use switch::{Management, SignOn, Timers};
use terms::{Carried, Network, NetworkTypes, Noun, Text};

/// `[link.management]`: without the table a link that stands is used as it is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ManagementToml {
    /// Whether the link signs on: `automatic`, `by_order` or `none`.
    pub sign_on: SignOnToml,
    /// From a refused or unanswered sign-on to the next, where it is automatic.
    pub sign_on_retry_ms: u32,
    /// Silence after which we ask for an echo; 0 for never.
    pub echo_idle_ms: u32,
    /// Echoes unanswered in a row after which the link is given up and connected anew.
    pub echo_misses_max: u32,
    /// Local time `HH:MM` at which the peer is asked for its next day; without it, never by itself.
    pub ask_cutover_at: Option<TimeOfDay>,
    /// What every network message of ours says besides: noun and text, such as `forwarder_id = "988"`.
    pub says: BTreeMap<String, String>,
}

/// Whether a link signs on, and who begins.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum SignOnToml {
    /// A connection is all it needs.
    None,
    /// A person or the peer begins.
    ByOrder,
    /// It begins by itself.
    #[default]
    Automatic,
}

impl Default for ManagementToml {
    /// Signs on by itself, asks for an echo after a minute of silence.
    fn default() -> Self {
        let Management { sign_on_retry_ms, echo_misses_max, .. } = Management::default();
        let (sign_on, echo_idle_ms, says) = (SignOnToml::default(), 60_000, BTreeMap::new());
        Self { sign_on, sign_on_retry_ms, echo_idle_ms, echo_misses_max, ask_cutover_at: None, says }
    }
}

impl ManagementToml {
    /// What the lane is told.
    pub(crate) fn management(&self, types: NetworkTypes) -> Management {
        let mut carried = Carried::default();
        for (name, text) in &self.says {
            if let Some(noun) = Noun::named(name) {
                carried.push(noun, text.as_bytes());
            }
        }
        let acquirer_id = self.says.get(ACQUIRER).map_or("", String::as_str);
        Management {
            sign_on: match self.sign_on {
                SignOnToml::None => SignOn::None,
                SignOnToml::ByOrder => SignOn::ByOrder,
                SignOnToml::Automatic => SignOn::Automatic,
            },
            sign_on_retry_ms: self.sign_on_retry_ms,
            echo_idle_ms: self.echo_idle_ms,
            echo_misses_max: self.echo_misses_max,
            types,
            acquirer_id: Text::clipped(acquirer_id.as_bytes()),
            says: Arc::new(carried),
            ask_cutover_at_s: self.ask_cutover_at.map(|time| time.0),
        }
    }

    /// What the link will say by itself, sooner or later.
    pub(crate) fn speaks(&self) -> impl Iterator<Item = Network> {
        let signs = self.sign_on != SignOnToml::None;
        let (asks, wants) = (self.echo_idle_ms > 0, self.ask_cutover_at.is_some());
        let said = [(Network::SignOn, signs), (Network::SignOff, signs), (Network::Echo, asks)];
        said.into_iter().chain([(Network::Cutover, wants)]).filter_map(|(about, said)| said.then_some(about))
    }

    pub(super) fn complain(&self, range: &mut impl FnMut(&str, u64, u64, u64)) {
        range("management.sign_on_retry_ms", self.sign_on_retry_ms.into(), 100, 3_600_000);
        range("management.echo_misses_max", self.echo_misses_max.into(), 1, 1_000);
        if self.echo_idle_ms > 0 {
            range("management.echo_idle_ms", self.echo_idle_ms.into(), 100, 3_600_000);
        }
    }

    /// Names in `says` that are nobody's.
    pub(super) fn strangers(&self) -> Vec<String> {
        strangers_in(&self.says)
    }
}

/// Names in a table of nouns that are nobody's.
pub(super) fn strangers_in(says: &BTreeMap<String, String>) -> Vec<String> {
    let known = || Noun::ALL.iter().filter(|noun| !noun.is_secret()).map(|noun| noun.name());
    let is_known = |name: &str| name == ACQUIRER || known().any(|one| one == name);
    (says.keys().filter(|name| !is_known(name)))
        .map(|name| format!("`{name}`{}", dialects::did_you_mean(name, known().chain([ACQUIRER]))))
        .collect()
}

/// `[link.pairs]`: the host connects to us, and we connect back `connections` times for each of its own.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairsToml {
    /// Where the host connects to.
    pub listen: SocketAddr,
    /// Connections of its own that it may hold; one more, and the oldest gives way.
    #[serde(default = "PairsToml::count")]
    pub count: u16,
    /// Who may connect there; without it only the address in `dial`.
    #[serde(default)]
    pub peers: Vec<IpAddr>,
}

impl PairsToml {
    const fn count() -> u16 {
        1
    }
}

/// The one noun of `says` that the switch knows besides carrying it.
pub(super) const ACQUIRER: &str = "acquirer_id";

/// `[link.timers]`: how long each sort of answer is waited for, under the names of operating manuals.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TimersToml {
    /// Authorization request; without it the link's `reply_timeout_ms`.
    pub t100_ms: Option<u32>,
    /// Authorization advice; without it `forward.reply_timeout_ms`.
    pub t120_ms: Option<u32>,
    /// Financial request; without it as T100.
    pub t200_ms: Option<u32>,
    /// Financial advice; without it as T120.
    pub t220_ms: Option<u32>,
    /// Reversal; without it as T120.
    pub t420_ms: Option<u32>,
    /// Reconciliation.
    pub t500_ms: u32,
    /// Sign-on, keys, cutover.
    pub t800_ms: u32,
    /// Sign-off.
    pub t801_ms: u32,
    /// Echo.
    pub t802_ms: u32,
}

impl Default for TimersToml {
    fn default() -> Self {
        let timers = Timers::default();
        Self {
            t100_ms: timers.authorization_ms,
            t120_ms: timers.authorization_advice_ms,
            t200_ms: timers.financial_ms,
            t220_ms: timers.financial_advice_ms,
            t420_ms: timers.reversal_ms,
            t500_ms: timers.reconciliation_ms,
            t800_ms: timers.control_ms,
            t801_ms: timers.close_ms,
            t802_ms: timers.echo_ms,
        }
    }
}

impl TimersToml {
    /// What the lane is told.
    pub(crate) const fn timers(&self) -> Timers {
        Timers {
            authorization_ms: self.t100_ms,
            authorization_advice_ms: self.t120_ms,
            financial_ms: self.t200_ms,
            financial_advice_ms: self.t220_ms,
            reversal_ms: self.t420_ms,
            reconciliation_ms: self.t500_ms,
            control_ms: self.t800_ms,
            close_ms: self.t801_ms,
            echo_ms: self.t802_ms,
        }
    }

    pub(super) fn complain(&self, range: &mut impl FnMut(&str, u64, u64, u64)) {
        let own = [
            ("timers.t100_ms", self.t100_ms),
            ("timers.t120_ms", self.t120_ms),
            ("timers.t200_ms", self.t200_ms),
            ("timers.t220_ms", self.t220_ms),
            ("timers.t420_ms", self.t420_ms),
            ("timers.t500_ms", Some(self.t500_ms)),
            ("timers.t800_ms", Some(self.t800_ms)),
            ("timers.t801_ms", Some(self.t801_ms)),
            ("timers.t802_ms", Some(self.t802_ms)),
        ];
        for (name, value) in own {
            range(name, value.unwrap_or(100).into(), 100, 600_000);
        }
    }
}
