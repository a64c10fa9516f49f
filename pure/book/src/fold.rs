use crate::{Class, Totals};
use alloc::collections::BTreeMap;
use journal::{After, Duty, Record, Remembered, Sent};
use terms::{Amount, BusinessDate, Currency, ForwardId, LinkId, Outcome, TxnId};

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
/// still change, which is what was approved or is open; give up on old ones by [`Book::forget_before`].
#[derive(Clone, Debug, Default)]
pub struct Book {
    totals: BTreeMap<Bucket, Totals>,
    entries: BTreeMap<TxnId, Entry>,
    owed: BTreeMap<ForwardId, Debt>,
    /// The day each host is on, where it said so.
    dates: BTreeMap<LinkId, BusinessDate>,
}

/// One transaction, as far as counting goes.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// Where it is counted, or would be.
    bucket: Bucket,
    class: Option<Class>,
    amount: Amount,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    Done,
    Unknown,
    /// Refused, never sent, or undone: nothing more can come of it.
    Nothing,
}

#[derive(Clone, Copy, Debug)]
struct Debt {
    txn: TxnId,
    duty: Duty,
    remaining: Amount,
}

impl Book {
    /// A book in which nothing is written.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in the next record. Cost: a few look-ups in ordered maps, below a microsecond.
    pub fn apply(&mut self, record: &Record) {
        match record {
            Record::Sent(sent) | Record::Inquired(sent) => self.ask(sent),
            Record::Decided { id, answer, owes, .. } => {
                self.decide(*id, answer);
                self.owe(*id, owes.as_ref());
            }
            Record::TimedOut { id, answer, owes, .. } => {
                self.decide(*id, answer);
                self.owe(*id, owes.as_ref());
            }
            Record::NotSent { id, answer, .. } => self.decide(*id, answer),
            Record::Advised { sent, forward } => {
                self.ask(sent);
                self.move_to(sent.id, State::Unknown);
                self.owe(sent.id, Some(forward));
            }
            Record::Owed { id, forward, .. } => self.owe(*id, Some(forward)),
            Record::Forwarded { forward, .. } => self.pay(*forward),
            Record::Exception { id, forward, .. } => {
                self.leave_to_a_person(*id);
                if let Some(forward) = forward {
                    self.owed.remove(forward);
                }
            }
            Record::HostDate { link, date, .. } => {
                self.dates.insert(*link, *date);
            }
            // In a snapshot: how a decided one stands. What was undone before it was counted before it, too.
            Record::Resolved { id, after } => {
                if *after == After::Reversed {
                    self.settle_reversed(*id);
                }
            }
            Record::Opened { .. }
            | Record::Closed { .. }
            | Record::Declined(_)
            | Record::Observed(_)
            | Record::Named { .. }
            | Record::Kept(_)
            | Record::Marked { .. }
            | Record::Attempt { .. }
            | Record::Ruled { .. }
            | Record::LinkOrdered { .. }
            | Record::Cutover { .. }
            | Record::Numbers { .. } => {}
        }
    }

    /// Every bucket with something in it, by host, day and currency.
    pub fn totals(&self) -> impl Iterator<Item = (&Bucket, &Totals)> {
        self.totals.iter()
    }

    /// What was counted in one bucket; empty where nothing was.
    pub fn of(&self, bucket: Bucket) -> Totals {
        self.totals.get(&bucket).copied().unwrap_or_default()
    }

    /// Forgets the transactions and the totals of days before `date`. What is undone later of such a day is
    /// not counted any more.
    pub fn forget_before(&mut self, date: BusinessDate) {
        self.totals.retain(|bucket, _| bucket.date >= date);
        self.entries.retain(|_, entry| entry.bucket.date >= date);
    }

    fn ask(&mut self, sent: &Sent) {
        let bucket = Bucket { link: sent.link, date: sent.business_date, currency: sent.currency };
        let class = Class::of(sent.message, sent.kind);
        let entry = Entry { bucket, class, amount: sent.amount, state: State::Open };
        self.entries.insert(sent.id, entry);
        if class.is_some() {
            self.totals.entry(bucket).or_default().open.add(sent.amount);
        }
    }

    fn decide(&mut self, id: TxnId, answer: &Remembered) {
        let state = match answer.outcome {
            Outcome::Approved => State::Done,
            // An answer that never came is a question unasked: there is no money to look for.
            Outcome::Unknown if self.is_inquiry(id) => State::Nothing,
            Outcome::Unknown => State::Unknown,
            Outcome::Refused | Outcome::NotSent => State::Nothing,
        };
        if let (State::Done, Some(date)) = (state, answer.settlement_date) {
            // The host settles it on this day, whatever day it was asked on.
            self.rebook(id, date);
        }
        self.move_to(id, state);
    }

    fn is_inquiry(&self, id: TxnId) -> bool {
        self.entries.get(&id).is_some_and(|entry| entry.class == Some(Class::Inquiry))
    }

    fn owe(&mut self, txn: TxnId, forward: Option<&journal::Forward>) {
        if let Some(forward) = forward {
            self.owed.insert(forward.id, Debt { txn, duty: forward.duty, remaining: forward.remaining });
        }
    }

    /// A host accepted what it was owed.
    fn pay(&mut self, id: ForwardId) {
        let Some(debt) = self.owed.remove(&id) else { return };
        let Some(entry) = self.entries.get(&debt.txn).copied() else { return };
        match (debt.duty, entry.state) {
            (Duty::Advice, State::Unknown | State::Open) => self.move_to(debt.txn, State::Done),
            (Duty::Reversal, State::Done) => self.undo(debt, entry),
            // Nothing was counted, so nothing is taken back: both sides of a host's books cancel out.
            (Duty::Reversal, State::Unknown) => {
                self.move_to(debt.txn, State::Nothing);
                self.totals.entry(entry.bucket).or_default().cancelled.add(entry.amount);
            }
            (Duty::Reversal, State::Open | State::Nothing) | (Duty::Advice, State::Done | State::Nothing) => {
            }
        }
    }

    /// Counted as undone under the day the host is on now, in full or down to what remains.
    fn undo(&mut self, debt: Debt, entry: Entry) {
        let Some(class) = entry.class else { return };
        let date = self.dates.get(&entry.bucket.link).copied().unwrap_or(entry.bucket.date);
        let undone = entry.amount.minor_units().saturating_sub(debt.remaining.minor_units());
        let bucket = Bucket { date, ..entry.bucket };
        self.totals.entry(bucket).or_default().undone_mut(class).add(Amount::minor(undone));
        self.settle_reversed(debt.txn);
    }

    fn settle_reversed(&mut self, id: TxnId) {
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.state = State::Nothing;
        }
    }

    fn leave_to_a_person(&mut self, id: TxnId) {
        if let Some(entry) = self.entries.get(&id) {
            self.totals.entry(entry.bucket).or_default().exceptions += 1;
        }
    }

    /// Takes it out of where it stands, and counts it where it goes.
    fn move_to(&mut self, id: TxnId, state: State) {
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
            State::Done => totals.done_mut(class).add(amount),
            State::Unknown => totals.unknown.add(amount),
            State::Nothing => {}
        }
        if state == State::Nothing {
            self.entries.remove(&id);
        }
    }

    /// Puts one that is not counted yet under another day.
    fn rebook(&mut self, id: TxnId, date: BusinessDate) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        if entry.bucket.date == date || entry.class.is_none() {
            return;
        }
        let to = Bucket { date, ..entry.bucket };
        let from = core::mem::replace(&mut entry.bucket, to);
        let (amount, state) = (entry.amount, entry.state);
        if state == State::Open {
            self.totals.entry(from).or_default().open.remove(amount);
            self.totals.entry(to).or_default().open.add(amount);
        }
    }
}
