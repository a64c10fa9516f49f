//! From records back to a lane, and from a lane to the least records that give it back.
//!
//! The fold and the step keep the same books, so they live next to each other: whatever a step records, the
//! fold must be able to read, and a lane folded from its own snapshot is the lane that wrote it.

use crate::flow::{Awaiting, Decision, Flow, Happening};
use crate::memory::Slot;
use crate::{Lane, Outbox};
use alloc::{boxed::Box, sync::Arc};
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use journal::{DecidedBy, Kept, Record, Remembered, Sent, Vault, VaultError};
use terms::{ConnId, Instant, Now, Outgoing, Pan, Txn, TxnId};

/// A lane on its way back from its journal.
pub struct Replay {
    lane: Lane,
    /// Requests whose end has not been read yet.
    open: HashMap<u64, Sent, FixedState>,
    records: u64,
}

/// Why the records of a whole, undamaged journal do not make a lane. Always our fault, never the disk's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// A decision about a transaction that was never sent, or was decided before.
    #[error("record {record}: {name} for transaction {id}, which is not open")]
    NotOpen {
        /// The how manyeth record of the replay.
        record: u64,
        /// What it is.
        name: &'static str,
        /// Which transaction.
        id: TxnId,
    },
    /// A card number that the data key does not open.
    #[error("transaction {id}: {source}")]
    Sealed {
        /// Which transaction.
        id: TxnId,
        /// Why not.
        source: VaultError,
    },
}

impl Replay {
    /// Begins with a lane that remembers nothing.
    pub fn into_lane(lane: Lane) -> Self {
        Self { lane, open: HashMap::with_hasher(FixedState::with_seed(0)), records: 0 }
    }

    /// Folds one record in. Cost: below a microsecond.
    pub fn apply(&mut self, record: Record) -> Result<(), ReplayError> {
        self.records += 1;
        let name = record.name();
        match record {
            Record::Sent(sent) | Record::Inquired(sent) => self.on_sent(sent),
            Record::Decided { id, answer, .. } => self.on_decided(name, id, answer, DecidedBy::Host)?,
            Record::TimedOut { id, answer, owes, .. } => {
                self.on_decided(name, id, answer, DecidedBy::Silence)?;
                self.lane.note_owed(owes);
            }
            Record::NotSent { id, answer, .. } => self.on_decided(name, id, answer, DecidedBy::Unsent)?,
            Record::Declined(declined) => {
                self.lane.note_id(declined.id);
                if declined.takes_key {
                    self.keep(Kept {
                        id: declined.id,
                        key: declined.key,
                        fingerprint: declined.fingerprint,
                        kind: declined.kind,
                        asked_host: None,
                        answer: declined.answer,
                        by: DecidedBy::Us,
                    });
                }
            }
            Record::Kept(kept) => {
                self.lane.note_id(kept.id);
                self.keep(kept);
            }
            Record::Numbers { next_id, link, last_stan } => self.lane.note_numbers(next_id, link, last_stan),
            Record::Named { what, number, name } => self.lane.note_name(what, number, name),
            Record::Opened { .. } | Record::Closed { .. } | Record::Observed(_) => {}
        }
        Ok(())
    }

    /// Ends the replay: what was sent and not decided is decided now, by silence, with what it owes. A request
    /// is never sent again, because nobody knows whether it arrived.
    ///
    /// The records of these decisions are left in `out`; business may begin when they are durable.
    pub fn finish(mut self, now: Now, vault: &Vault, out: &mut Outbox) -> Result<Lane, ReplayError> {
        let mut left: alloc::vec::Vec<Sent> = self.open.drain().map(|(_, sent)| sent).collect();
        left.sort_unstable_by_key(|sent| sent.id);
        for sent in left {
            let id = sent.id;
            let request = request_of(&sent, vault).map_err(|source| ReplayError::Sealed { id, source })?;
            let ours = Outgoing {
                stan: sent.host_stan,
                rrn: sent.host_rrn,
                transmitted_at: sent.host_transmitted_at,
                repeat: false,
            };
            let awaiting = Awaiting {
                // Whoever asked is gone: connections do not outlive the process.
                asked_by: (sent.key.source, ConnId(0)),
                request: Arc::new(request),
                ours,
                deadline: Instant::default(),
                since: now.instant,
                business_date: sent.business_date,
                route: sent.route,
                at: sent.at,
            };
            let at = self.lane.put_back(Slot {
                id,
                key: sent.key,
                fingerprint: sent.fingerprint,
                kind: sent.kind,
                asked_host: Some((sent.link, sent.host_stan)),
                flow: Flow::AwaitingHost(Box::new(awaiting)),
            });
            self.lane.advance(now, at, Happening::Restarted, out);
        }
        Ok(self.lane)
    }

    /// Transactions sent whose decision has not been read.
    pub fn open(&self) -> usize {
        self.open.len()
    }

    fn on_sent(&mut self, sent: Sent) {
        self.lane.note_id(sent.id);
        self.lane.note_numbers(TxnId(0), Some(sent.link), sent.host_stan);
        self.open.insert(sent.id.0, sent);
    }

    fn on_decided(
        &mut self,
        name: &'static str,
        id: TxnId,
        answer: Remembered,
        by: DecidedBy,
    ) -> Result<(), ReplayError> {
        let record = self.records;
        let sent = self.open.remove(&id.0).ok_or(ReplayError::NotOpen { record, name, id })?;
        self.keep(Kept {
            id,
            key: sent.key,
            fingerprint: sent.fingerprint,
            kind: sent.kind,
            asked_host: Some((sent.link, sent.host_stan)),
            answer,
            by,
        });
        Ok(())
    }

    fn keep(&mut self, kept: Kept) {
        self.lane.put_back(Slot {
            id: kept.id,
            key: kept.key,
            fingerprint: kept.fingerprint,
            kind: kept.kind,
            asked_host: kept.asked_host,
            flow: Flow::Decided(Decision { answer: kept.answer, by: kept.by }),
        });
    }
}

/// As much of a request as its record keeps.
fn request_of(sent: &Sent, vault: &Vault) -> Result<Txn, VaultError> {
    let pan: Pan = sent.pan.open(vault)?;
    Ok(Txn {
        kind: sent.kind,
        processing_code: sent.processing_code,
        pan,
        amount: sent.amount,
        currency: sent.currency,
        stan: sent.key.stan,
        rrn: sent.rrn,
        terminal_id: sent.key.terminal_id,
        acquirer_id: sent.acquirer_id,
        transmitted_at: sent.transmitted_at,
        local_time: sent.key.local_time,
        ..Txn::new(sent.message)
    })
}

impl Lane {
    /// The least records that fold to this lane as it is now, handed over one by one. The oldest come first,
    /// so that the fold forgets in the same order.
    pub fn snapshot(&self, mut keep: impl FnMut(Record)) {
        self.numbers(&mut keep);
        for slot in self.known() {
            match (&slot.flow, slot.asked_host) {
                (Flow::Decided(decision), asked_host) => keep(Record::Kept(Kept {
                    id: slot.id,
                    key: slot.key,
                    fingerprint: slot.fingerprint,
                    kind: slot.kind,
                    asked_host,
                    answer: decision.answer,
                    by: decision.by,
                })),
                (Flow::AwaitingHost(awaiting), Some((link, _))) => {
                    let sent = awaiting.sent(slot.id, slot.fingerprint, link);
                    keep(if slot.kind.moves_money() { Record::Sent(sent) } else { Record::Inquired(sent) });
                }
                (Flow::AwaitingHost(_), None) => {}
            }
        }
    }
}
