//! What is told about the switch while it runs: one snapshot, made by the lane's thread a few times a second
//! and read by everybody else.

use super::days::OwnJson;
use super::hsm::HsmList;
use serde::Serialize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// The snapshot everybody reads.
#[derive(Clone, Default)]
pub struct Board(Arc<Mutex<Option<(Instant, Status)>>>);

impl Board {
    /// Puts up a new snapshot.
    pub(crate) fn post(&self, status: Status) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), status));
    }

    /// The snapshot and its age in milliseconds; `None` before the first.
    pub fn read(&self) -> Option<(Status, u64)> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.as_ref().map(|(at, status)| (status.clone(), at.elapsed().as_millis() as u64))
    }
}

/// The state of the switch at one moment.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// Version of the program.
    pub version: &'static str,
    /// `running`, `draining` or `stopped`.
    pub state: &'static str,
    /// Whether a request that comes now may begin.
    pub takes_requests: bool,
    /// Why not: `draining`, `no_room` (the disk is full) or `recovery_needed` (a person is waited for).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub takes_none_because: Option<&'static str>,
    /// The process.
    pub pid: u32,
    /// When it was started, UTC.
    pub started_at: String,
    /// The local date transactions are stamped with.
    pub business_date: String,
    /// Our own business day, where the switch keeps one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub own_day: Option<OwnJson>,
    /// The same as days since 1970, for figures.
    #[serde(skip)]
    pub own_day_days: Option<i64>,
    /// How totals of ended days compare, by link and currency.
    pub reconciliations: Vec<super::days::ReconStatus>,
    /// False under `--unsafe-no-sync`: then nothing is durable and every figure is worth that much.
    pub durable: bool,
    /// What the journal found at the start.
    pub recovered: RecoveredStatus,
    /// Transactions.
    pub transactions: TransactionStatus,
    /// Microseconds from a question to its decision, of requests that went to a host.
    pub decision_us: LatencyStatus,
    /// Where requests come in.
    pub listeners: Vec<ListenerStatus>,
    /// Where they go.
    pub links: Vec<LinkStatus>,
    /// Security modules, and what security did.
    pub hsm: HsmList,
    /// The client API.
    pub api: ApiStatus,
    /// What is remembered.
    pub journal: JournalStatus,
    /// Messages nobody could read, masked, the newest last.
    pub specimens: Vec<SpecimenStatus>,
}

/// What was found when the journal was opened.
#[derive(Clone, Debug, Default, Serialize)]
pub struct RecoveredStatus {
    /// Records read back.
    pub records: u64,
    /// Milliseconds that took.
    pub took_ms: u64,
    /// Whether the last run ended in order.
    pub was_closed: bool,
    /// Transactions that were in flight, and are decided by silence now.
    pub was_in_flight: usize,
    /// Bytes of a torn tail that were cut.
    pub cut_bytes: u64,
    /// Snapshots that were not whole and were passed over; more records were read back instead.
    pub bad_snapshots: usize,
}

/// Counts of transactions since the start.
#[derive(Clone, Debug, Default, Serialize)]
pub struct TransactionStatus {
    /// Numbered in the life of the journal.
    pub numbered: u64,
    /// Waiting for a host now.
    pub in_flight: usize,
    /// Finished ones still known.
    pub remembered: usize,
    /// Approved by a host.
    pub approved: u64,
    /// Refused by a host.
    pub refused: u64,
    /// Unanswered in time.
    pub unknown: u64,
    /// Declined before they were sent, or proved unsent.
    pub not_sent: u64,
    /// Milliseconds since a source last asked anything; `null` for never.
    pub silent_ms: Option<u64>,
    /// Declined without a record, because the switch was stopping or had no room on its disk.
    pub turned_away: u64,
    /// Requests that came again.
    pub repeats: u64,
    /// Messages that came to be owed to hosts (reversals, advices) since the start, and those owed before.
    pub owed: u64,
    /// Of these, accepted by their hosts.
    pub paid: u64,
    /// Of these, still to be accepted.
    pub pending: usize,
    /// Items for a person.
    pub exceptions: u64,
    /// Answers whose connection had gone.
    pub undelivered: u64,
    /// Messages of sources that could not be read.
    pub unreadable: u64,
    /// Messages of hosts that could not be read.
    pub garbled: u64,
    /// Kind, outcome, count; only what happened.
    pub by_kind: Vec<(&'static str, &'static str, u64)>,
}

/// A distribution of times.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LatencyStatus {
    /// How many were measured.
    pub count: u64,
    /// Half took no longer.
    pub p50: u64,
    /// 99 of 100 took no longer.
    pub p99: u64,
    /// 999 of 1,000 took no longer.
    pub p999: u64,
    /// The longest.
    pub max: u64,
}

/// The client API: who is there.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ApiStatus {
    /// Sessions of applications that are open.
    pub sessions: usize,
    /// Connections to the control socket and over TCP.
    pub connections: u64,
    /// Sent away because there were too many.
    pub connections_refused: u64,
    /// Closed because nothing moved on them.
    pub connections_stalled: u64,
    /// Readers of events.
    pub readers: u64,
    /// Sent away because they stopped reading.
    pub readers_dropped: u64,
    /// Events since the start.
    pub events: u64,
}

/// One listener.
#[derive(Clone, Debug, Serialize)]
pub struct ListenerStatus {
    /// Its name.
    pub name: String,
    /// Where it listens.
    pub listen: String,
    /// What its peers speak.
    pub dialect: String,
    /// Its figures, by name.
    pub counts: Vec<(&'static str, u64)>,
}

/// One link.
#[derive(Clone, Debug, Serialize)]
pub struct LinkStatus {
    /// Its name.
    pub name: String,
    /// What its host speaks.
    pub dialect: String,
    /// `up` or `down`.
    pub state: &'static str,
    /// Where it stands above its connections: `connected`, `signed-on` and so on.
    pub session: &'static str,
    /// Whether new business may pass.
    pub open: bool,
    /// Connections that stand.
    pub connections: usize,
    /// Connections wanted.
    pub connections_wanted: usize,
    /// `closed` (asked freely), `open` (not asked) or `probing`.
    pub breaker: &'static str,
    /// Requests unanswered now.
    pub in_flight: u32,
    /// Requests sent.
    pub asked: u64,
    /// Answered in time.
    pub answered: u64,
    /// Not answered in time.
    pub unanswered: u64,
    /// Answers that came late or twice.
    pub late: u64,
    /// Answers to nothing we asked.
    pub strange: u64,
    /// Messages owed to its host.
    pub pending: usize,
    /// Of these, messages it has to be told of before it gets anything new: more than 0 after an unclean stop.
    pub recovering: usize,
    /// The host's business day, where it is known.
    pub business_date: Option<String>,
    /// The same as days since 1970, for figures.
    #[serde(skip)]
    pub business_date_days: Option<i64>,
    /// Its figures, by name.
    pub counts: Vec<(&'static str, u64)>,
}

/// The journal.
#[derive(Clone, Debug, Default, Serialize)]
pub struct JournalStatus {
    /// The data directory.
    pub dir: String,
    /// Records written in the life of the journal.
    pub records: u64,
    /// Of these, durable.
    pub durable: u64,
    /// Syncs since the start.
    pub syncs: u64,
    /// Records they made durable.
    pub synced_records: u64,
    /// Bytes they wrote.
    pub bytes: u64,
    /// Microseconds a sync took, on average.
    pub sync_us_mean: u64,
    /// The longest one.
    pub sync_us_max: u64,
    /// Segments that stand ready behind the one in use.
    pub segments_ready: usize,
    /// Whether the last attempt to make one ready failed; it is tried again every few seconds.
    pub cannot_make_room: bool,
    /// What is known of the journal before the snapshot the start went on from.
    pub verified: VerifiedStatus,
}

/// The journal before the snapshot the start went on from, read again beside business.
#[derive(Clone, Debug, Default, Serialize)]
pub struct VerifiedStatus {
    /// `reading`, `whole`, `damaged`, or `unread` where it could not be read.
    pub state: &'static str,
    /// Records read so far.
    pub records: u64,
    /// What is wrong, with segment and offset.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub said: String,
}

/// A message nobody could read.
#[derive(Clone, Debug, Serialize)]
pub struct SpecimenStatus {
    /// When, UTC.
    pub at: String,
    /// From which listener or link.
    pub from: String,
    /// Why it could not be read: field, byte, expected, found.
    pub error: String,
    /// What could be read of it, masked.
    pub read: Vec<String>,
}
