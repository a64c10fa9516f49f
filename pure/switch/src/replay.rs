//! From records back to a lane, and from a lane to the least records that give it back.
//!
//! The fold and the step keep the same books, so they live next to each other: whatever a step records, the
//! fold must be able to read, and a lane folded from its own snapshot is the lane that wrote it.

use crate::cutover::{Cut, SaidAt};
use crate::day::Own;
use crate::flow::{Awaiting, Decision, Flow, Happening, Leg};
use crate::forward::{Item, State};
use crate::memory::{Place, Room, Slot};
use crate::pairing::link_mut;
use crate::reason::{Matters, Reason};
use crate::transfer::{DebitSaid, Legs, name_account};
use crate::{Lane, LaneConfig, Outbox};
use alloc::{boxed::Box, sync::Arc, vec::Vec};
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use journal::{
    After, Card, Credited, DayRecord, Debited, DecidedBy, Forward, Kept, LinkOrder, Mark, Matter, Record,
    Remembered, Ruling, Sent, VaultError, Why,
};
use terms::{ConnId, ForwardId, Instant, Now, Outgoing, Stan, Timestamp, Txn, TxnId};

/// A lane on its way back from its journal.
#[derive(Clone)]
pub struct Replay {
    pub(crate) lane: Lane,
    /// Requests whose end has not been read yet.
    pub(crate) open: HashMap<u64, Open, FixedState>,
    /// Where decided transactions are, while they are remembered.
    decided: HashMap<u64, usize, FixedState>,
    records: u64,
    /// Whether the last record says that the journal was closed in order; true before the first.
    closed: bool,
    /// A card of this journal was opened: the data key is the one it was written under.
    key_is_right: bool,
}

/// A request whose end has not been read yet.
#[derive(Clone)]
pub(crate) struct Open {
    pub(crate) sent: Sent,
    /// Set in a transfer between two hosts.
    pub(crate) legs: Option<Legs>,
    /// What its source said about it meanwhile.
    pub(crate) mark: Option<Mark>,
    /// Of which matters there is an item for a person about it.
    pub(crate) noted: Matters,
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
    /// Something about a transaction that is not decided, or was forgotten although a message is owed for it.
    #[error("record {record}: {name} for transaction {id}, which is not known as decided")]
    NotDecided {
        /// The how manyeth record of the replay.
        record: u64,
        /// What it is.
        name: &'static str,
        /// Which transaction.
        id: TxnId,
    },
    /// Something about a message that is not owed.
    #[error("record {record}: {name} for owed message {id}, which is not pending")]
    NotOwed {
        /// The how manyeth record of the replay.
        record: u64,
        /// What it is.
        name: &'static str,
        /// Which message.
        id: ForwardId,
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
    ///
    /// As many finished transactions as it remembers are remembered of each source, or as many as the journal says
    /// were remembered when it was written; the limits of the configuration hold from [`Replay::finish`] on.
    pub fn into_lane(mut lane: Lane) -> Self {
        if let Room::All { most, .. } = lane.memory.room() {
            lane.memory.make_room(Room::Each { most });
        }
        let seed = || FixedState::with_seed(0);
        Self {
            lane,
            open: HashMap::with_hasher(seed()),
            decided: HashMap::with_hasher(seed()),
            records: 0,
            closed: true,
            key_is_right: false,
        }
    }

    /// Folds one record in. Cost: below a microsecond.
    pub fn apply(&mut self, record: Record) -> Result<(), ReplayError> {
        self.records += 1;
        let name = record.name();
        self.closed = matches!(record, Record::Closed { .. });
        self.lane.forget_what_is_counted();
        self.lane.book.apply(&record);
        match record {
            Record::Sent(sent) | Record::Inquired(sent) => self.on_sent(sent, None)?,
            Record::Debited(Debited { sent, onward }) => {
                self.on_sent(sent, Some(Legs { onward, credit: None }))?;
            }
            Record::Credited(credited) => self.on_credited(name, credited)?,
            Record::Decided { id, answer, owes, at, .. } => {
                self.on_decided(name, id, answer, DecidedBy::Host, owes, at)?;
            }
            Record::TimedOut { id, answer, owes, at } => {
                self.on_decided(name, id, answer, DecidedBy::Silence, owes, at)?;
            }
            Record::NotSent { id, answer, owes, at } => {
                self.on_decided(name, id, answer, DecidedBy::Unsent, owes, at)?;
            }
            Record::Stranded(report) => {
                self.lane.note_id(report.id);
                self.put_back(Slot::of_stranded(&report));
            }
            Record::Noted { id, matter } => self.note(id, matter),
            Record::Remembers { most } => self.on_remembers(most),
            Record::Declined(declined) => {
                self.lane.note_id(declined.id);
                if declined.takes_key {
                    self.on_declined(Kept {
                        id: declined.id,
                        key: declined.key,
                        fingerprint: declined.fingerprint,
                        kind: declined.kind,
                        transmitted_at: terms::Text::EMPTY,
                        answer: declined.answer,
                        by: DecidedBy::Us,
                        at: declined.at,
                    });
                }
            }
            Record::Kept(kept) => {
                self.lane.note_id(kept.id);
                self.on_kept(kept);
            }
            Record::Marked { id, mark, .. } => {
                self.on_marked(name, id, mark)?;
            }
            Record::Advised { sent, forward } => self.on_advised(sent, forward)?,
            Record::Owed { id, forward, at, .. } => self.on_owed(name, id, forward, at)?,
            Record::Attempt { forward, number, host_stan, .. } => {
                self.on_attempt(name, forward, number, host_stan)?;
            }
            Record::Forwarded { forward, owes, at, .. } => self.on_forwarded(name, forward, owes, at)?,
            Record::Withdrawn { id, forward, owes, at } => {
                let item = self.end(name, forward)?;
                self.change(item.at, |decision| decision.withdrawn(owes.as_ref()));
                match owes {
                    Some(forward) => self.owe(item.at, forward, at),
                    None => self.lane.uncapture(id),
                }
            }
            Record::Exception { forward: Some(forward), .. } => {
                let item = self.end(name, forward)?;
                self.set_after(item.at, After::Exception);
                self.lane.counts.exceptions += 1;
            }
            Record::Exception { forward: None, id, reason, .. } => {
                self.lane.note_id(id);
                if let Some(reason) = Reason::of(reason.as_str()) {
                    self.note(id, reason.matter());
                }
                self.lane.counts.exceptions += 1;
            }
            Record::Resolved { id, after } => {
                let at = self.decided(name, id)?;
                self.set_after(at, after);
            }
            Record::Ruled { forward, ruling, .. } => {
                self.pending(name, forward)?;
                self.lane.rule(Instant::default(), forward, ruling);
            }
            Record::HostDate { link: id, date, compares, at } => {
                let Some(link) = link_mut(&mut self.lane.links, id) else { return Ok(()) };
                let before = link.date.replace(date);
                link.cut = Cut::default();
                for ended in self.lane.days_that_end(id, before, date) {
                    self.lane.end_day(id, ended, compares, at);
                }
            }
            Record::LinkOrdered { link: id, order, by, at } => {
                if let Some(link) = link_mut(&mut self.lane.links, id) {
                    link.life.remember(order);
                }
                if order == LinkOrder::AskCutover {
                    self.lane.note_asked_for_day(id, &by, at);
                }
            }
            Record::Day(day) => self.on_day(day),
            Record::Cutover { link, stage, .. } => {
                if let Some(link) = link_mut(&mut self.lane.links, link) {
                    link.cut = Cut::at(stage);
                }
            }
            Record::Numbers { next_id, next_forward, link, last_stan } => {
                self.lane.note_numbers(next_id, link, last_stan);
                if let Some(link) = link.and_then(|link| link_mut(&mut self.lane.links, link)) {
                    link.last_stan = last_stan;
                }
                self.lane.next_forward = self.lane.next_forward.max(next_forward);
            }
            Record::Ticketed { id, ticket, key, at } => {
                let most = self.lane.memory.finished_max();
                self.lane.tickets.insert(id, ticket, key, at, most);
            }
            Record::Named { what, number, name } => self.lane.note_name(what, number, name),
            Record::Opened { .. } | Record::Closed { .. } | Record::Observed(_) => {}
        }
        Ok(())
    }

    /// Whether the journal was closed in order, or holds nothing yet.
    pub fn was_closed(&self) -> bool {
        self.closed
    }

    /// Passes over so many trace numbers of every link. After an unclean stop the last ones may have been used by
    /// messages that left no record: network messages, and questions that move no money. A host that knows them
    /// would take a reversal under one of them for a duplicate.
    pub fn skip_trace_numbers(&mut self, count: u32) {
        for link in &mut self.lane.links {
            link.last_stan = Stan((link.last_stan.0 + count) % 999_999);
        }
    }

    /// Ends the replay: what was sent and not decided is decided now, by silence, with what it owes. A request
    /// is never sent again, because nobody knows whether it arrived. What was owed is due at once.
    ///
    /// `configure` is shown the lane (whose names keep their places) and says what it is to be told: what a
    /// host's contract says decides what is owed to it, so it must be known before anything is decided.
    ///
    /// The records of these decisions are left in `out`; business may begin when they are durable.
    pub fn finish(
        mut self,
        now: Now,
        configure: impl FnOnce(&Lane) -> LaneConfig,
        out: &mut Outbox,
    ) -> Result<Lane, ReplayError> {
        self.lane.tickets.forget_from(self.lane.next_id);
        self.lane.forget_captures_from(self.lane.next_id);
        self.lane.counted_upto = out.len();
        let config = configure(&self.lane);
        self.lane.reconfigure(config, out);
        self.lane.memory.tell_time(now.wall);
        let pending: Vec<ForwardId> = self.lane.forwards.iter().map(|item| item.forward.id).collect();
        for id in pending {
            self.lane.forwards.change(id, |item| {
                // The guard counts from here: how long ago the request was sent, nobody knows any more.
                (item.original_sent, item.last_sent) = (now.instant, now.instant);
                item.first_sent = (item.attempts > 0).then_some(now.instant);
                if item.state != State::Held {
                    item.state = State::Due(now.instant);
                }
            });
        }
        // Attempted, and not known as answered: where a second would be done twice there will be none.
        for id in self.lane.must_not_be_sent_again() {
            self.lane.hand_over(now, id, "unanswered, and must not be sent twice", out);
        }
        let mut left: Vec<Open> = self.open.drain().map(|(_, open)| open).collect();
        left.sort_unstable_by_key(|open| open.sent.id);
        // All of them first: what one of them comes to owe must not take another's trace number.
        let mut places = Vec::with_capacity(left.len());
        for open in left {
            places.push(self.put_back_in_flight(open, now)?);
        }
        for at in places {
            self.lane.advance(now, at, Happening::Restarted, out);
        }
        if !self.closed {
            self.lane.shut_gates();
        }
        // What was just decided; and what was known late before the death, and perhaps not said.
        self.lane.count(now, out);
        self.lane.take_up_days(now);
        self.lane.forget_the_rest();
        self.lane.count(now, out);
        self.lane.forget_what_is_counted();
        self.lane.watch_links();
        Ok(self.lane)
    }

    /// Transactions sent whose decision has not been read.
    pub fn open(&self) -> usize {
        self.open.len()
    }

    fn put_back_in_flight(&mut self, open: Open, now: Now) -> Result<usize, ReplayError> {
        let Open { sent, legs, mark, noted } = open;
        let id = sent.id;
        let request = self.lane.as_recorded(&sent).map_err(|source| ReplayError::Sealed { id, source })?;
        let credit = legs.and_then(|legs| legs.credit);
        let ours = Outgoing {
            stan: credit.map_or(sent.host_stan, |credit| credit.host_stan),
            rrn: sent.host_rrn,
            transmitted_at: credit.map_or(sent.host_transmitted_at, |credit| credit.host_transmitted_at),
            repeat: false,
        };
        let leg = match (legs, credit) {
            (None, _) => Leg::Only,
            (Some(legs), None) => Leg::Debit(legs.onward),
            (Some(_), Some(credit)) => Leg::Credit(Box::new(DebitSaid {
                approval_code: credit.approval_code,
                ..DebitSaid::default()
            })),
        };
        let awaiting = Awaiting {
            // Whoever asked is gone: connections do not outlive the process.
            asked_by: (sent.key.source, ConnId(0)),
            request: Arc::new(request),
            ours,
            deadline: Instant::default(),
            since: now.instant,
            sent_at: now.instant,
            leg,
            mark,
        };
        let slot = slot_of(sent, legs, Flow::AwaitingHost(Box::new(awaiting)));
        Ok(self.lane.put_back(Slot { noted, ..slot }))
    }

    fn on_day(&mut self, day: DayRecord) {
        let (lane, now) = (&mut self.lane, Instant::default());
        match day {
            DayRecord::Own { date, by, at } => lane.own = Own { date: Some(date), since: at, by },
            DayRecord::Frozen { link, date, .. } => lane.set_frozen(link, date),
            DayRecord::TotalsSent { link, date, currency, number, host_stan, said, .. } => {
                lane.note_numbers(TxnId(0), Some(link), host_stan);
                lane.note_totals_sent(link, (date, currency), (number, host_stan), said);
            }
            DayRecord::CutoverSaid { link, ends, stan, transmitted_at, at } => {
                if let Some(link) = link_mut(&mut lane.links, link) {
                    link.cut_said.note(ends, SaidAt { stan, transmitted_at, at });
                }
            }
            DayRecord::Compared(compared) => lane.note_compared(now, *compared),
            DayRecord::CompareOrdered { link, date, .. } => lane.reconcile_again(now, link, date),
            DayRecord::Ended { link, date, compares, at } => lane.end_day(link, date, compares, at),
            // The book's alone.
            DayRecord::CountedAnew | DayRecord::Counted(_) | DayRecord::Tallied(_) => {}
        }
    }

    fn on_sent(&mut self, sent: Sent, legs: Option<Legs>) -> Result<(), ReplayError> {
        self.try_key(&sent)?;
        self.lane.note_id(sent.id);
        self.lane.note_numbers(TxnId(0), Some(sent.link), sent.host_stan);
        self.open.insert(sent.id.0, Open { sent, legs, mark: None, noted: Matters::default() });
        Ok(())
    }

    /// Under another key repeats would be taken for strangers and cards stay sealed, which nobody would notice
    /// before a reversal had to be sent: so the first card of a journal is opened.
    fn try_key(&mut self, sent: &Sent) -> Result<(), ReplayError> {
        if !self.key_is_right && matches!(sent.pan, Card::Sealed(_)) {
            let opened = sent.pan.open(&self.lane.secrets.vault);
            opened.map_err(|source| ReplayError::Sealed { id: sent.id, source })?;
            self.key_is_right = true;
        }
        Ok(())
    }

    fn on_credited(&mut self, name: &'static str, credited: Credited) -> Result<(), ReplayError> {
        let (record, id) = (self.records, credited.id);
        self.lane.note_numbers(TxnId(0), Some(credited.link), credited.host_stan);
        let open = self.open.get_mut(&id.0).ok_or(ReplayError::NotOpen { record, name, id })?;
        let legs = open.legs.as_mut().ok_or(ReplayError::NotOpen { record, name, id })?;
        legs.credit = Some(credited);
        Ok(())
    }

    /// Whoever wrote what follows remembered so many in all.
    fn on_remembers(&mut self, most: u64) {
        self.lane.remembers = most;
        if let Room::Each { most: before } = self.lane.memory.room() {
            let most = usize::try_from(most).unwrap_or(usize::MAX).max(before);
            self.lane.memory.make_room(Room::Each { most });
        }
    }

    /// There is an item for a person about it.
    fn note(&mut self, id: TxnId, matter: Matter) {
        if let Some(open) = self.open.get_mut(&id.0) {
            open.noted.insert(matter);
        } else if let Some(&place) = self.decided.get(&id.0)
            && let Some(slot) = self.lane.memory.get_mut(place).filter(|slot| slot.id == id)
        {
            slot.noted.insert(matter);
        }
    }

    /// What a source said of a request in flight; or what remains of one that was taken back while it is posted, and in
    /// snapshots whatever became of it.
    fn on_marked(&mut self, name: &'static str, id: TxnId, mark: Mark) -> Result<(), ReplayError> {
        if let Some(open) = self.open.get_mut(&id.0) {
            open.mark.get_or_insert(mark);
            return Ok(());
        }
        let (place, Mark::Reverse { remaining }) = (self.decided(name, id)?, mark) else {
            return Err(ReplayError::NotOpen { record: self.records, name, id });
        };
        self.change(place, |decision| Decision { taken_back: Some(remaining), ..decision });
        Ok(())
    }

    fn on_decided(
        &mut self,
        name: &'static str,
        id: TxnId,
        answer: Remembered,
        by: DecidedBy,
        owes: Option<Forward>,
        at: Timestamp,
    ) -> Result<(), ReplayError> {
        let record = self.records;
        let open = self.open.remove(&id.0).ok_or(ReplayError::NotOpen { record, name, id })?;
        let decision = Decision::made(answer, by);
        let flow = Flow::Decided(owes.as_ref().map_or(decision, |forward| decision.owing(forward)));
        let slot = Slot { at, noted: open.noted, ..slot_of(open.sent, open.legs, flow) };
        let place = self.put_back(slot);
        owes.into_iter().for_each(|forward| self.owe(place, forward, at));
        Ok(())
    }

    /// A finished transaction; what was sent for it, when something was, stands right before it. Snapshots are
    /// made of these, and name what is owed for them behind the last one: whoever wrote it remembered all of
    /// them, so all of them are remembered until something happens.
    fn on_kept(&mut self, kept: Kept) {
        let mut slot = Slot::of_kept(&kept);
        if let Some(open) = self.open.remove(&kept.id.0) {
            slot.sent = Some(Box::new(open.sent));
            slot.legs = open.legs.map(Box::new);
        }
        let place = self.lane.put_in(slot);
        self.decided.insert(kept.id.0, place);
    }

    fn on_declined(&mut self, kept: Kept) {
        self.put_back(Slot::of_kept(&kept));
    }

    fn on_advised(&mut self, sent: Sent, forward: Forward) -> Result<(), ReplayError> {
        self.try_key(&sent)?;
        self.lane.note_id(sent.id);
        let at = sent.at;
        let place = self.put_back(Slot::of_report(sent, &forward));
        self.owe(place, forward, at);
        Ok(())
    }

    fn on_owed(
        &mut self,
        name: &'static str,
        id: TxnId,
        forward: Forward,
        at: Timestamp,
    ) -> Result<(), ReplayError> {
        let place = self.decided(name, id)?;
        self.change(place, |decision| decision.owing(&forward));
        self.owe(place, forward, at);
        Ok(())
    }

    fn on_attempt(
        &mut self,
        name: &'static str,
        id: ForwardId,
        number: u32,
        stan: Stan,
    ) -> Result<(), ReplayError> {
        let mut item = self.end(name, id)?;
        item.attempts = number;
        // What was answered to it stands nowhere, unless it ended the debt.
        item.may_have_arrived = true;
        item.renumber(stan);
        self.lane.note_numbers(TxnId(0), Some(item.forward.link), stan);
        self.lane.enqueue(item);
        Ok(())
    }

    fn on_forwarded(
        &mut self,
        name: &'static str,
        id: ForwardId,
        owes: Option<Forward>,
        at: Timestamp,
    ) -> Result<(), ReplayError> {
        let item = self.end(name, id)?;
        self.lane.counts.paid += 1;
        self.change(item.at, |decision| decision.paid(item.forward.duty, owes.as_ref()));
        owes.into_iter().for_each(|forward| self.owe(item.at, forward, at));
        Ok(())
    }

    fn owe(&mut self, place: usize, forward: Forward, at: Timestamp) {
        self.lane.counts.owed += 1;
        self.lane.note_forward_id(forward.id);
        self.lane.note_numbers(TxnId(0), Some(forward.link), forward.host_stan);
        self.lane.enqueue(Item::since(forward, place, Instant::default(), at));
    }

    fn put_back(&mut self, slot: Slot) -> usize {
        let id = slot.id.0;
        let place = self.lane.put_back(slot);
        self.decided.insert(id, place);
        place
    }

    fn decided(&self, name: &'static str, id: TxnId) -> Result<usize, ReplayError> {
        let place = self.decided.get(&id.0).copied();
        let known = place.filter(|&place| self.lane.memory.get(place).is_some_and(|slot| slot.id == id));
        known.ok_or(ReplayError::NotDecided { record: self.records, name, id })
    }

    fn pending(&self, name: &'static str, id: ForwardId) -> Result<&Item, ReplayError> {
        self.lane.forwards.get(id).ok_or(ReplayError::NotOwed { record: self.records, name, id })
    }

    fn end(&mut self, name: &'static str, id: ForwardId) -> Result<Item, ReplayError> {
        let record = self.records;
        self.lane.end(id).ok_or(ReplayError::NotOwed { record, name, id })
    }

    fn set_after(&mut self, place: usize, after: After) {
        self.change(place, |decision| Decision { after, ..decision });
    }

    fn change(&mut self, place: usize, change: impl FnOnce(Decision) -> Decision) {
        if let Some(slot) = self.lane.memory.get_mut(place)
            && let Flow::Decided(decision) = &mut slot.flow
        {
            let was_owed = matches!(decision.after, After::Reversing(_) | After::Confirming(_));
            *decision = change(*decision);
            if was_owed && !slot.is_owed() {
                self.lane.memory.finish(place);
            }
        }
    }
}

fn slot_of(sent: Sent, legs: Option<Legs>, flow: Flow) -> Slot {
    Slot {
        id: sent.id,
        key: sent.key,
        fingerprint: sent.fingerprint,
        kind: sent.kind,
        transmitted_at: sent.transmitted_at,
        at: sent.at,
        sent: Some(Box::new(sent)),
        legs: legs.map(Box::new),
        flow,
        told_again: false,
        noted: Matters::default(),
        place: Place::default(),
    }
}

impl Lane {
    /// As much of a request as its record keeps.
    pub(crate) fn as_recorded(&self, sent: &Sent) -> Result<Txn, VaultError> {
        let mut request = Txn {
            kind: sent.kind,
            processing_code: sent.processing_code,
            pan: sent.pan.open(&self.secrets.vault)?,
            amount: sent.amount,
            currency: sent.currency,
            stan: sent.key.stan,
            rrn: sent.rrn,
            terminal_id: sent.key.terminal_id,
            acquirer_id: sent.acquirer_id,
            transmitted_at: sent.transmitted_at,
            local_time: sent.key.local_time,
            ..Txn::new(sent.message)
        };
        name_account(&mut request, sent, &self.secrets.vault)?;
        Ok(request)
    }

    /// The least records that fold to this lane as it is now, handed over one by one. The oldest come first,
    /// so that the fold forgets in the same order.
    pub fn snapshot(&self, mut keep: impl FnMut(Record)) {
        self.numbers(&mut keep);
        for slot in self.known() {
            if let Some(sent) = &slot.sent {
                let sent = Sent::clone(sent);
                keep(match slot.legs.as_deref() {
                    Some(&Legs { onward, .. }) => Record::Debited(Debited { sent, onward }),
                    None if slot.kind.moves_money() => Record::Sent(sent),
                    None => Record::Inquired(sent),
                });
                slot.legs.iter().filter_map(|legs| legs.credit).for_each(|credit| {
                    keep(Record::Credited(credit));
                });
            }
            match &slot.flow {
                Flow::AwaitingHost(awaiting) => {
                    if let Some(mark) = awaiting.mark {
                        keep(Record::Marked { id: slot.id, mark, at: slot.at });
                    }
                }
                Flow::Decided(decision) => {
                    keep(Record::Kept(kept(slot, decision)));
                    keep_after(slot, decision, &mut keep);
                }
            }
            slot.noted.iter().for_each(|matter| keep(Record::Noted { id: slot.id, matter }));
        }
        self.tickets.keep(&mut keep);
        for item in self.forwards.iter() {
            self.keep_owed(item, &mut keep);
        }
        self.keep_days(&mut keep);
        self.book.snapshot(&mut keep);
    }

    /// Owed messages that may have arrived at a host who would do them twice, but for those a person holds.
    fn must_not_be_sent_again(&self) -> Vec<ForwardId> {
        let is_final = |item: &&Item| {
            let link = self.links.get(usize::from(item.forward.link.0));
            let may_repeat = link.is_none_or(|link| item.may_be_repeated(&link.config.host));
            item.may_have_arrived && !may_repeat && item.state != State::Held
        };
        self.forwards.iter().filter(is_final).map(|item| item.forward.id).collect()
    }

    fn keep_owed(&self, item: &Item, keep: &mut impl FnMut(Record)) {
        let Some(slot) = self.memory.get(item.at) else { return };
        let (forward, at) = (item.forward, item.since);
        keep(Record::Owed { id: slot.id, forward, why: Why::Asked, at });
        if item.attempts > 0 {
            let (number, host_stan) = (item.attempts, forward.host_stan);
            keep(Record::Attempt { forward: forward.id, number, host_stan, at });
        }
        if item.state == State::Held {
            let (by, reason) = (terms::Text::EMPTY, terms::Text::EMPTY);
            keep(Record::Ruled { forward: forward.id, ruling: Ruling::Hold, by, reason, at });
        }
    }
}

fn kept(slot: &Slot, decision: &Decision) -> Kept {
    Kept {
        id: slot.id,
        key: slot.key,
        fingerprint: slot.fingerprint,
        kind: slot.kind,
        transmitted_at: slot.transmitted_at,
        answer: decision.answer,
        by: decision.by,
        at: slot.at,
    }
}

/// What stands for itself; what is owed is said with the message.
fn keep_after(slot: &Slot, decision: &Decision, keep: &mut impl FnMut(Record)) {
    let (id, after) = (slot.id, decision.after);
    match after {
        After::Nothing | After::Reversing(_) | After::Confirming(_) => {}
        After::Reversed | After::Confirmed | After::Exception | After::Captured(_) => {
            keep(Record::Resolved { id, after });
        }
    }
    if let Some(remaining) = decision.taken_back.filter(|_| !matches!(after, After::Reversing(_))) {
        keep(Record::Marked { id, mark: Mark::Reverse { remaining }, at: slot.at });
    }
}
