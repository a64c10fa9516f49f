use crate::flow::{Decision, Flow};
use crate::reason::Matters;
use crate::transfer::{Debit, Legs};
use alloc::boxed::Box;
use alloc::{collections::VecDeque, vec::Vec};
use core::hash::Hasher;
use hashbrown::HashTable;
use journal::{After, Key, Sent};
use siphasher::sip::SipHasher13;
use slab::Slab;
use terms::{
    BusinessDate, ForwardId, Instant, Kind, LinkId, LocalTime, SourceId, Stan, TerminalId, Text, Timestamp,
    Txn, TxnId,
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
    /// Of which matters there is an item for a person about it: of each one is enough.
    pub(crate) noted: Matters,
    /// Its place among the finished ones.
    pub(crate) place: Place,
}

/// Where a transaction stands among the finished ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// The how manyeth to finish, its debts included; 0 for not finished.
    number: u64,
    /// A message is owed for it: it is forgotten in no turn before that is over.
    aside: bool,
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

    /// The message that is owed for it.
    pub(crate) fn owed_message(&self) -> Option<ForwardId> {
        match self.flow {
            Flow::Decided(Decision { after: After::Reversing(id) | After::Confirming(id), .. }) => Some(id),
            Flow::Decided(_) | Flow::AwaitingHost(_) => None,
        }
    }

    /// Whether a message is owed for it: it must not be forgotten.
    pub(crate) fn is_owed(&self) -> bool {
        self.owed_message().is_some()
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

/// Finished transactions looked at, at most, to forget one. Reason: what is owed is put aside, and a backlog
/// longer than the memory would otherwise be walked through by one transaction. More than one, so that the
/// memory gets back to its length when the backlog is paid.
const LOOKS: usize = 8;

/// How many finished transactions are remembered, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// So many of all sources together. What is older than so long goes first, whosever it is; where nothing is,
    /// the source that has the most loses its oldest, and people are told: no source can push out another's.
    All { most: usize, kept_ms: i64 },
    /// In a replay: so many of each source. That is never less than the lane remembered that wrote the records,
    /// whatever the time was and whatever else there was, so nothing they speak of is missing.
    Each { most: usize },
}

/// The transactions a lane knows: those in flight, those that something is owed for, and of the other finished
/// ones as many as there is [`Room`] for.
///
/// Cost: about 600 bytes a transaction. Keys are found by a hash under a secret, so that no peer can make them
/// collide; with the same secret two runs of the
/// same events are the same run, and nothing ever iterates over the table.
#[derive(Clone)]
pub(crate) struct Memory {
    slots: Slab<Slot>,
    by_key: HashTable<u32>,
    finished: Vec<Finished>,
    /// Places given out.
    places: u64,
    room: Room,
    /// What the wall clock said last.
    wall: Timestamp,
    /// Transactions forgotten before their time.
    early: u64,
    /// Peers choose keys: without a secret they could choose them to collide.
    secret: [u8; 16],
}

/// The finished transactions of one source, the oldest first. One whose debt is over finishes again, and leaves
/// its first place behind, empty.
#[derive(Clone, Default)]
struct Finished {
    order: VecDeque<(u64, u32)>,
    /// How many places are not empty.
    len: usize,
}

impl Memory {
    pub(crate) fn new(room: Room, secret: [u8; 16]) -> Self {
        Self {
            slots: Slab::new(),
            by_key: HashTable::new(),
            finished: Vec::new(),
            places: 0,
            room,
            wall: Timestamp::default(),
            early: 0,
            secret,
        }
    }

    /// The transaction of that key; of an authorization and its completion, which may have one, the authorization.
    pub(crate) fn find(&self, key: &Key) -> Option<usize> {
        let of_key = |&&at: &&u32| self.slots[at as usize].key == *key;
        let found = self.by_key.iter_hash(hash(&self.secret, key)).filter(of_key);
        found.min_by_key(|&&at| self.slots[at as usize].id).map(|&at| at as usize)
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
        let at = self.slots.insert(Slot { place: Place::default(), ..slot });
        let (slots, secret) = (&self.slots, self.secret);
        self.by_key.insert_unique(hashed, at as u32, |&other| hash(&secret, &slots[other as usize].key));
        if finished {
            self.finish(at);
        }
        at
    }

    pub(crate) fn get(&self, at: usize) -> Option<&Slot> {
        self.slots.get(at)
    }

    pub(crate) fn get_mut(&mut self, at: usize) -> Option<&mut Slot> {
        self.slots.get_mut(at)
    }

    /// Notes that the transaction there is finished, or that nothing is owed for it any more.
    pub(crate) fn finish(&mut self, at: usize) {
        let Some(slot) = self.slots.get_mut(at) else { return };
        let source = usize::from(slot.key.source.0);
        if self.finished.len() <= source {
            self.finished.resize_with(source + 1, Finished::default);
        }
        self.places += 1;
        let queue = &mut self.finished[source];
        queue.len += usize::from(slot.place.number == 0 || slot.place.aside);
        queue.order.push_back((self.places, at as u32));
        slot.place = Place { number: self.places, aside: false };
    }

    /// Other limits from now on.
    pub(crate) fn make_room(&mut self, room: Room) {
        self.room = room;
    }

    pub(crate) fn room(&self) -> Room {
        self.room
    }

    /// What the wall clock says now.
    pub(crate) fn tell_time(&mut self, wall: Timestamp) {
        self.wall = wall;
    }

    /// Transactions forgotten before their time, since the lane was made.
    pub(crate) fn forgotten_early(&self) -> u64 {
        self.early
    }

    /// Forgets finished transactions where there are too many, a few at a time; `forgotten` is told, so that
    /// nothing else points at them.
    pub(crate) fn forget_some(&mut self, mut forgotten: impl FnMut(usize, &Slot)) {
        for _ in 0..LOOKS {
            let Some((source, is_early)) = self.whose_oldest_goes() else { return };
            let Some((_, at)) = self.finished[source].order.pop_front() else { return };
            self.finished[source].len -= 1;
            let Some(slot) = self.slots.get_mut(at as usize) else { continue };
            if slot.is_owed() {
                slot.place.aside = true;
                continue;
            }
            let Some(slot) = self.slots.try_remove(at as usize) else { continue };
            if let Ok(entry) = self.by_key.find_entry(hash(&self.secret, &slot.key), |&other| other == at) {
                entry.remove();
            }
            self.early += u64::from(is_early);
            forgotten(at as usize, &slot);
        }
    }

    /// The source whose oldest finished transaction is forgotten next, and whether before its time; `None` while
    /// there is room.
    fn whose_oldest_goes(&mut self) -> Option<(usize, bool)> {
        let fullest = |sources: &[Finished]| {
            let lens = sources.iter().enumerate().map(|(at, queue)| (queue.len, usize::MAX - at));
            lens.max().map(|(len, at)| (usize::MAX - at, len))
        };
        let (most, kept_ms) = match self.room {
            Room::All { most, kept_ms } => (most, kept_ms),
            Room::Each { most } => {
                let (source, _) = fullest(&self.finished).filter(|&(_, len)| len > most)?;
                self.oldest_of(source)?;
                return Some((source, false));
            }
        };
        if self.finished_len() <= most {
            return None;
        }
        let oldest =
            (0..self.finished.len()).filter_map(|source| Some((self.oldest_of(source)?, source))).min();
        let ((_, at), source) = oldest?;
        let age_ms = self.wall.as_unix_ms() - self.slots.get(at as usize)?.at.as_unix_ms();
        if age_ms >= kept_ms {
            return Some((source, false));
        }
        let (source, _) = fullest(&self.finished)?;
        self.oldest_of(source)?;
        Some((source, true))
    }

    /// The oldest finished transaction of a source, empty places before it cleared away.
    fn oldest_of(&mut self, source: usize) -> Option<(u64, u32)> {
        let order = &mut self.finished[source].order;
        while let Some(&(number, at)) = order.front() {
            let place = self.slots.get(at as usize).map(|slot| slot.place);
            if place == Some(Place { number, aside: false }) {
                return Some((number, at));
            }
            order.pop_front();
        }
        None
    }

    /// Finished transactions, the oldest first, those put aside among them.
    pub(crate) fn finished(&self) -> impl Iterator<Item = &Slot> {
        let mut places: Vec<(u64, usize)> = (self.slots.iter())
            .filter(|(_, slot)| slot.place.number > 0)
            .map(|(at, slot)| (slot.place.number, at))
            .collect();
        places.sort_unstable();
        places.into_iter().filter_map(|(_, at)| self.slots.get(at))
    }

    /// All of them, by their places.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, &Slot)> {
        self.slots.iter()
    }

    /// How many finished ones are remembered, at most.
    pub(crate) const fn finished_max(&self) -> usize {
        match self.room {
            Room::All { most, .. } | Room::Each { most } => most,
        }
    }

    /// Finished ones, but for those put aside.
    pub(crate) fn finished_len(&self) -> usize {
        self.finished.iter().map(|queue| queue.len).sum()
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
        let mut memory = Memory::new(Room::All { most: 10, kept_ms: 0 }, [0; 16]);
        let owed: Vec<usize> =
            (0..OWED).map(|id| memory.insert(finished(id, After::Reversing(ForwardId(id))))).collect();
        for id in OWED..OWED + 100 {
            memory.insert(finished(id, After::Nothing));
            memory.forget_some(|_, slot| assert!(slot.id.0 >= OWED, "what is owed is never forgotten"));
        }
        for at in owed {
            let slot = memory.get_mut(at).expect("it is remembered");
            let place = slot.place;
            *slot = Slot { place, ..finished(slot.id.0, After::Reversed) };
            memory.finish(at);
        }
        let mut steps = 0;
        while memory.finished_len() > 10 {
            memory.forget_some(|_, _| {});
            steps += 1;
        }
        assert!(steps <= OWED, "each step forgets at least one: {steps}");
    }

    fn of_source(source: u16, id: u64, at_s: i64) -> Slot {
        let slot = finished(id, After::Nothing);
        let at = Timestamp::from_unix_ms(at_s * 1_000);
        Slot { key: Key { source: SourceId(source), ..slot.key }, at, ..slot }
    }

    fn known(memory: &Memory, source: u16) -> usize {
        memory.finished().filter(|slot| slot.key.source == SourceId(source)).count()
    }

    #[test]
    fn a_busy_source_pushes_out_its_own_and_nobody_elses_before_their_time() {
        let mut memory = Memory::new(Room::All { most: 100, kept_ms: 60_000 }, [0; 16]);
        for id in 0..10 {
            memory.insert(of_source(1, id, 0));
        }
        for id in 10..10_000 {
            memory.tell_time(Timestamp::from_unix_ms(59_000));
            memory.insert(of_source(0, id, 59));
            memory.forget_some(|_, _| {});
        }
        assert_eq!((known(&memory, 0), known(&memory, 1)), (90, 10));
        assert_eq!(memory.forgotten_early(), 9_900, "and people can be told");
        // Their time is over: the oldest goes first, whosever it is.
        memory.tell_time(Timestamp::from_unix_ms(60_000));
        (10_000..10_010).for_each(|id| {
            memory.insert(of_source(0, id, 60));
            memory.forget_some(|_, _| {});
        });
        assert_eq!((known(&memory, 0), known(&memory, 1)), (100, 0));
        assert_eq!(memory.forgotten_early(), 9_900);
    }

    #[test]
    fn a_replay_remembers_as_many_of_each_source_as_there_may_have_been_of_all() {
        let mut memory = Memory::new(Room::Each { most: 100 }, [0; 16]);
        for id in 0..10_000 {
            memory.insert(of_source(u16::from(id % 100 == 0), id, id as i64));
            memory.forget_some(|_, _| {});
        }
        assert_eq!((known(&memory, 0), known(&memory, 1)), (100, 100));
    }
}
