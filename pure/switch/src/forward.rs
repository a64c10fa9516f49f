//! What is owed to hosts: reversals and advices, each until its host accepts it or a person takes it over.
//!
//! ```text
//!   owed ─▶ due ─▶ attempt recorded, then sent ─▶ accepted: paid
//!            ▲         │ no answer, no connection      │ "no such original", believed only after the guard
//!            └─────────┴──────── repeat later ─────────┘ refused, or the wrong day: an item for a person
//! ```
//! Nothing is ever dropped: created = paid + pending + handed to a person, always.

use crate::config::{ForwardConfig, HostProfile};
use crate::pace::{Pace, Room};
use alloc::collections::{BTreeMap, BTreeSet};
use journal::{Duty, Forward};
use terms::{BusinessDate, Code, ForwardId, Instant, LinkId, Now, Outcome, Stan, Timestamp, Txn};

/// One owed message.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) forward: Forward,
    /// The transaction it is about, by its place in memory.
    pub(crate) at: usize,
    /// Attempts recorded.
    pub(crate) attempts: u32,
    pub(crate) state: State,
    /// When the original was sent, as far as this process knows: the guard counts from here.
    pub(crate) original_sent: Instant,
    /// When it was sent first under its present trace number: an answer may be to that attempt.
    pub(crate) first_sent: Option<Instant>,
    /// The attempt under way is the first under that number; when its bytes never left, there was none.
    pub(crate) is_first: bool,
    /// When the last attempt was sent.
    pub(crate) last_sent: Instant,
    /// An attempt was made of which nobody knows whether the host got it.
    pub(crate) may_have_arrived: bool,
    /// It was owed when the link came up: a host that has been away is paid what waited little by little.
    pub(crate) waited: bool,
    /// Since when its age counts: when it came to be owed, or when the process began that found it.
    pub(crate) owed_at: Instant,
    /// Since when it is owed, for people.
    pub(crate) since: Timestamp,
}

/// Where an owed message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// To be sent then.
    Due(Instant),
    /// Sent, and unanswered until then.
    InFlight(Instant),
    /// A person holds it.
    Held,
}

/// What a host's answer to an owed message means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The debt is paid.
    Paid,
    /// Try again later.
    Again,
    /// Try again when the guard has passed, under a fresh trace number.
    AfterGuard(Instant),
    /// A person has to look at it, because of this.
    ForAPerson(&'static str),
}

/// What is known of the request that a message is owed for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Circumstances {
    /// Its host approved it.
    pub(crate) was_approved: bool,
    /// The day its host is on now, where that is known.
    pub(crate) today: Option<BusinessDate>,
}

/// What a host's code says about a message it is owed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settles {
    /// The debt is paid.
    Paid,
    /// Not done: it is sent again later.
    NotYet,
    /// There is nothing to undo: believed from a host that keeps tombstones, from others only when the request
    /// can linger no longer.
    NoOriginal,
    /// Refused: sending it again would change nothing.
    ForAPerson,
}

impl Settles {
    /// What this code says about that duty.
    pub const fn by(duty: Duty, code: Code) -> Self {
        match (code, duty) {
            (code, _) if matches!(code.outcome(), Outcome::Approved) => Self::Paid,
            // Reversed already, or this very message was taken before.
            (Code::SuspectedMalfunction | Code::Duplicate, _) => Self::Paid,
            (Code::NotFound | Code::InvalidTransaction, Duty::Reversal) => Self::NoOriginal,
            (
                Code::HostDown | Code::NoAnswer | Code::Busy | Code::CutoverInProgress | Code::NotSignedOn,
                _,
            ) => Self::NotYet,
            _ => Self::ForAPerson,
        }
    }
}

/// Everything owed, by number and by time.
#[derive(Clone, Default)]
pub(crate) struct Forwards {
    items: BTreeMap<ForwardId, Item>,
    /// What is due when, link by link, what waited for the link apart.
    due: BTreeSet<(LinkId, bool, Instant, ForwardId)>,
    /// What runs out of time when.
    waiting: BTreeSet<(Instant, ForwardId)>,
    /// How many are owed, link by link.
    owed_to: BTreeMap<LinkId, usize>,
    /// What nobody holds, link by link, the oldest first.
    unheld: BTreeSet<(LinkId, ForwardId)>,
}

impl Forwards {
    pub(crate) fn insert(&mut self, item: Item) {
        let id = item.forward.id;
        self.index(&item);
        *self.owed_to.entry(item.forward.link).or_default() += 1;
        self.items.insert(id, item);
    }

    pub(crate) fn get(&self, id: ForwardId) -> Option<&Item> {
        self.items.get(&id)
    }

    /// Whether no attempt was made at it yet: not a byte of it can have left.
    pub(crate) fn never_left(&self, id: ForwardId) -> bool {
        self.items.get(&id).is_some_and(|item| item.attempts == 0)
    }

    /// Changes an item and keeps the indexes right.
    pub(crate) fn change(&mut self, id: ForwardId, change: impl FnOnce(&mut Item)) {
        let Some(mut item) = self.remove(id) else { return };
        change(&mut item);
        self.insert(item);
    }

    pub(crate) fn remove(&mut self, id: ForwardId) -> Option<Item> {
        let item = self.items.remove(&id)?;
        if let Some(owed) = self.owed_to.get_mut(&item.forward.link) {
            *owed -= 1;
        }
        match item.state {
            State::Due(at) => drop(self.due.remove(&(item.forward.link, item.waited, at, id))),
            State::InFlight(until) => drop(self.waiting.remove(&(until, id))),
            State::Held => {}
        }
        self.unheld.remove(&(item.forward.link, id));
        Some(item)
    }

    /// The next message due on a link by `now`, of those that there is room for, and whether it had to wait.
    pub(crate) fn next_due(&self, link: LinkId, now: Instant, room: Room) -> Option<(ForwardId, bool)> {
        let first = [false, true].into_iter().filter(|&waited| room.is_for(waited));
        let first = first.filter_map(|waited| self.first_due(link, waited)).min();
        first.filter(|(at, ..)| *at <= now).map(|(_, id, waited)| (id, waited))
    }

    fn first_due(&self, link: LinkId, waited: bool) -> Option<(Instant, ForwardId, bool)> {
        let mut from = self.due.range((link, waited, Instant::default(), ForwardId(0))..);
        let &(of, is, at, id) = from.next()?;
        (of == link && is == waited).then_some((at, id, waited))
    }

    /// Everything owed to this link has waited for it, from now on.
    pub(crate) fn make_wait(&mut self, link: LinkId) {
        let owed = self.items.values().filter(|item| item.forward.link == link && !item.waited);
        let owed: alloc::vec::Vec<ForwardId> = owed.map(|item| item.forward.id).collect();
        for id in owed {
            self.change(id, |item| item.waited = true);
        }
    }

    /// A message whose attempt has run out of time by `now`.
    pub(crate) fn next_overdue(&self, now: Instant) -> Option<ForwardId> {
        self.waiting.first().filter(|(until, _)| *until <= now).map(|&(_, id)| id)
    }

    /// Attempts of a link that are unanswered.
    pub(crate) fn in_flight(&self, link: LinkId) -> u32 {
        self.unanswered(link).count() as u32
    }

    /// At most a window's worth of every link is looked at.
    fn unanswered(&self, link: LinkId) -> impl Iterator<Item = &Item> {
        let of_all = self.waiting.iter().filter_map(|(_, id)| self.items.get(id));
        of_all.filter(move |item| item.forward.link == link)
    }

    /// What may be sent on a link now besides what is unanswered there: so many in all, and of what waited.
    pub(crate) fn room(&self, link: LinkId, config: &ForwardConfig, pace: Pace) -> Room {
        let (mut all, mut waited) = (0, 0);
        for item in self.unanswered(link) {
            all += 1;
            waited += u32::from(item.waited);
        }
        Room { all: config.window.saturating_sub(all), waited: pace.room(config).saturating_sub(waited) }
    }

    /// When something here wants attention; what there is no room for waits for an answer, not for the time.
    pub(crate) fn next_moment(&self, mut room: impl FnMut(LinkId) -> Room) -> Option<Instant> {
        let overdue = self.waiting.first().map(|&(until, _)| until);
        let mut due = None;
        let mut from = (LinkId(0), false);
        let first = |(link, waited)| (link, waited, Instant::default(), ForwardId(0));
        while let Some(&(link, waited, at, _)) = self.due.range(first(from)..).next() {
            if room(link).is_for(waited) {
                due = Some(due.map_or(at, |earliest: Instant| earliest.min(at)));
            }
            from = match (waited, link.0.checked_add(1)) {
                (false, _) => (link, true),
                (true, Some(next)) => (LinkId(next), false),
                (true, None) => break,
            };
        }
        [overdue, due].into_iter().flatten().min()
    }

    /// The oldest message owed to a link that nobody holds.
    pub(crate) fn oldest(&self, link: LinkId) -> Option<&Item> {
        let first = self.unheld.range((link, ForwardId(0))..).next();
        first.filter(|(of, _)| *of == link).and_then(|(_, id)| self.items.get(id))
    }

    /// Those numbered from `from` on, the oldest first.
    pub(crate) fn from(&self, from: ForwardId) -> impl Iterator<Item = &Item> {
        self.items.range(from..).map(|(_, item)| item)
    }

    /// All of them, the oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Item> {
        self.items.values()
    }

    /// Which are due on which link, in the order they will be sent.
    pub(crate) fn due(&self) -> impl Iterator<Item = (LinkId, ForwardId)> {
        self.due.iter().map(|&(link, _, _, id)| (link, id))
    }

    /// How many are owed to one link.
    pub(crate) fn owed_to(&self, link: LinkId) -> usize {
        self.owed_to.get(&link).copied().unwrap_or(0)
    }

    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    fn index(&mut self, item: &Item) {
        let id = item.forward.id;
        match item.state {
            State::Due(at) => drop(self.due.insert((item.forward.link, item.waited, at, id))),
            State::InFlight(until) => drop(self.waiting.insert((until, id))),
            State::Held => return,
        }
        self.unheld.insert((item.forward.link, id));
    }
}

impl Item {
    /// Owed since now, due at once.
    pub(crate) fn new(forward: Forward, at: usize, original_sent: Instant, now: Now) -> Self {
        Self { original_sent, ..Self::since(forward, at, now.instant, now.wall) }
    }

    /// Owed since then, as the journal says; due at once.
    pub(crate) fn since(forward: Forward, at: usize, now: Instant, since: Timestamp) -> Self {
        Self {
            forward,
            at,
            attempts: 0,
            state: State::Due(now),
            original_sent: now,
            first_sent: None,
            is_first: false,
            last_sent: now,
            may_have_arrived: false,
            waited: false,
            owed_at: now,
            since,
        }
    }

    /// Due then, unless a person holds it.
    pub(crate) fn postpone(&mut self, due: Instant) {
        if self.state != State::Held {
            self.state = State::Due(due);
        }
    }

    /// Whether its host does no harm when it gets it twice.
    pub(crate) fn may_be_repeated(&self, host: &HostProfile) -> bool {
        self.forward.duty == Duty::Advice || host.dedups_reversals
    }

    /// What the host's answer means.
    ///
    /// "No such original" is believed from hosts that keep tombstones. From others only when the reversal was
    /// *sent* longer after its request than the request may linger in the host's queues: judged by when the
    /// answer *arrives*, a request still in a queue would be posted after its reversal was closed. An answer may
    /// be to the first attempt under its number, so that one has to be late enough. It cannot be true of what the
    /// host itself approved, and "invalid" means something else where the host's day has changed since.
    pub(crate) fn verdict(&self, host: &HostProfile, original: Circumstances, reply: &Txn) -> Verdict {
        let Some(code) = reply.code else { return Verdict::Again };
        let is_another_day = original.today.is_some_and(|today| today != self.forward.business_date);
        match Settles::by(self.forward.duty, code) {
            Settles::Paid => Verdict::Paid,
            Settles::NotYet => Verdict::Again,
            Settles::NoOriginal if original.was_approved => {
                Verdict::ForAPerson("approved, and now not known to the host")
            }
            Settles::NoOriginal if code == Code::InvalidTransaction && is_another_day => {
                Verdict::ForAPerson("refused on another day")
            }
            Settles::NoOriginal => self.no_original(host),
            Settles::ForAPerson => Verdict::ForAPerson("refused by the host"),
        }
    }

    /// From when a reversal has to be sent for "no such original" to be believed.
    pub(crate) fn believed_from(&self, host: &HostProfile) -> Instant {
        self.original_sent.plus_ms(host.guard_ms)
    }

    fn no_original(&self, host: &HostProfile) -> Verdict {
        let believed_from = self.believed_from(host);
        match host.tombstones || self.first_sent.is_some_and(|sent| sent >= believed_from) {
            true => Verdict::Paid,
            false => Verdict::AfterGuard(believed_from),
        }
    }

    /// When the next attempt is due after one failed.
    pub(crate) fn next_attempt(&self, config: &ForwardConfig, now: Instant) -> Instant {
        self.last_sent.plus_ms(config.repeat_ms).max(now)
    }

    /// Takes a fresh trace number.
    pub(crate) fn renumber(&mut self, stan: Stan) {
        self.forward.host_stan = stan;
        self.first_sent = None;
    }
}
