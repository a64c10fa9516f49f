//! The journal's side of the books, read back from disk as it was written.

use super::books::{Decision, Key};
use super::ledger::HostKey;
use disk::{Disk, DiskError};
use journal::{Ending, JournalError, Named, Record, Remembered, Sent, Step, Walk};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use terms::{LinkId, LinkName, TxnId};

/// How far back a journal is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Since {
    /// From its very beginning, through every restart: what a crash test compares.
    #[default]
    Beginning,
    /// From its last opening: what one run compares.
    LastOpening,
}

/// What a journal says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JournalBooks {
    /// Every request that took an identity, in order.
    pub decisions: Vec<Decision>,
    /// Whether the last record says that all was closed in order.
    pub was_closed: bool,
    /// Records read, of all runs.
    pub records: u64,
}

/// Why a journal cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum JournalBooksError {
    /// The directory.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// What lies in it.
    #[error("journal in {directory}: {source}", directory = directory.display())]
    Journal {
        /// The data directory.
        directory: PathBuf,
        /// What is wrong with it.
        source: JournalError,
    },
    /// Its end is in pieces, although nobody writes to it.
    #[error("journal in {directory} does not end in order: {ending:?}", directory = directory.display())]
    Unfinished {
        /// The data directory.
        directory: PathBuf,
        /// How it ends.
        ending: Ending,
    },
}

impl JournalBooks {
    /// Reads a whole journal, checking every checksum and the chain, and keeps what it says since then.
    ///
    /// Nobody may be writing to it: the end of a journal at work can look unfinished.
    pub fn read(directory: &Path, since: Since) -> Result<Self, JournalBooksError> {
        let mut storage = Disk::open_for_reading(directory)?;
        let mut reading = Reading { since, ..Reading::default() };
        let ending = Walk::from_the_start().run(&mut storage, |step| {
            if let Step::Record { record, .. } = step {
                reading.take(record);
            }
        });
        let directory = || directory.to_owned();
        match ending {
            Ok(Ending::Clean | Ending::Empty) => Ok(reading.books),
            Ok(ending) => Err(JournalBooksError::Unfinished { directory: directory(), ending }),
            Err(source) => Err(JournalBooksError::Journal { directory: directory(), source }),
        }
    }
}

#[derive(Default)]
struct Reading {
    since: Since,
    books: JournalBooks,
    links: HashMap<LinkId, LinkName>,
    places: HashMap<TxnId, usize>,
}

impl Reading {
    fn take(&mut self, record: Record) {
        self.books.records += 1;
        self.books.was_closed = matches!(record, Record::Closed { .. });
        match record {
            Record::Opened { .. } if self.since == Since::LastOpening => {
                self.books.decisions.clear();
                self.places.clear();
            }
            Record::Named { what: Named::Link, number, name } => {
                self.links.insert(LinkId(number), name);
            }
            Record::Sent(sent) | Record::Inquired(sent) => self.take_sent(&sent),
            Record::Decided { id, answer, .. } | Record::NotSent { id, answer, .. } => {
                self.decide(id, answer, 0)
            }
            Record::TimedOut { id, answer, owes, .. } => {
                self.decide(id, answer, u32::from(owes.is_some()));
            }
            Record::Declined(declined) if declined.takes_key => {
                let (kind, amount) = (declined.kind, declined.amount);
                let outcome = Some(declined.answer.outcome);
                let key = key_of(declined.key);
                self.put(declined.id, Decision { key, kind, amount, permit: None, outcome, owed: 0 });
            }
            // A refusal that took no identity says nothing about the request whose identity it bore.
            Record::Declined(_) => {}
            Record::Opened { .. }
            | Record::Closed { .. }
            | Record::Observed(_)
            | Record::Named { .. }
            | Record::Kept(_)
            | Record::Numbers { .. }
            | Record::Owed { .. }
            | Record::Marked { .. }
            | Record::Advised { .. }
            | Record::Attempt { .. }
            | Record::Forwarded { .. }
            | Record::Exception { .. }
            | Record::Ruled { .. }
            | Record::HostDate { .. }
            | Record::Resolved { .. } => {}
        }
    }

    fn take_sent(&mut self, sent: &Sent) {
        let host = self.links.get(&sent.link).copied().unwrap_or_default();
        let known_as =
            HostKey { stan: sent.host_stan, terminal_id: sent.key.terminal_id, rrn: sent.host_rrn };
        let (key, permit) = (key_of(sent.key), Some((host, known_as)));
        let (kind, amount) = (sent.kind, sent.amount);
        self.put(sent.id, Decision { key, kind, amount, permit, outcome: None, owed: 0 });
    }

    fn put(&mut self, id: TxnId, decision: Decision) {
        self.places.insert(id, self.books.decisions.len());
        self.books.decisions.push(decision);
    }

    /// What belongs to an earlier run is left out.
    fn decide(&mut self, id: TxnId, answer: Remembered, owed: u32) {
        let Some(decision) = self.places.get(&id).and_then(|at| self.books.decisions.get_mut(*at)) else {
            return;
        };
        decision.outcome = Some(answer.outcome);
        decision.owed += owed;
    }
}

fn key_of(key: journal::Key) -> Key {
    Key { terminal_id: key.terminal_id, stan: key.stan, local_time: key.local_time }
}
