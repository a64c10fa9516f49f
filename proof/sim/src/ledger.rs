//! What hosts hold of each of their days: both ways, transaction by transaction.

use crate::host::Frame;
use crate::marks::Mark;
use crate::world::World;
use book::{Book, Class, Totals};
use std::collections::{BTreeMap, BTreeSet};
use terms::{BusinessDate, Code, Kind, LinkId, Outcome, Tally};

/// Where sums are compared: host, day, and what sort of money.
pub(crate) type Column = (LinkId, BusinessDate, Class);

/// The classes money stands in.
pub(crate) const CLASSES: [Class; 3] = [Class::Credit, Class::Debit, Class::Transfer];

/// So many, so much.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Side {
    number: i64,
    sum: i64,
}

/// What was done, and what was undone again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Held {
    done: Side,
    undone: Side,
}

/// How a ledger moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moves {
    /// Something is done.
    Done,
    /// Of unknown end, and taken back: as if nothing had been done.
    Cancelled,
    /// Something done is undone.
    Undone,
}

/// The ledgers of all hosts.
#[derive(Default)]
pub(crate) struct Ledgers {
    /// By host, day and class.
    sums: BTreeMap<Column, Held>,
    /// The same of each operation.
    pub(crate) postings: BTreeMap<(usize, Column), Held>,
    /// Which operations a day holds.
    of_day: BTreeMap<(LinkId, BusinessDate), BTreeSet<usize>>,
}

impl Side {
    const fn plus(self, number: i64, sum: i64) -> Self {
        Self { number: self.number + number, sum: self.sum + sum }
    }

    fn of(tally: Tally) -> Self {
        Self { number: tally.count as i64, sum: tally.sum as i64 }
    }

    fn tally(self) -> Tally {
        Tally { count: self.number.max(0) as u64, sum: self.sum.max(0) as u128 }
    }
}

impl Held {
    pub(crate) const fn plus(self, other: Self) -> Self {
        Self {
            done: self.done.plus(other.done.number, other.done.sum),
            undone: self.undone.plus(other.undone.number, other.undone.sum),
        }
    }

    pub(crate) const fn less(self, other: Self) -> Self {
        Self {
            done: self.done.plus(-other.done.number, -other.done.sum),
            undone: self.undone.plus(-other.undone.number, -other.undone.sum),
        }
    }

    pub(crate) fn is_nothing(self) -> bool {
        self == Self::default()
    }

    /// What totals have of a class.
    pub(crate) fn of(totals: &Totals, class: Class) -> Self {
        Self { done: Side::of(totals.done(class)), undone: Side::of(totals.undone(class)) }
    }

    /// What moving so much makes of what is held of one operation.
    fn moved(self, how: Moves, amount: i64) -> Self {
        match how {
            Moves::Done => Self { done: self.done.plus(1, amount), ..self },
            Moves::Undone => Self { undone: self.undone.plus(1, amount), ..self },
            Moves::Cancelled => {
                let left = self.done.sum - amount;
                let number = if left == 0 { 0 } else { self.done.number };
                Self { done: Side { number, sum: left }, ..self }
            }
        }
    }
}

impl Ledgers {
    fn enter(&mut self, op: usize, column: Column, how: Moves, amount: i64) {
        let posting = self.postings.entry((op, column)).or_default();
        let before = *posting;
        *posting = before.moved(how, amount);
        let change = posting.less(before);
        let sum = self.sums.entry(column).or_default();
        *sum = sum.plus(change);
        self.of_day.entry((column.0, column.1)).or_default().insert(op);
    }

    /// Everything that is held, by host, day and class.
    pub(crate) const fn sums(&self) -> &BTreeMap<Column, Held> {
        &self.sums
    }

    /// What a day holds of each operation.
    pub(crate) fn of_day(&self, link: LinkId, day: BusinessDate) -> BTreeMap<(usize, Class), Held> {
        let mut held = BTreeMap::new();
        for op in self.of_day.get(&(link, day)).into_iter().flatten() {
            for class in CLASSES {
                let posting = self.postings.get(&(*op, (link, day, class))).copied().unwrap_or_default();
                if !posting.is_nothing() {
                    held.insert((*op, class), posting);
                }
            }
        }
        held
    }

    /// The totals of a day, as a host makes them.
    pub(crate) fn totals(&self, link: LinkId, day: BusinessDate) -> Totals {
        let mut totals = Totals::default();
        for class in CLASSES {
            let held = self.sums.get(&(link, day, class)).copied().unwrap_or_default();
            *totals.done_mut(class) = held.done.tally();
            *totals.undone_mut(class) = held.undone.tally();
        }
        totals
    }
}

/// What a book says of each host, day and sort of money.
pub(crate) fn columns(book: &Book) -> impl Iterator<Item = (Column, Held)> {
    book.totals().flat_map(|(bucket, totals)| {
        CLASSES.into_iter().map(|class| ((bucket.link, bucket.date, class), Held::of(totals, class)))
    })
}

impl World {
    /// A host's ledger moves: on its own day, where that is its own to say; otherwise on the day it was told.
    pub(crate) fn book_at_host(&mut self, frame: &Frame, amount: i64, kind: Kind) {
        let Some(op) = frame.op else { return };
        let link = frame.link;
        let day = self.truth.ops[op].books(link).day;
        let stamped = self.truth.ops[op].business_date_at(link);
        let own = self.tells_day(link).then(|| self.hosts[usize::from(link.0)].day);
        let Some(day) = day.or(own).or(stamped) else { return };
        self.truth.ops[op].books_mut(link).day = Some(day);
        self.book_at(op, (link, day), kind, Moves::Done, amount);
    }

    /// A ledger gives back: what was cancelled because nobody knew its end on the day it was posted on, what was done
    /// and is undone on the host's own day.
    pub(crate) fn unbook_at_host(&mut self, frame: &Frame, amount: i64) {
        let Some(op) = frame.op else { return };
        let link = frame.link;
        let books = *self.truth.ops[op].books(link);
        let Some(posted_on) = books.day else { return };
        let day = match (books.is_counted, self.tells_day(link)) {
            (false, _) => posted_on,
            (true, true) => self.hosts[usize::from(link.0)].day,
            // It keeps no days of its own, and takes ours.
            (true, false) => self.process.dates[usize::from(link.0)].unwrap_or(posted_on),
        };
        if books.is_counted {
            self.truth.ops[op].books_mut(link).undone_on = Some(day);
        }
        let how = if books.is_counted { Moves::Undone } else { Moves::Cancelled };
        self.book_at(op, (link, day), frame.request.kind, how, amount);
    }

    /// Whether a host that keeps its own days refuses an advice, because it is of another.
    pub(crate) fn is_of_another_day(&self, frame: &Frame) -> bool {
        let stamped = frame.op.and_then(|op| self.truth.ops[op].business_date_at(frame.link));
        let today = self.hosts[usize::from(frame.link.0)].day;
        self.tells_day(frame.link) && stamped.is_some_and(|stamped| stamped != today)
    }

    /// The same, put right by people: under the day it belongs to.
    pub(crate) fn book_by_hand(&mut self, op: usize, link: LinkId, how: Moves, amount: i64) {
        let known = &self.truth.ops[op];
        let day = known.books(link).day.or(known.business_date_at(link));
        let kind = leg_of(known.kind, known.legs.is_some(), known.is_credit(link));
        if let Some(day) = day {
            self.truth.ops[op].books_mut(link).day = Some(day);
            self.book_at(op, (link, day), kind, how, amount);
        }
    }

    fn book_at(
        &mut self,
        op: usize,
        (link, day): (LinkId, BusinessDate),
        kind: Kind,
        how: Moves,
        amount: i64,
    ) {
        let class = match kind {
            Kind::Deposit | Kind::Refund | Kind::TransferIn => Class::Credit,
            Kind::Transfer => Class::Transfer,
            _ => Class::Debit,
        };
        self.ledgers.enter(op, (link, day, class), how, amount);
    }

    /// A host says on which day it settles what it approves. One that keeps no days of its own says it of what it
    /// undoes.
    pub(crate) fn settles_on(&mut self, frame: &Frame, code: Code) -> Option<BusinessDate> {
        let is_undone = frame.request.message.class == terms::Class::Reversal;
        let has_done = code.outcome() == Outcome::Approved
            || matches!(code, Code::Duplicate | Code::SuspectedMalfunction);
        if !has_done || !(is_undone || self.tells_day(frame.link)) {
            return None;
        }
        let op = frame.op?;
        let books = self.truth.ops[op].books(frame.link);
        let day = match frame.request.message.class {
            terms::Class::Reversal => books.undone_on,
            _ => books.day,
        };
        if day.is_some() && day != self.truth.ops[op].business_date_at(frame.link) {
            self.marks.hit(Mark::SettledElsewhere);
        }
        day
    }
}

/// What a leg is to the host that has it.
const fn leg_of(kind: Kind, of_two: bool, is_credit: bool) -> Kind {
    match (kind, of_two, is_credit) {
        (Kind::Transfer, true, true) => Kind::TransferIn,
        (Kind::Transfer, true, false) => Kind::TransferOut,
        (kind, ..) => kind,
    }
}
