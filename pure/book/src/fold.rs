use crate::{Class, Totals};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use journal::{After, Credited, DayRecord, Duty, Record, Remembered, Ruling, Sent};
use terms::{Amount, BusinessDate, Currency, ForwardId, Kind, LinkId, Outcome, Tally, TxnId};

/// What is counted together: with one host, on one of its days, in one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Bucket {
    /// The host.
    pub link: LinkId,
    /// Its day.
    pub date: BusinessDate,
    /// The currency of the amounts.
    pub currency: Currency,
}

/// Totals of every day with every host, folded from records.
///
/// Records of one transaction come in their order; a record about a transaction whose beginning was never read
/// (it was cut off with an old segment) counts nothing. Memory: some 100 bytes for each transaction that could
/// still change, which is what was approved or is open; give up on old ones by [`Book::forget_before`] and
/// [`Book::forget`].
///
/// **What comes late.** Once the totals of a day are frozen nothing changes them: what is known later of a
/// transaction of that day is counted under the day its host is on by then, and noted beside the old one
/// ([`Book::late`]).
#[derive(Clone, Debug, Default)]
pub struct Book {
    pub(crate) totals: BTreeMap<Bucket, Totals>,
    /// By the day it was late for.
    pub(crate) late: BTreeMap<Bucket, Totals>,
    pub(crate) entries: HashMap<Leg, Entry, FixedState>,
    owed: BTreeMap<ForwardId, Debt>,
    /// The day each host is on, where it said so.
    dates: BTreeMap<LinkId, BusinessDate>,
    /// Days whose totals stand.
    pub(crate) frozen: BTreeSet<(LinkId, BusinessDate)>,
    /// In a snapshot: legs whose place is still to be said.
    pub(crate) unplaced: HashMap<Leg, Entry, FixedState>,
    /// Transactions that came late since somebody asked.
    came_late: Vec<TxnId>,
}

/// What one host was asked for a transaction. A transfer between two hosts has two of them, the credit second,
/// and each counts with its own host.
pub(crate) type Leg = (TxnId, Side);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Side {
    /// The only one, or the debit.
    First,
    /// The credit.
    Second,
}

/// One leg, as far as counting goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// Where it is counted, or would be.
    pub(crate) bucket: Bucket,
    class: Option<Class>,
    pub(crate) amount: Amount,
    /// Where the host approved another amount than was asked: that one.
    pub(crate) part: Option<Amount>,
    pub(crate) state: State,
    /// Of a transfer between two hosts.
    is_debit_of_transfer: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Open,
    Done,
    Unknown,
    /// Refused, never sent, or undone: nothing more can come of it.
    Nothing,
}

#[derive(Clone, Copy, Debug)]
struct Debt {
    leg: Leg,
    duty: Duty,
    remaining: Amount,
}

/// How far from the day a request was stamped with a host may settle it. Reason: holidays put a settlement off by days,
/// never by a month; and a day further away is one whose totals are compared already, or not for months.
const SETTLED_WITHIN_DAYS: u64 = 31;

/// Whether a host may settle on that day what was stamped with this one. What it says of any other is counted under the
/// day of the stamp, and told to people.
pub fn can_be_settled_on(stamped: BusinessDate, said: BusinessDate) -> bool {
    stamped.days().abs_diff(said.days()) <= SETTLED_WITHIN_DAYS
}

impl Book {
    /// A book in which nothing is written.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in the next record. Cost: a few look-ups, below a microsecond.
    pub fn apply(&mut self, record: &Record) {
        if !self.unplaced.is_empty() && !matches!(record, Record::Day(_)) {
            // Behind the snapshot: what was given no place counts no more.
            self.unplaced.clear();
        }
        match record {
            Record::Sent(sent) | Record::Inquired(sent) => self.ask(sent, sent.kind),
            Record::Debited(debited) => self.ask(&debited.sent, Kind::TransferOut),
            Record::Credited(credited) => self.credit(credited),
            // What is owed comes first: it is about a leg that a refusal makes forgotten.
            Record::Decided { id, answer, owes, approved, .. } => {
                self.owe(*id, owes.as_ref());
                match (approved, self.is_debit_alone(*id) && owes.is_some()) {
                    // Another amount was approved: that is done at the host, until it is undone.
                    (Some(approved), _) => {
                        self.amend(self.last_leg(*id), *approved);
                        self.move_to(self.last_leg(*id), State::Done);
                    }
                    // The debit was approved, and its credit could not go: done, until it is undone.
                    (None, true) => self.move_to((*id, Side::First), State::Done),
                    (None, false) => self.decide(self.last_leg(*id), answer),
                }
            }
            Record::TimedOut { id, answer, owes, .. } => {
                match self.last_leg(*id) {
                    // Whatever the customer is told: it is counted when its host has it.
                    leg @ (_, Side::Second) => self.move_to(leg, State::Unknown),
                    leg => self.decide(leg, answer),
                }
                self.owe(*id, owes.as_ref());
            }
            Record::NotSent { id, answer, owes, .. } => {
                self.decide(self.last_leg(*id), answer);
                self.owe(*id, owes.as_ref());
            }
            Record::Advised { sent, forward } => {
                self.ask(sent, sent.kind);
                self.move_to((sent.id, Side::First), State::Unknown);
                self.owe(sent.id, Some(forward));
            }
            Record::Owed { id, forward, .. } => self.owe(*id, Some(forward)),
            Record::Forwarded { forward, settlement_date, owes, .. } => {
                let of = self.owed.get(forward).map(|debt| debt.leg.0);
                self.pay(*forward, *settlement_date);
                of.into_iter().for_each(|id| self.owe(id, owes.as_ref()));
            }
            Record::Withdrawn { id, forward, owes, .. } => {
                let debt = self.owed.remove(forward);
                match owes {
                    Some(_) => self.owe(*id, owes.as_ref()),
                    // Its host never heard of it.
                    None => debt.into_iter().for_each(|debt| self.move_to(debt.leg, State::Nothing)),
                }
            }
            Record::Exception { id, forward, .. } => {
                let debt = forward.and_then(|forward| self.owed.remove(&forward));
                self.leave_to_a_person(debt.map_or((*id, Side::First), |debt| debt.leg));
            }
            // Settled by hand: whether the host has it, only the person knows.
            Record::Ruled { forward, ruling: Ruling::Settle, .. } => {
                if let Some(debt) = self.owed.remove(forward) {
                    self.leave_to_a_person(debt.leg);
                    self.note_late(debt.leg);
                }
            }
            Record::HostDate { link, date, .. } => {
                self.dates.insert(*link, *date);
            }
            // In a snapshot: how a decided one stands. What was undone before it was counted before it, too.
            Record::Resolved { id, after } => {
                if *after == After::Reversed {
                    self.settle_reversed((*id, Side::First));
                    self.settle_reversed((*id, Side::Second));
                }
            }
            Record::Day(DayRecord::Frozen { link, date, .. }) => {
                self.frozen.insert((*link, *date));
            }
            Record::Day(DayRecord::CountedAnew) => self.begin_anew(),
            Record::Day(DayRecord::Counted(counted)) => self.take_over(counted),
            Record::Day(DayRecord::Tallied(tallied)) => self.place(tallied),
            Record::Day(_)
            | Record::Opened { .. }
            | Record::Closed { .. }
            | Record::Declined(_)
            | Record::Observed(_)
            | Record::Named { .. }
            | Record::Kept(_)
            // Nobody was asked, so nobody has it in his totals.
            | Record::Stranded(_)
            | Record::Noted { .. }
            | Record::Marked { .. }
            | Record::Attempt { .. }
            | Record::Ruled { .. }
            | Record::LinkOrdered { .. }
            | Record::Ticketed { .. }
            | Record::Cutover { .. }
            | Record::Numbers { .. }
            | Record::Remembers { .. } => {}
        }
    }

    /// Every bucket with something in it, by host, day and currency.
    pub fn totals(&self) -> impl Iterator<Item = (&Bucket, &Totals)> {
        self.totals.iter()
    }

    /// What came too late for a day's totals, by that day; it is counted under another as well.
    pub fn late(&self) -> impl Iterator<Item = (&Bucket, &Totals)> {
        self.late.iter()
    }

    /// Whether the totals of that day stand.
    pub fn is_frozen(&self, link: LinkId, date: BusinessDate) -> bool {
        self.frozen.contains(&(link, date))
    }

    /// Whether the totals of that day stand, or those of any day after it.
    fn is_told_since(&self, link: LinkId, date: BusinessDate) -> bool {
        let next = (LinkId(link.0 + 1), BusinessDate::from_days(i64::MIN / 2));
        self.frozen.range((link, date)..next).next().is_some()
    }

    /// The transactions that came late since this was asked last.
    pub fn take_late(&mut self) -> Vec<TxnId> {
        core::mem::take(&mut self.came_late)
    }

    /// Buckets of one day with one host.
    pub fn day(&self, link: LinkId, date: BusinessDate) -> impl Iterator<Item = (&Bucket, &Totals)> {
        let from = Bucket { link, date, currency: Currency::NONE };
        self.totals.range(from..).take_while(move |(bucket, _)| (bucket.link, bucket.date) == (link, date))
    }

    /// What was counted in one bucket; empty where nothing was.
    pub fn of(&self, bucket: Bucket) -> Totals {
        self.totals.get(&bucket).copied().unwrap_or_default()
    }

    /// Forgets the transactions and the totals of days before `date`. What is undone later of such a day is
    /// not counted any more.
    pub fn forget_before(&mut self, date: BusinessDate) {
        self.totals.retain(|bucket, _| bucket.date >= date);
        self.late.retain(|bucket, _| bucket.date >= date);
        self.frozen.retain(|(_, frozen)| *frozen >= date);
        self.entries.retain(|_, entry| entry.bucket.date >= date);
    }

    /// Forgets one transaction, of which nothing more will be heard. What was counted stays counted.
    pub fn forget(&mut self, id: TxnId) {
        self.entries.remove(&(id, Side::First));
        self.entries.remove(&(id, Side::Second));
    }

    fn ask(&mut self, sent: &Sent, kind: Kind) {
        let bucket = Bucket { link: sent.link, date: sent.business_date, currency: sent.currency };
        let class = Class::of(sent.message, kind);
        let is_debit_of_transfer = kind != sent.kind;
        let (amount, part, state) = (sent.amount, None, State::Open);
        self.open((sent.id, Side::First), Entry { bucket, class, amount, part, state, is_debit_of_transfer });
    }

    /// The debit of a transfer is done, and its credit is open at the other host.
    fn credit(&mut self, credited: &Credited) {
        let debit = (credited.id, Side::First);
        self.move_to(debit, State::Done);
        let Some(entry) = self.entries.get(&debit).copied() else { return };
        let bucket = Bucket { link: credited.link, date: credited.business_date, ..entry.bucket };
        let credit = Entry { bucket, class: Some(Class::Credit), state: State::Open, ..entry };
        self.open((credited.id, Side::Second), credit);
    }

    fn open(&mut self, leg: Leg, entry: Entry) {
        self.entries.insert(leg, entry);
        if entry.class.is_some() {
            self.totals.entry(entry.bucket).or_default().open.add(entry.amount);
        }
    }

    /// The leg a decision is about: the credit, once there is one.
    fn last_leg(&self, id: TxnId) -> Leg {
        let second = (id, Side::Second);
        if self.entries.contains_key(&second) { second } else { (id, Side::First) }
    }

    fn is_debit_alone(&self, id: TxnId) -> bool {
        let is_debit = |entry: &Entry| entry.is_debit_of_transfer;
        self.last_leg(id).1 == Side::First && self.entries.get(&(id, Side::First)).is_some_and(is_debit)
    }

    fn decide(&mut self, id: Leg, answer: &Remembered) {
        let state = match answer.outcome {
            Outcome::Approved => State::Done,
            // An answer that never came is a question unasked: there is no money to look for.
            Outcome::Unknown if self.is_inquiry(id) => State::Nothing,
            Outcome::Unknown => State::Unknown,
            Outcome::Refused | Outcome::NotSent => State::Nothing,
        };
        let said = answer.settlement_date.filter(|said| self.is_believed(id, *said));
        if let (State::Done, Some(date), Side::First) = (state, said, id.1) {
            // The host settles it on this day, whatever day it was asked on. A transfer tells the paying host's.
            self.rebook(id, date);
        }
        self.move_to(id, state);
    }

    fn is_inquiry(&self, id: Leg) -> bool {
        self.entries.get(&id).is_some_and(|entry| entry.class == Some(Class::Inquiry))
    }

    fn owe(&mut self, txn: TxnId, forward: Option<&journal::Forward>) {
        let Some(forward) = forward else { return };
        let second = (txn, Side::Second);
        let is_of_credit = self.entries.get(&second).is_some_and(|entry| entry.bucket.link == forward.link);
        let leg = if is_of_credit { second } else { (txn, Side::First) };
        self.owed.insert(forward.id, Debt { leg, duty: forward.duty, remaining: forward.remaining });
    }

    /// Whether a day that a host says can be the one it counts this under.
    fn is_believed(&self, id: Leg, said: BusinessDate) -> bool {
        let stamped = self.entries.get(&id).map(|entry| entry.bucket.date);
        stamped.is_some_and(|stamped| can_be_settled_on(stamped, said))
    }

    /// A host accepted what it was owed, and may have said under which day.
    fn pay(&mut self, id: ForwardId, said: Option<BusinessDate>) {
        let Some(debt) = self.owed.remove(&id) else { return };
        let Some(entry) = self.entries.get(&debt.leg).copied() else { return };
        let said = said.filter(|said| self.is_believed(debt.leg, *said));
        match (debt.duty, entry.state) {
            (Duty::Advice, State::Unknown | State::Open) => {
                said.into_iter().for_each(|date| self.rebook(debt.leg, date));
                self.move_to(debt.leg, State::Done);
            }
            (Duty::Reversal, State::Done) => self.undo(debt, entry, said),
            // Nothing was counted, so nothing is taken back: both sides of a host's books cancel out.
            (Duty::Reversal, State::Unknown) => {
                self.move_to(debt.leg, State::Nothing);
                self.totals.entry(entry.bucket).or_default().cancelled.add(entry.amount);
                if self.is_told_since(entry.bucket.link, entry.bucket.date) {
                    // The host may have it in the totals of a day it has told already: of this one, or of a later one
                    // that it was on when the request came.
                    self.late.entry(entry.bucket).or_default().cancelled.add(entry.amount);
                    self.came_late.push(debt.leg.0);
                }
            }
            (Duty::Reversal, State::Open | State::Nothing) | (Duty::Advice, State::Done | State::Nothing) => {
            }
        }
    }

    /// Counted as undone under the day the host said, or is on now, in full or down to what remains.
    fn undo(&mut self, debt: Debt, entry: Entry, said: Option<BusinessDate>) {
        let Some(class) = entry.class else { return };
        let undone = Amount::minor(entry.amount.minor_units().saturating_sub(debt.remaining.minor_units()));
        let today = self.today(entry.bucket);
        let wanted = said.map_or(today, |date| Bucket { date, ..today });
        let bucket = if self.is_frozen(wanted.link, wanted.date) { today } else { wanted };
        self.totals.entry(bucket).or_default().undone_mut(class).add(undone);
        if bucket != wanted {
            self.late.entry(wanted).or_default().undone_mut(class).add(undone);
            self.came_late.push(debt.leg.0);
        }
        self.settle_reversed(debt.leg);
    }

    /// Its host approved that much, and not what was asked.
    fn amend(&mut self, id: Leg, approved: Amount) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        let asked = core::mem::replace(&mut entry.amount, approved);
        entry.part = Some(approved);
        if entry.state == State::Open && entry.class.is_some() {
            let open = &mut self.totals.entry(entry.bucket).or_default().open;
            open.remove(asked);
            open.add(approved);
        }
    }

    /// A person's, of a day whose totals were told.
    fn note_late(&mut self, id: Leg) {
        let Some(entry) = self.entries.get(&id) else { return };
        if self.frozen.contains(&(entry.bucket.link, entry.bucket.date)) {
            self.late.entry(entry.bucket).or_default().exceptions += 1;
            self.came_late.push(id.0);
        }
    }

    fn settle_reversed(&mut self, id: Leg) {
        self.entries.remove(&id);
    }

    fn leave_to_a_person(&mut self, id: Leg) {
        if let Some(entry) = self.entries.get(&id) {
            self.totals.entry(entry.bucket).or_default().exceptions += 1;
        }
    }

    /// Takes it out of where it stands, and counts it where it goes.
    fn move_to(&mut self, id: Leg, state: State) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        let before = core::mem::replace(&mut entry.state, state);
        let Entry { bucket, class: Some(class), amount, .. } = *entry else { return };
        let totals = self.totals.entry(bucket).or_default();
        match before {
            State::Open => totals.open.remove(amount),
            State::Unknown => totals.unknown.remove(amount),
            State::Done | State::Nothing => {}
        }
        match state {
            State::Open => totals.open.add(amount),
            State::Done if self.frozen.contains(&(bucket.link, bucket.date)) => {
                return self.count_late(id, bucket, class, amount);
            }
            State::Done => totals.done_mut(class).add(amount),
            State::Unknown => totals.unknown.add(amount),
            State::Nothing => {}
        }
        if state == State::Nothing {
            self.entries.remove(&id);
        }
    }

    /// Its day's totals were told already: counted under the day of now, and noted.
    fn count_late(&mut self, id: Leg, was: Bucket, class: Class, amount: Amount) {
        let bucket = self.today(was);
        self.late.entry(was).or_default().done_mut(class).add(amount);
        self.totals.entry(bucket).or_default().done_mut(class).add(amount);
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.bucket = bucket;
        }
        self.came_late.push(id.0);
    }

    /// The same bucket under the day its host is on.
    fn today(&self, bucket: Bucket) -> Bucket {
        let date = self.dates.get(&bucket.link).copied().unwrap_or(bucket.date);
        Bucket { date, ..bucket }
    }

    /// Puts one that is not counted yet under another day.
    fn rebook(&mut self, id: Leg, date: BusinessDate) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        if entry.bucket.date == date || entry.class.is_none() {
            return;
        }
        let to = Bucket { date, ..entry.bucket };
        let from = core::mem::replace(&mut entry.bucket, to);
        let (amount, state) = (entry.amount, entry.state);
        let tally: fn(&mut Totals) -> &mut Tally = match state {
            State::Open => |totals| &mut totals.open,
            State::Unknown => |totals| &mut totals.unknown,
            State::Done | State::Nothing => return,
        };
        tally(self.totals.entry(from).or_default()).remove(amount);
        tally(self.totals.entry(to).or_default()).add(amount);
    }
}
