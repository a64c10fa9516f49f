use crate::Routes;
use alloc::vec::Vec;
use terms::{LinkName, Pairing};

/// Everything a lane is told before it starts. Links and sources are named by their place in these lists, and
/// the caller keeps a name at its place for the life of the journal.
#[derive(Clone, Debug, Default)]
pub struct LaneConfig {
    /// Where requests come from.
    pub sources: Vec<SourceConfig>,
    /// Where they may go.
    pub links: Vec<LinkConfig>,
    /// Which goes where.
    pub routes: Routes,
    /// Finished transactions remembered to answer repeats and to know late answers.
    pub remembered_max: usize,
}

/// A source of requests.
#[derive(Clone, Debug, Default)]
pub struct SourceConfig {
    /// Its name.
    pub name: LinkName,
    /// Whether a request must name a terminal.
    pub terminal_required: bool,
}

/// A link to a host.
#[derive(Clone, Debug)]
pub struct LinkConfig {
    /// Its name.
    pub name: LinkName,
    /// Silence after which the outcome is unknown, in milliseconds.
    pub reply_timeout_ms: u32,
    /// Requests unanswered at once; the next is declined, not queued.
    pub in_flight_max: u32,
    /// What an answer must have in common with its request.
    pub pairing: Pairing,
    /// When to stop asking a host that does not answer.
    pub breaker: BreakerConfig,
    /// Whether the time of transmission is written in UTC instead of local time.
    pub transmits_utc: bool,
}

impl LinkConfig {
    /// A link the configuration does not have any more: the journal knows its name, and nothing goes there.
    pub fn retired(name: LinkName) -> Self {
        Self {
            name,
            reply_timeout_ms: 1_000,
            in_flight_max: 0,
            pairing: Pairing::default(),
            breaker: BreakerConfig::default(),
            transmits_utc: true,
        }
    }
}

/// When the circuit breaker of a link opens and how it closes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerConfig {
    /// Fewest finished requests it judges by.
    pub requests_min: u32,
    /// Per cent of them unanswered at which it opens; 0 switches the breaker off.
    pub unanswered_percent: u8,
    /// Milliseconds it stays open before one request may try.
    pub probe_after_ms: u32,
}

impl Default for BreakerConfig {
    /// Opens at one half unanswered of at least twenty, and lets one request try after five seconds.
    fn default() -> Self {
        Self { requests_min: 20, unanswered_percent: 50, probe_after_ms: 5_000 }
    }
}
