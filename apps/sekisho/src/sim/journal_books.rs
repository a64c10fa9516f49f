//! The journal's side of the books, read back from disk as it was written.

use super::books::{Decision, Key, Owed};
use super::ledger::HostKey;
use disk::{Disk, DiskError};
use journal::{
    Credited, Debited, Ending, Forward, JournalError, Named, Record, Remembered, Ruling, Sent, Step, Walk,
};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use terms::{ForwardId, LinkId, LinkName, Outcome, TxnId};

/// How far back a journal is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Since {
    /// From its very beginning, through every restart: what a crash test compares.
    #[default]
    Beginning,
    /// From so many openings ago: what one run compares that was restarted now and then.
    LastOpenings(usize),
}

/// What a journal says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JournalBooks {
    /// Every request that took an identity, in order.
    pub decisions: Vec<Decision>,
    /// What hosts may know from before that.
    pub earlier: HashSet<(LinkName, HostKey)>,
    /// Items for people about transactions that stand nowhere else.
    pub placeless: u64,
    /// Requests that came behind what takes them back, and were refused for it. People were told of each.
    pub taken_back_before: u64,
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
        let mut reading = Reading::default();
        let ending = Walk::from_the_start().run(&mut storage, |step| {
            if let Step::Record { record, .. } = step {
                reading.take(record);
            }
        });
        let directory = || directory.to_owned();
        match ending {
            Ok(Ending::Clean | Ending::Empty) => Ok(reading.since(since)),
            Ok(ending) => Err(JournalBooksError::Unfinished { directory: directory(), ending }),
            Err(source) => Err(JournalBooksError::Journal { directory: directory(), source }),
        }
    }
}

#[derive(Default)]
struct Reading {
    books: JournalBooks,
    /// Decisions there were at each opening.
    openings: Vec<usize>,
    links: HashMap<LinkId, LinkName>,
    places: HashMap<TxnId, usize>,
    /// Reversals of what was never asked, and nobody told of them yet.
    buried: HashSet<TxnId>,
    forwards: HashMap<ForwardId, usize>,
}

impl Reading {
    fn since(mut self, since: Since) -> JournalBooks {
        let begins = match since {
            Since::Beginning => 0,
            Since::LastOpenings(count) => {
                let opening = self.openings.len().saturating_sub(count);
                self.openings.get(opening).copied().unwrap_or(0)
            }
        };
        let earlier = self.books.decisions.drain(..begins);
        self.books.earlier =
            earlier.flat_map(|decision| [decision.permit, decision.credit]).flatten().collect();
        self.books
    }

    fn take(&mut self, record: Record) {
        self.books.records += 1;
        self.books.was_closed = matches!(record, Record::Closed { .. });
        match record {
            Record::Opened { .. } => self.openings.push(self.books.decisions.len()),
            Record::Named { what: Named::Link, number, name } => {
                self.links.insert(LinkId(number), name);
            }
            Record::Sent(sent) | Record::Inquired(sent) => self.take_sent(&sent, None),
            Record::Debited(Debited { sent, .. }) => {
                self.take_sent(&sent, None);
                self.books.decisions.last_mut().into_iter().for_each(|last| last.two_hosts = true);
            }
            Record::Advised { sent, forward } => {
                let id = sent.id;
                self.take_sent(&sent, Some(Outcome::Approved));
                self.owe(id, Some(forward));
            }
            Record::Decided { id, answer, owes, .. } | Record::TimedOut { id, answer, owes, .. } => {
                self.decide(id, answer);
                self.owe(id, owes);
            }
            Record::NotSent { id, answer, owes, .. } => {
                self.decide(id, answer);
                self.owe(id, owes);
            }
            Record::Owed { id, forward, .. } => self.owe(id, Some(forward)),
            Record::Forwarded { forward, owes, .. } => {
                self.note_owed(forward, |owed| owed.paid += 1);
                self.owe_next(forward, owes);
            }
            Record::Withdrawn { id, forward, owes, .. } => {
                // Not a byte of it left: no host was told that it is owed.
                self.note_owed(forward, |owed| owed.messages -= 1);
                self.owe(id, owes);
            }
            // A note about days: no money is in question, so nobody's books have to account for it.
            Record::Exception { reason, .. } if switch::is_about_days(reason.as_str()) => {}
            Record::Exception { id, forward, .. } => self.except(id, forward),
            Record::Ruled { forward, ruling: Ruling::Settle, .. } => {
                self.note_owed(forward, |owed| {
                    owed.handed_over += 1;
                    owed.exceptions += 1;
                });
            }
            Record::Declined(declined) | Record::Stranded(declined) if declined.takes_key => {
                let key = key_of(declined.key);
                let decision = Decision {
                    key,
                    kind: declined.kind,
                    amount: declined.amount,
                    permit: None,
                    two_hosts: false,
                    credit: None,
                    outcome: Some(declined.answer.outcome),
                    by_report: false,
                    owed: Owed::default(),
                };
                self.put(declined.id, decision);
            }
            // A refusal that took no identity says nothing about the request whose identity it bore.
            Record::Declined(_) | Record::Stranded(_) => {}
            Record::Credited(credited) => self.take_credit(&credited),
            // Taken back and never asked: no money of it is anywhere, and people are told once.
            Record::Kept(kept) => drop(self.buried.insert(kept.id)),
            Record::Closed { .. }
            | Record::Observed(_)
            | Record::Named { .. }
            | Record::Numbers { .. }
            | Record::Marked { .. }
            | Record::Attempt { .. }
            | Record::Ruled { .. }
            | Record::HostDate { .. }
            | Record::Cutover { .. }
            | Record::LinkOrdered { .. }
            | Record::Ticketed { .. }
            | Record::Day(_)
            | Record::Resolved { .. }
            | Record::Remembers { .. }
            | Record::Noted { .. } => {}
        }
    }

    fn take_sent(&mut self, sent: &Sent, outcome: Option<Outcome>) {
        let host = self.links.get(&sent.link).copied().unwrap_or_default();
        let known_as =
            HostKey { stan: sent.host_stan, terminal_id: sent.key.terminal_id, rrn: sent.host_rrn };
        let (key, permit) = (key_of(sent.key), Some((host, known_as)));
        let (kind, amount) = (sent.kind, sent.amount);
        let by_report = outcome.is_some();
        let owed = Owed::default();
        self.put(
            sent.id,
            Decision { key, kind, amount, permit, two_hosts: false, credit: None, outcome, by_report, owed },
        );
    }

    /// The other host of a transfer, and what it knows the credit by.
    fn take_credit(&mut self, credited: &Credited) {
        let host = self.links.get(&credited.link).copied().unwrap_or_default();
        let at = self.places.get(&credited.id).copied();
        let Some(decision) = at.and_then(|at| self.books.decisions.get_mut(at)) else { return };
        let known_as = decision.permit.map(|(_, debit)| HostKey { stan: credited.host_stan, ..debit });
        decision.credit = known_as.map(|key| (host, key));
    }

    fn put(&mut self, id: TxnId, decision: Decision) {
        self.places.insert(id, self.books.decisions.len());
        self.books.decisions.push(decision);
    }

    fn decide(&mut self, id: TxnId, answer: Remembered) {
        let at = self.places.get(&id).copied();
        if let Some(decision) = at.and_then(|at| self.books.decisions.get_mut(at)) {
            decision.outcome = Some(answer.outcome);
        }
    }

    fn owe(&mut self, id: TxnId, forward: Option<Forward>) {
        let (Some(forward), Some(&at)) = (forward, self.places.get(&id)) else { return };
        self.forwards.insert(forward.id, at);
        self.books.decisions[at].owed.messages += 1;
    }

    /// What a paid message made somebody owe.
    fn owe_next(&mut self, paid: ForwardId, then: Option<Forward>) {
        let (Some(then), Some(&at)) = (then, self.forwards.get(&paid)) else { return };
        self.forwards.insert(then.id, at);
        self.books.decisions[at].owed.messages += 1;
    }

    fn except(&mut self, id: TxnId, forward: Option<ForwardId>) {
        let Some(&at) = self.places.get(&id) else {
            match self.buried.remove(&id) {
                true => self.books.taken_back_before += 1,
                false => self.books.placeless += 1,
            }
            return;
        };
        let owed = &mut self.books.decisions[at].owed;
        owed.exceptions += 1;
        owed.handed_over += u32::from(forward.is_some());
    }

    fn note_owed(&mut self, forward: ForwardId, note: impl FnOnce(&mut Owed)) {
        let at = self.forwards.get(&forward).copied();
        if let Some(decision) = at.and_then(|at| self.books.decisions.get_mut(at)) {
            note(&mut decision.owed);
        }
    }
}

fn key_of(key: journal::Key) -> Key {
    Key { terminal_id: key.terminal_id, stan: key.stan, local_time: key.local_time }
}
