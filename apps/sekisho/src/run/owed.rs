//! Owed messages as people see them: what the lane is asked, and how it is written in JSON.

use journal::Ruling;
use serde::{Deserialize, Serialize};
use switch::{CannotRule, Owed, Standing};
use terms::{ForwardId, Text};
use tokio::sync::oneshot;

/// What the lane is asked about owed messages.
pub enum OwedOrder {
    /// Show them, the oldest first.
    List {
        /// From this number on.
        from: ForwardId,
        /// So many at most.
        most: usize,
        /// Where they go.
        answer: oneshot::Sender<Vec<Owed>>,
    },
    /// Show one of them.
    Show {
        /// Which.
        forward: ForwardId,
        /// Where it goes; `None` where no such message is owed.
        answer: oneshot::Sender<Option<Owed>>,
    },
    /// A person decided something about one of them.
    Rule {
        /// Which.
        forward: ForwardId,
        /// What.
        ruling: Ruling,
        /// Where it is settled: how that ended, where that is said.
        ended: Option<switch::Ended>,
        /// Who.
        by: Text<24>,
        /// Why.
        reason: Text<64>,
        /// Where it is said when it is durable.
        answer: oneshot::Sender<Ruled>,
    },
}

/// What became of a ruling.
#[derive(Clone, Copy, Debug)]
pub struct Ruled {
    /// Whether it could be done.
    pub may: Result<(), CannotRule>,
    /// The message as it was.
    pub before: Option<Owed>,
    /// The message as it is; `None` where it is not owed any more.
    pub after: Option<Owed>,
}

/// An owed message in JSON. Fields are added to it, never changed.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct OwedJson {
    /// Its number, which orders name.
    pub(crate) id: u64,
    /// `reversal` or `advice`.
    pub(crate) duty: String,
    /// To which link.
    pub(crate) link: String,
    /// `up` or `down`; `null` where nobody knows, because no switch runs.
    pub(crate) link_state: Option<String>,
    /// About which transaction.
    pub(crate) txn: u64,
    /// What that wanted.
    pub(crate) kind: String,
    /// In minor units.
    pub(crate) amount: u64,
    /// ISO 4217, three digits.
    pub(crate) currency: String,
    /// What remains valid, in minor units: 0 unless it is partial.
    pub(crate) remaining: u64,
    /// Our trace number at the host.
    pub(crate) host_stan: String,
    /// The host's business day.
    pub(crate) business_date: String,
    /// Attempts so far.
    pub(crate) attempts: u32,
    /// `due`, `sent`, `held`; after an order also `settled`, `ended`.
    pub(crate) state: String,
    /// Until the next attempt, or until the answer to this one is overdue.
    pub(crate) next_in_ms: Option<u64>,
    /// Since when it is owed, UTC.
    pub(crate) since: String,
    /// The same in milliseconds since 1970.
    pub(crate) since_ms: i64,
}

impl OwedJson {
    pub(crate) fn of(owed: &Owed) -> Self {
        let (state, next_in_ms) = match owed.standing {
            Standing::Due { in_ms } => ("due", Some(in_ms)),
            Standing::InFlight { for_ms } => ("sent", Some(for_ms)),
            Standing::Held => ("held", None),
        };
        Self {
            id: owed.forward.id.0,
            duty: owed.forward.duty.name().into(),
            link: owed.link.to_string(),
            link_state: Some(if owed.link_is_up { "up" } else { "down" }.into()),
            txn: owed.txn.0,
            kind: owed.kind.name().into(),
            amount: owed.amount.minor_units(),
            currency: owed.currency.to_string(),
            remaining: owed.forward.remaining.minor_units(),
            host_stan: owed.forward.host_stan.to_string(),
            business_date: owed.forward.business_date.to_string(),
            attempts: owed.attempts,
            state: state.into(),
            next_in_ms,
            since: owed.since.to_string(),
            since_ms: owed.since.as_unix_ms(),
        }
    }

    /// The same, gone from the queue.
    pub(crate) fn ended(self, state: &str) -> Self {
        Self { state: state.into(), next_in_ms: None, ..self }
    }
}
