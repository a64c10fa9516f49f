//! The days of hosts: which of them are closed, what is stamped with which, and whether the totals of each day with
//! each host are what its ledger says.

use crate::invariant::Invariant;
use crate::ledger::{Column, Held, columns};
use crate::mutant::Mutant;
use crate::world::{HOSTS, World};
use book::{Book, Class};
use journal::{Credited, DayRecord, Debited, Duty, Record};
use std::collections::{BTreeMap, BTreeSet};
use terms::{BusinessDate, LinkId, Outcome};

/// What is known of the days, whoever dies.
#[derive(Default)]
pub(crate) struct Days {
    /// The first day of each host that is open: it was told that the one before is closed.
    open_from: [Option<BusinessDate>; HOSTS],
    /// The days each host has been on, as far as the disk knows.
    pub(crate) moved_to: [BTreeSet<BusinessDate>; HOSTS],
    /// Everything durable, for the totals.
    pub(crate) records: Vec<Record>,
    /// For which operation each message is owed, and whom what.
    owed_for: BTreeMap<u64, usize>,
    pub(crate) owed_to: BTreeMap<u64, (LinkId, Duty)>,
}

impl Days {
    /// Whether that host has been on that day, and is not any more.
    pub(crate) fn was_on(&self, link: LinkId, day: BusinessDate) -> bool {
        self.moved_to[usize::from(link.0)].contains(&day)
    }
}

impl World {
    /// A host heard that its day is over: nothing of it may be stamped any more.
    pub(crate) fn acknowledged_day(&mut self, link: LinkId, new: BusinessDate) {
        let open_from = &mut self.days.open_from[usize::from(link.0)];
        *open_from = (*open_from).max(Some(new));
        self.tell_all(|| format!("host {} takes {new} for begun", link.0));
    }

    /// A record is about to be written: what it is stamped with.
    pub(crate) fn look_at_stamp(&mut self, record: &Record) {
        let (id, link, date) = match record {
            Record::Sent(sent) | Record::Inquired(sent) => (sent.id, sent.link, sent.business_date),
            Record::Advised { sent, .. } | Record::Debited(Debited { sent, .. }) => {
                (sent.id, sent.link, sent.business_date)
            }
            Record::Credited(Credited { id, link, business_date, .. }) => (*id, *link, *business_date),
            Record::HostDate { link, date, .. } => return self.look_at_move(*link, *date),
            _ => return,
        };
        let at = usize::from(link.0);
        let op = self.truth.by_id.get(&id.0).copied();
        if self.days.open_from[at].is_some_and(|open| date < open) {
            let why = format!("stamped with {date}, and its host was told that this is over");
            return self.truth.breaks(Invariant::I32, op, why);
        }
        if self.process.dates[at].is_some_and(|today| date < today) {
            self.truth.breaks(Invariant::I32, op, format!("stamped with {date}, which is closed"));
        }
    }

    fn look_at_move(&mut self, link: LinkId, date: BusinessDate) {
        let before = self.process.dates[usize::from(link.0)];
        if before.is_some_and(|before| date <= before) {
            let why = format!("the day of host {} goes from {before:?} to {date}", link.0);
            self.truth.breaks(Invariant::I34, None, why);
        }
        let was_told = self.hosts[usize::from(link.0)].day >= date || !self.tells_day(link);
        if !was_told {
            let why = format!("host {} is moved to {date}, and has never said so", link.0);
            self.truth.breaks(Invariant::I34, None, why);
        }
    }

    /// A durable record, for the totals and the days.
    pub(crate) fn count(&mut self, record: &Record) {
        if let Record::HostDate { link, date, .. } = record
            && !self.days.moved_to[usize::from(link.0)].insert(*date)
        {
            let why = format!("host {} comes to {date} a second time", link.0);
            self.truth.breaks(Invariant::I34, None, why);
        }
        if let Some(owed) = record.owes() {
            self.days.owed_to.insert(owed.id.0, (owed.link, owed.duty));
        }
        if let Some((owed, id)) = record.owes().zip(record.id())
            && let Some(&op) = self.truth.by_id.get(&id.0)
        {
            self.days.owed_for.insert(owed.id.0, op);
        }
        if let Record::Forwarded { forward, owes: Some(next), .. } = record
            && let Some(&op) = self.days.owed_for.get(&forward.0)
        {
            self.days.owed_for.insert(next.id.0, op);
        }
        let is_overlooked =
            self.mutant == Some(Mutant::Overlooks) && matches!(record, Record::Forwarded { .. });
        self.note_counted(record);
        self.count_again(record);
        if counts(record) && !is_overlooked {
            self.days.records.push(record.clone());
        }
    }

    /// Which legs our totals count as done from here on.
    fn note_counted(&mut self, record: &Record) {
        let (id, outcome, owes) = match record {
            Record::Credited(Credited { id, .. }) => (*id, Outcome::Approved, true),
            Record::Decided { id, answer, owes, .. } => (*id, answer.outcome, owes.is_some()),
            Record::Forwarded { forward, .. } => {
                let op = self.days.owed_for.get(&forward.0).copied();
                if let Some((op, (link, Duty::Advice))) = op.zip(self.days.owed_to.get(&forward.0).copied()) {
                    self.truth.ops[op].books_mut(link).is_counted = true;
                }
                return;
            }
            _ => return,
        };
        let Some(&op) = self.truth.by_id.get(&id.0) else { return };
        let known = &mut self.truth.ops[op];
        let of_credit = known.legs.is_some_and(|legs| legs.credit.is_some());
        let is_debit_alone = known.legs.is_some() && !of_credit;
        let first = matches!(record, Record::Credited(_)) || (is_debit_alone && owes);
        match (first, of_credit, &mut known.legs) {
            (true, ..) => known.first.is_counted = true,
            (false, true, Some(legs)) => legs.books.is_counted |= outcome == Outcome::Approved,
            _ => known.first.is_counted |= outcome == Outcome::Approved,
        }
    }

    /// At rest: each day with each host, and each difference one item.
    pub(crate) fn compare_days(&mut self) {
        let unexplained = self.unexplained();
        if let Some((column, held)) = unexplained.first() {
            let (link, day, class) = column;
            let ours =
                self.ours_of(&BTreeSet::from([(*link, *day)])).remove(&(*link, *day)).unwrap_or_default();
            let theirs = self.ledgers.of_day(*link, *day);
            let differs = |(op, of): &&(usize, Class)| {
                of == class
                    && !self.truth.ops[*op].is_known()
                    && ours.get(&(*op, *of)) != theirs.get(&(*op, *of))
            };
            let op = ours.keys().chain(theirs.keys()).find(differs).map(|(op, _)| *op);
            let why = format!(
                "host {} holds {held:?} more of {} on {day} than our totals, and nobody was told",
                link.0,
                class.name()
            );
            self.truth.breaks(Invariant::I33, op, why);
        }
    }

    /// What of each day differs between our totals and the hosts' ledgers, and nobody was told of.
    fn unexplained(&self) -> Vec<(Column, Held)> {
        let listed = |op: usize| self.truth.ops[op].is_known();
        let mut ours = Book::new();
        for record in &self.days.records {
            if self.op_of(record).is_none_or(|op| !listed(op)) {
                ours.apply(record);
            }
        }
        let mut theirs: BTreeMap<Column, Held> = BTreeMap::new();
        for ((op, column), held) in &self.ledgers.postings {
            if !listed(*op) {
                let sum = theirs.entry(*column).or_default();
                *sum = sum.plus(*held);
            }
        }
        for (column, held) in columns(&ours) {
            let sum = theirs.entry(column).or_default();
            *sum = sum.less(held);
        }
        theirs.into_iter().filter(|(_, held)| !held.is_nothing()).collect()
    }

    pub(crate) fn op_of(&self, record: &Record) -> Option<usize> {
        let by_id = record.id().and_then(|id| self.truth.by_id.get(&id.0).copied());
        by_id.or_else(|| record.forward().and_then(|id| self.days.owed_for.get(&id.0).copied()))
    }
}

/// Whether totals can depend on it.
const fn counts(record: &Record) -> bool {
    matches!(
        record,
        Record::Sent(_)
            | Record::Debited(_)
            | Record::Credited(_)
            | Record::Decided { .. }
            | Record::TimedOut { .. }
            | Record::NotSent { .. }
            | Record::Advised { .. }
            | Record::Owed { .. }
            | Record::Forwarded { .. }
            | Record::Withdrawn { .. }
            | Record::Exception { .. }
            | Record::Ruled { .. }
            | Record::HostDate { .. }
            | Record::Resolved { .. }
            | Record::Day(DayRecord::Frozen { .. })
    )
}
