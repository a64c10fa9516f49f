//! What a running switch says of itself, fetched once.

use crate::commands::control::Unreachable;
use crate::commands::door::Door;
use crate::run::days::ReconJson;
use crate::run::hsm::HsmList;
use crate::run::links::LinkJson;
use crate::run::recovery::RecoveryJson;
use serde::Deserialize;

/// The part of the status that questions are about. Fields that are not known here are passed over.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct StatusRead {
    pub(crate) version: String,
    pub(crate) state: String,
    pub(crate) takes_none_because: Option<String>,
    pub(crate) started_at: String,
    pub(crate) business_date: String,
    pub(crate) durable: bool,
    pub(crate) transactions: TransactionsRead,
    pub(crate) decision_us: LatencyRead,
    pub(crate) listeners: Vec<ListenerRead>,
    pub(crate) journal: JournalRead,
    #[serde(default)]
    pub(crate) hsm: HsmList,
}

/// Counts since the start.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct TransactionsRead {
    pub(crate) in_flight: usize,
    pub(crate) approved: u64,
    pub(crate) refused: u64,
    pub(crate) unknown: u64,
    pub(crate) not_sent: u64,
    #[serde(default)]
    pub(crate) turned_away: u64,
    pub(crate) pending: usize,
    #[serde(default)]
    pub(crate) unreadable: u64,
    #[serde(default)]
    pub(crate) garbled: u64,
    pub(crate) exceptions: u64,
    pub(crate) silent_ms: Option<u64>,
}

/// A distribution of times in microseconds.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct LatencyRead {
    pub(crate) count: u64,
    pub(crate) p50: u64,
    pub(crate) p99: u64,
}

/// A listener.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct ListenerRead {
    pub(crate) name: String,
    pub(crate) listen: String,
}

/// The journal.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct JournalRead {
    pub(crate) dir: String,
    pub(crate) records: u64,
    pub(crate) syncs: u64,
    pub(crate) sync_us_mean: u64,
    pub(crate) sync_us_max: u64,
    #[serde(default)]
    pub(crate) segments_ready: usize,
    #[serde(default)]
    pub(crate) cannot_make_room: bool,
    #[serde(default)]
    pub(crate) verified: VerifiedRead,
}

/// The journal before the snapshot the start went on from.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct VerifiedRead {
    pub(crate) state: String,
    #[serde(default)]
    pub(crate) said: String,
}

/// Everything asked of a switch, at about one moment.
pub(crate) struct Facts {
    pub(crate) status: StatusRead,
    pub(crate) links: Vec<LinkJson>,
    pub(crate) recovery: RecoveryJson,
    pub(crate) reconciliations: Vec<ReconJson>,
}

impl Facts {
    /// Asks for all of it.
    pub(crate) fn of(door: &Door) -> Result<Self, Unreachable> {
        let strange = || door.strange();
        let got = |place| door.get(place).map(|reply| reply.body);
        let status = serde_json::from_value(got("/v1/status")?).map_err(|_| strange())?;
        let links = serde_json::from_value(got("/v1/links")?["data"].clone()).map_err(|_| strange())?;
        let recovery = serde_json::from_value(got("/v1/recovery")?).map_err(|_| strange())?;
        let seen = got("/v1/reconciliations")?["data"].clone();
        let reconciliations = serde_json::from_value(seen).map_err(|_| strange())?;
        Ok(Self { status, links, recovery, reconciliations })
    }
}
