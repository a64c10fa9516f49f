use crate::flow::{Decision, Flow};
use crate::transfer::{Debit, Legs};
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use core::hash::Hasher;
use hashbrown::HashTable;
use journal::{After, Key, Sent};
use siphasher::sip::SipHasher13;
use slab::Slab;
use terms::{
    BusinessDate, Instant, Kind, LinkId, LocalTime, SourceId, Stan, TerminalId, Text, Timestamp, Txn, TxnId,
};

/// One transaction in memory.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    pub(crate) id: TxnId,
    pub(crate) key: Key,
    /// A keyed digest of what was asked: the same key with another digest is somebody else's request.
    pub(crate) fingerprint: u64,
    pub(crate) kind: Kind,
    /// The source's time of transmission; empty where it gave none.
    pub(crate) transmitted_at: Text<10>,
    /// What was sent to a host, or is owed to it; `None` where no host was asked. The card in it is sealed.
    pub(crate) sent: Option<Box<Sent>>,
    /// Set in a transfer between two hosts, whose debit is `sent`.
    pub(crate) legs: Option<Box<Legs>>,
    /// When it was decided, for people.
    pub(crate) at: Timestamp,
    pub(crate) flow: Flow,
    /// The decision was given again to somebody who asked again: that the first telling reached nobody proves
    /// nothing any more.
    pub(crate) told_again: bool,
    /// There is an item for a person about it: one is enough.
    pub(crate) noted: bool,
}

impl Slot {
    /// Where it went, and under which trace number.
    pub(crate) fn asked_host(&self) -> Option<(LinkId, Stan)> {
        self.sent.as_ref().map(|sent| (sent.link, sent.host_stan))
    }

    /// When silence becomes the answer; `None` where it is decided.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        match &self.flow {
            Flow::AwaitingHost(awaiting) => Some(awaiting.deadline),
            Flow::Decided(_) => None,
        }
    }

    /// Where its second leg went, and under which trace number.
    pub(crate) fn credited(&self) -> Option<(LinkId, Stan)> {
        let credit = self.legs.as_ref()?.credit?;
        Some((credit.link, credit.host_stan))
    }

    /// The leg that was asked last.
    pub(crate) fn asked_last(&self) -> Option<(LinkId, Stan)> {
        self.credited().or(self.asked_host())
    }

    /// The debit of a transfer whose credit was sent.
    pub(crate) fn debit(&self) -> Option<Debit> {
        self.credited()?;
        self.sent.as_ref().map(|sent| Debit { link: sent.link, business_date: sent.business_date })
    }

    /// The day of the host that was asked last.
    pub(crate) fn business_date(&self) -> Option<BusinessDate> {
        let credit = self.legs.as_ref().and_then(|legs| legs.credit);
        credit.map(|credit| credit.business_date).or(self.sent.as_ref().map(|sent| sent.business_date))
    }

    /// Whether a person has it.
    pub(crate) fn is_a_persons(&self) -> bool {
        matches!(self.flow, Flow::Decided(Decision { after: After::Exception, .. }))
    }

    /// Whether a message is owed for it: it must not be forgotten.
    fn is_owed(&self) -> bool {
        matches!(self.flow, Flow::Decided(Decision { after: After::Reversing(_) | After::Confirming(_), .. }))
    }
}

/// What a reversal or a report says about the message it is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trail {
    pub(crate) source: SourceId,
    pub(crate) terminal_id: TerminalId,
    pub(crate) stan: Stan,
    pub(crate) local_time: Option<LocalTime>,
    pub(crate) transmitted_at: Text<10>,
}

impl Trail {
    /// The trail of a request to itself, its time of transmission left out: repeats are transmitted anew.
    pub(crate) fn of_request(source: SourceId, txn: &Txn) -> Self {
        Self {
            source,
            terminal_id: txn.terminal_id,
            stan: txn.stan,
            local_time: txn.local_time,
            transmitted_at: Text::EMPTY,
        }
    }

    /// Whether it can lead to a request of that key and time of transmission. What one side leaves out
    /// disagrees with nothing.
    pub(crate) fn leads_to(&self, key: &Key, transmitted_at: Text<10>) -> bool {
        let times = match (self.local_time, key.local_time) {
            (Some(ours), Some(theirs)) => ours == theirs,
            _ => true,
        };
        let sent = self.transmitted_at.is_empty()
            || transmitted_at.is_empty()
            || self.transmitted_at == transmitted_at;
        // Terminals keep the local time for life, others only the time of transmission: either will do.
        let same_moment = times || (!self.transmitted_at.is_empty() && !transmitted_at.is_empty());
        self.source == key.source
            && self.terminal_id == key.terminal_id
            && self.stan == key.stan
            && sent
            && same_moment
    }
}

/// Finished transactions looked at, at most, to forget one. Reason: what is owed is passed over, and a backlog
/// longer than the memory would otherwise be walked through for every transaction. More than one, so that the
/// memory gets back to its length when the backlog is paid.
const LOOKS: usize = 8;

/// The transactions a lane knows: those in flight, and so many of the finished ones. The oldest finished one
/// is forgotten when there is no more room.
///
/// Cost: about 600 bytes a transaction. Keys are found by a hash under a secret, so that no peer can make them
/// collide; with the same secret two runs of the
/// same events are the same run, and nothing ever iterates over the table.
#[derive(Clone)]
pub(crate) struct Memory {
    slots: Slab<Slot>,
    by_key: HashTable<u32>,
    finished: VecDeque<u32>,
    finished_max: usize,
    /// Peers choose keys: without a secret they could choose them to collide.
    secret: [u8; 16],
}

impl Memory {
    pub(crate) fn new(finished_max: usize, secret: [u8; 16]) -> Self {
        Self { slots: Slab::new(), by_key: HashTable::new(), finished: VecDeque::new(), finished_max, secret }
    }

    /// The transaction of that key.
    pub(crate) fn find(&self, key: &Key) -> Option<usize> {
        let found = self.by_key.find(hash(&self.secret, key), |&at| self.slots[at as usize].key == *key);
        found.map(|&at| at as usize)
    }

    /// The youngest transaction a trail leads to and `wanted` agrees with.
    pub(crate) fn follow(&self, trail: &Trail, wanted: impl Fn(&Slot) -> bool) -> Option<usize> {
        let hashed = hash_of(&self.secret, trail.source, trail.terminal_id, trail.stan);
        let leads = |&&at: &&u32| {
            let slot = &self.slots[at as usize];
            trail.leads_to(&slot.key, slot.transmitted_at) && wanted(slot)
        };
        let found = self.by_key.iter_hash(hashed).filter(leads).max_by_key(|&&at| self.slots[at as usize].id);
        found.map(|&at| at as usize)
    }

    pub(crate) fn insert(&mut self, slot: Slot) -> usize {
        let hashed = hash(&self.secret, &slot.key);
        let finished = matches!(slot.flow, Flow::Decided(_));
        let at = self.slots.insert(slot);
        let (slots, secret) = (&self.slots, self.secret);
        self.by_key.insert_unique(hashed, at as u32, |&other| hash(&secret, &slots[other as usize].key));
        if finished {
            self.finished.push_back(at as u32);
        }
        at
    }

    pub(crate) fn get(&self, at: usize) -> Option<&Slot> {
        self.slots.get(at)
    }

    pub(crate) fn get_mut(&mut self, at: usize) -> Option<&mut Slot> {
        self.slots.get_mut(at)
    }

    /// Notes that the transaction there is finished.
    pub(crate) fn finish(&mut self, at: usize) {
        self.finished.push_back(at as u32);
    }

    /// Forgets the oldest finished transactions when there are too many, a few at a time; `forgotten` is told, so
    /// that nothing else points at them.
    pub(crate) fn forget_oldest(&mut self, mut forgotten: impl FnMut(usize, &Slot)) {
        let mut left = LOOKS.min(self.finished.len());
        while self.finished.len() > self.finished_max && left > 0 {
            left -= 1;
            let Some(at) = self.finished.pop_front() else { return };
            if self.slots.get(at as usize).is_some_and(Slot::is_owed) {
                self.finished.push_back(at);
                continue;
            }
            let Some(slot) = self.slots.try_remove(at as usize) else { continue };
            if let Ok(entry) = self.by_key.find_entry(hash(&self.secret, &slot.key), |&other| other == at) {
                entry.remove();
            }
            forgotten(at as usize, &slot);
        }
    }

    /// Finished transactions, the oldest first.
    pub(crate) fn finished(&self) -> impl Iterator<Item = &Slot> {
        self.finished.iter().filter_map(|&at| self.slots.get(at as usize))
    }

    /// All of them, by their places.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, &Slot)> {
        self.slots.iter()
    }

    /// How many finished ones are remembered, at most.
    pub(crate) const fn finished_max(&self) -> usize {
        self.finished_max
    }

    pub(crate) fn finished_len(&self) -> usize {
        self.finished.len()
    }
}

/// Without the local time: a reversal may not say it, and must find the same place.
fn hash(secret: &[u8; 16], key: &Key) -> u64 {
    hash_of(secret, key.source, key.terminal_id, key.stan)
}

fn hash_of(secret: &[u8; 16], source: SourceId, terminal_id: TerminalId, stan: Stan) -> u64 {
    let mut hasher = SipHasher13::new_with_key(secret);
    hasher.write(terminal_id.as_bytes());
    hasher.write_u32(stan.0);
    hasher.write_u16(source.0);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use journal::{DecidedBy, Kept, Remembered};
    use terms::{Answer, Code, ForwardId, Outcome};

    fn finished(id: u64, after: After) -> Slot {
        let key = Key {
            source: SourceId(0),
            terminal_id: Text::clipped(b"TERM0001"),
            stan: Stan(id as u32),
            local_time: None,
        };
        let slot = Slot::of_kept(&Kept {
            id: TxnId(id),
            key,
            fingerprint: 0,
            kind: Kind::Withdrawal,
            transmitted_at: Text::EMPTY,
            answer: Remembered::from(&Answer::ours(Code::NoAnswer, Outcome::Unknown)),
            by: DecidedBy::Silence,
            at: Timestamp::default(),
        });
        match slot.flow {
            Flow::Decided(decision) => Slot { flow: Flow::Decided(Decision { after, ..decision }), ..slot },
            Flow::AwaitingHost(_) => slot,
        }
    }

    #[test]
    fn a_backlog_longer_than_the_memory_is_kept_whole_and_forgotten_when_it_is_paid() {
        const OWED: u64 = 1_000;
        let mut memory = Memory::new(10, [0; 16]);
        let owed: alloc::vec::Vec<usize> =
            (0..OWED).map(|id| memory.insert(finished(id, After::Reversing(ForwardId(id))))).collect();
        for id in OWED..OWED + 100 {
            memory.insert(finished(id, After::Nothing));
            memory.forget_oldest(|_, slot| assert!(slot.id.0 >= OWED, "what is owed is never forgotten"));
        }
        for at in owed {
            let slot = memory.get_mut(at).expect("it is remembered");
            *slot = finished(slot.id.0, After::Reversed);
        }
        let mut steps = 0;
        while memory.finished_len() > 10 {
            memory.forget_oldest(|_, _| {});
            steps += 1;
        }
        assert!(steps <= OWED, "each step forgets at least one: {steps}");
    }
}
