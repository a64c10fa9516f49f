//! What applications submit under names of their own, so that a second submission is known for the first, also
//! after a restart.

use crate::flow::Flow;
use crate::memory::Slot;
use crate::{Lane, Outbox};
use alloc::collections::BTreeMap;
use core::hash::Hasher;
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use journal::{After, Key, Mark, Record, Remembered, Ticket};
use siphasher::sip128::{Hasher128, SipHasher13};
use terms::{
    Amount, BusinessDate, Class, ConnId, Currency, Function, Instant, Kind, LinkId, MessageType, Now,
    Original, Pan, Rrn, SourceId, Stan, Text, Timestamp, Txn, TxnId,
};

/// Milliseconds a ticket is kept: seven days, the longest life of an owed message.
const KEPT_MS: i64 = 7 * 24 * 3_600_000;

/// The tickets of a lane: as many as it remembers transactions, for seven days.
///
/// Cost: about 200 bytes each.
#[derive(Clone)]
pub(crate) struct Tickets {
    by_name: HashMap<u128, TxnId, FixedState>,
    by_id: BTreeMap<TxnId, Held>,
    /// That of the request a step is about.
    pub(crate) presented: Option<Ticket>,
}

#[derive(Clone)]
struct Held {
    ticket: Ticket,
    key: Key,
    at: Timestamp,
}

impl Default for Tickets {
    fn default() -> Self {
        Self {
            // Its keys are digests under a secret: nobody can choose them to collide.
            by_name: HashMap::with_hasher(FixedState::with_seed(0)),
            by_id: BTreeMap::new(),
            presented: None,
        }
    }
}

impl Tickets {
    /// Takes one in; the oldest go when there are too many, or when their time is over.
    pub(crate) fn insert(&mut self, id: TxnId, ticket: Ticket, key: Key, at: Timestamp, most: usize) {
        self.remove(id);
        if let Some(before) = self.by_name.insert(ticket.name, id) {
            self.by_id.remove(&before);
        }
        self.by_id.insert(id, Held { ticket, key, at });
        while let Some((&oldest, held)) = self.by_id.first_key_value()
            && (self.by_id.len() > most.max(1) || at.as_unix_ms() - held.at.as_unix_ms() > KEPT_MS)
        {
            self.remove(oldest);
        }
    }

    fn remove(&mut self, id: TxnId) {
        if let Some(held) = self.by_id.remove(&id)
            && self.by_name.get(&held.ticket.name) == Some(&id)
        {
            self.by_name.remove(&held.ticket.name);
        }
    }

    /// The business identity of what was submitted and has that number.
    pub(crate) fn key_of(&self, id: TxnId) -> Option<Key> {
        self.by_id.get(&id).map(|held| held.key)
    }

    /// Forgets those of transactions that never came to be: the power failed between the two records.
    pub(crate) fn forget_from(&mut self, next: TxnId) {
        while let Some((&last, _)) = self.by_id.last_key_value()
            && last >= next
        {
            self.remove(last);
        }
    }

    /// All of them, the oldest first.
    pub(crate) fn keep(&self, keep: &mut impl FnMut(Record)) {
        for (&id, held) in &self.by_id {
            keep(Record::Ticketed { id, ticket: held.ticket, key: held.key, at: held.at });
        }
    }
}

/// A submitted transaction as it stands.
#[derive(Clone, Debug)]
pub struct Submission {
    /// Its number.
    pub id: TxnId,
    /// The name it was submitted under, and by whom.
    pub ticket: Ticket,
    /// Its business identity.
    pub key: Key,
    /// When it was submitted.
    pub submitted_at: Timestamp,
    /// What is remembered of it; `None` where only the name is any more.
    pub seen: Option<Seen>,
}

/// What a lane remembers of a transaction.
#[derive(Clone, Debug)]
pub struct Seen {
    /// What was wanted.
    pub kind: Kind,
    /// When silence becomes the answer, where it is not decided yet.
    pub deadline: Option<Instant>,
    /// The decision; `None` while the host has not answered.
    pub answer: Option<Remembered>,
    /// What became of it afterwards.
    pub after: After,
    /// When it was decided, or submitted where it is not.
    pub at: Timestamp,
    /// What was forwarded to a host; `None` where none was asked.
    pub sent: Option<SeenSent>,
    /// Whether it was taken back: by its source, before the host has answered or after, or by us.
    pub taken_back: bool,
    /// Whether a person has to look at it, for its money.
    pub noted: bool,
}

/// What was forwarded to a host.
#[derive(Clone, Debug)]
pub struct SeenSent {
    /// Its type.
    pub message: MessageType,
    /// The card.
    pub pan: Pan,
    /// The amount.
    pub amount: Amount,
    /// Its currency.
    pub currency: Currency,
    /// The reference number the host saw.
    pub rrn: Rrn,
    /// The acquirer.
    pub acquirer_id: Text<11>,
    /// To which link.
    pub link: LinkId,
    /// Our trace number there.
    pub stan: Stan,
    /// The day the money is counted under.
    pub business_date: BusinessDate,
    /// Why this link.
    pub route: Text<24>,
}

impl Lane {
    /// The ticket of what `caller` submits under `name`, with so digested contents: under this lane's secret, so
    /// that neither name nor card can be guessed from the journal.
    pub fn ticket(&self, caller: &[u8], name: &[u8], contents: &[u8; 32]) -> Ticket {
        let digest = |parts: [&[u8]; 3]| {
            let mut hasher = SipHasher13::new_with_key(&self.secrets.fingerprint);
            for part in parts {
                hasher.write_u64(part.len() as u64);
                hasher.write(part);
            }
            hasher.finish128()
        };
        Ticket {
            name: digest([b"name", caller, name]).as_u128(),
            contents: digest([b"contents", contents, b""]).h1,
            caller: digest([b"caller", caller, b""]).h1,
        }
    }

    /// What was submitted under that name.
    pub fn submitted(&self, ticket: &Ticket) -> Option<Submission> {
        self.submission(*self.tickets.by_name.get(&ticket.name)?)
    }

    /// What was submitted and has that number.
    pub fn submission(&self, id: TxnId) -> Option<Submission> {
        let Held { ticket, key, at } = self.tickets.by_id.get(&id)?.clone();
        let slot = self.memory.find(&key).and_then(|place| self.memory.get(place));
        let seen = slot.filter(|slot| slot.id == id).map(|slot| self.as_seen(slot));
        Some(Submission { id, ticket, key, submitted_at: at, seen })
    }

    /// The transaction whose business identity a request would have, where there is one already.
    pub fn identity_of(&self, now: Now, source: SourceId, txn: &Txn) -> Option<TxnId> {
        let key = crate::admit::key_of(source, txn, now.local().date);
        let at = self.memory.find(&key)?;
        self.memory.get(at).map(|slot| slot.id)
    }

    /// The day money with that link's host is counted under now.
    pub fn date_with(&self, now: Now, link: LinkId) -> BusinessDate {
        self.business_date(now, link)
    }

    /// The message with which the source of a submitted transaction takes it back. `None` where too little of it is
    /// remembered.
    pub fn taking_back(&self, submission: &Submission) -> Option<Txn> {
        let sent = submission.seen.as_ref()?.sent.as_ref()?;
        let message = MessageType { class: Class::Reversal, function: Function::Advice, origin: 0 };
        Some(Txn {
            kind: submission.seen.as_ref()?.kind,
            pan: sent.pan.clone(),
            amount: sent.amount,
            currency: sent.currency,
            stan: submission.key.stan,
            terminal_id: submission.key.terminal_id,
            local_time: submission.key.local_time,
            original: Some(Original {
                message: Some(sent.message),
                stan: Some(submission.key.stan),
                ..Original::default()
            }),
            ..Txn::new(message)
        })
    }

    /// A request that came with a ticket.
    pub(crate) fn on_submitted(
        &mut self,
        now: Now,
        (source, conn): (SourceId, ConnId),
        txn: Txn,
        ticket: Ticket,
        out: &mut Outbox,
    ) {
        self.tickets.presented = Some(ticket);
        self.on_asked(now, (source, conn), txn, out);
        self.tickets.presented = None;
    }

    /// Writes down which name the transaction bears, before the record that permits it: nobody can know the
    /// transaction and not its name.
    pub(crate) fn claim(&mut self, now: Now, id: TxnId, key: Key, out: &mut Outbox) {
        if let Some(ticket) = self.tickets.presented.take() {
            out.record(Record::Ticketed { id, ticket, key, at: now.wall });
            self.tickets.insert(id, ticket, key, now.wall, self.memory.finished_max());
        }
    }

    fn as_seen(&self, slot: &Slot) -> Seen {
        let (answer, after, taken_back) = match &slot.flow {
            Flow::AwaitingHost(awaiting) => {
                (None, After::Nothing, matches!(awaiting.mark, Some(Mark::Reverse { .. })))
            }
            Flow::Decided(decision) => (Some(decision.answer), decision.after, decision.taken_back.is_some()),
        };
        let sent = slot.sent.as_deref().map(|sent| SeenSent {
            message: sent.message,
            pan: sent.pan.open(&self.secrets.vault).unwrap_or_default(),
            amount: sent.amount,
            currency: sent.currency,
            rrn: sent.host_rrn,
            acquirer_id: sent.acquirer_id,
            link: sent.link,
            stan: sent.host_stan,
            business_date: sent.business_date,
            route: sent.route,
        });
        Seen {
            kind: slot.kind,
            deadline: slot.deadline(),
            answer,
            after,
            at: slot.at,
            sent,
            taken_back,
            noted: slot.noted.are_about_money() || slot.is_a_persons(),
        }
    }
}
