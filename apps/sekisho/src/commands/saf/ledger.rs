//! What the journal alone says of owed messages: for when no switch runs, and for what a person has to look at.

use crate::commands::journal::names::Names;
use crate::commands::journal::opened::{Failure, Opened};
use crate::run::owed::OwedJson;
use journal::{Debited, Forward, Record, Ruling, Sent, Step};
use serde::Serialize;
use std::collections::BTreeMap;
use terms::{Timestamp, TxnId};

/// What is owed, and what was handed to people, by the journal.
#[derive(Default)]
pub(super) struct Ledger {
    /// Owed messages by their numbers.
    pub(super) owed: BTreeMap<u64, OwedJson>,
    /// Items for a person, in the order they came up.
    pub(super) exceptions: Vec<ExceptionJson>,
    /// Which transaction every owed message is (or was) about.
    pub(super) about: BTreeMap<u64, u64>,
}

/// An item for a person. Fields are added to it, never changed.
#[derive(Serialize)]
pub(super) struct ExceptionJson {
    /// About which transaction.
    pub(super) txn: u64,
    /// The owed message it ended.
    pub(super) forward: Option<u64>,
    pub(super) reason: String,
    pub(super) at: String,
}

impl Ledger {
    /// Reads it all; twice, where something is owed, because its amounts stand further in front.
    pub(super) fn read(opened: &mut Opened) -> Result<Self, Failure> {
        let (mut ledger, mut names) = (Self::default(), Names::default());
        opened.walk(|step| {
            if let Step::Record { record, .. } = step {
                names.learn(&record);
                ledger.take(&record, &names);
            }
        })?;
        if !ledger.owed.is_empty() {
            let pairs = ledger.owed.values().map(|owed| (owed.txn, owed.id));
            let by_txn = pairs.fold(BTreeMap::<u64, Vec<u64>>::new(), |mut by_txn, (txn, id)| {
                by_txn.entry(txn).or_default().push(id);
                by_txn
            });
            opened.walk(|step| {
                if let Step::Record {
                    record:
                        Record::Sent(sent) | Record::Advised { sent, .. } | Record::Debited(Debited { sent, .. }),
                    ..
                } = step
                {
                    let ids = by_txn.get(&sent.id.0).into_iter().flatten();
                    ids.for_each(|id| ledger.fill_in(*id, &sent));
                }
            })?;
        }
        Ok(ledger)
    }

    fn take(&mut self, record: &Record, names: &Names) {
        match record {
            Record::Decided { id, owes: Some(forward), at, .. }
            | Record::NotSent { id, owes: Some(forward), at, .. }
            | Record::TimedOut { id, owes: Some(forward), at, .. }
            | Record::Owed { id, forward, at, .. } => self.owe(*id, forward, *at, names),
            Record::Advised { sent, forward } => self.owe(sent.id, forward, sent.at, names),
            Record::Attempt { forward, number, host_stan, .. } => {
                if let Some(owed) = self.owed.get_mut(&forward.0) {
                    owed.attempts = *number;
                    owed.host_stan = host_stan.to_string();
                }
            }
            Record::Forwarded { forward, owes, at, .. } => {
                self.owed.remove(&forward.0);
                let about = self.about.get(&forward.0).copied();
                if let (Some(next), Some(txn)) = (owes, about) {
                    self.owe(TxnId(txn), next, *at, names);
                }
            }
            Record::Withdrawn { id, forward, owes, at } => {
                self.owed.remove(&forward.0);
                owes.iter().for_each(|next| self.owe(*id, next, *at, names));
            }
            Record::Exception { id, forward, reason, at } => {
                forward.iter().for_each(|forward| drop(self.owed.remove(&forward.0)));
                self.exceptions.push(ExceptionJson {
                    txn: id.0,
                    forward: forward.map(|forward| forward.0),
                    reason: reason.to_string(),
                    at: at.to_string(),
                });
            }
            Record::Ruled { forward, ruling: Ruling::Settle, .. } => drop(self.owed.remove(&forward.0)),
            Record::Ruled { forward, ruling, .. } => {
                if let Some(owed) = self.owed.get_mut(&forward.0) {
                    owed.state = if *ruling == Ruling::Hold { "held" } else { "due" }.into();
                }
            }
            _ => {}
        }
    }

    fn owe(&mut self, txn: TxnId, forward: &Forward, at: Timestamp, names: &Names) {
        self.about.insert(forward.id.0, txn.0);
        self.owed.insert(
            forward.id.0,
            OwedJson {
                id: forward.id.0,
                duty: forward.duty.name().into(),
                link: names.link(forward.link),
                link_state: None,
                txn: txn.0,
                kind: String::new(),
                amount: 0,
                currency: String::new(),
                remaining: forward.remaining.minor_units(),
                host_stan: forward.host_stan.to_string(),
                business_date: forward.business_date.to_string(),
                attempts: 0,
                state: "due".into(),
                next_in_ms: None,
                since: at.to_string(),
                since_ms: at.as_unix_ms(),
            },
        );
    }

    fn fill_in(&mut self, id: u64, sent: &Sent) {
        if let Some(owed) = self.owed.get_mut(&id) {
            owed.kind = sent.kind.name().into();
            owed.amount = sent.amount.minor_units();
            owed.currency = sent.currency.to_string();
        }
    }
}
