//! The days of hosts: which of them are closed, what is stamped with which, and whether the totals of each day with
//! each host are what its ledger says.

use crate::host::Frame;
use crate::invariant::Invariant;
use crate::items::{Explained, Told};
use crate::marks::Mark;
use crate::mutant::Mutant;
use crate::world::{HOSTS, World};
use book::{Book, Class};
use journal::{Credited, Debited, Duty, Record, Ruling};
use std::collections::{BTreeMap, BTreeSet};
use terms::{BusinessDate, Code, Kind, LinkId, Outcome};

/// What is known of the days, whoever dies.
#[derive(Default)]
pub(crate) struct Days {
    /// The first day of each host that is open: it was told that the one before is closed.
    open_from: [Option<BusinessDate>; HOSTS],
    /// The days each host has been on, as far as the disk knows.
    moved_to: [BTreeSet<BusinessDate>; HOSTS],
    /// Everything durable, for the totals.
    records: Vec<Record>,
    /// What each host's ledger holds of a day, by class.
    ledgers: BTreeMap<Column, i64>,
    /// The same of each operation.
    postings: BTreeMap<(usize, Column), i64>,
    /// For which operation each message is owed, and whom what.
    owed_for: BTreeMap<u64, usize>,
    owed_to: BTreeMap<u64, (LinkId, Duty)>,
}

/// What the days of a long run came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DayFigures {
    /// Days of all hosts with money in them.
    pub days: u64,
    /// Days that began, as the journal says.
    pub moves: u64,
    /// Of the first, those on which our totals and the ledger differ.
    pub differing: u64,
    /// Transactions on the list for people.
    pub listed: u64,
    /// Of these, those by which a day differs.
    pub explaining: u64,
    /// Of these, those with one item.
    pub by_one_item: u64,
    /// Of these, those with more, each of a matter of its own.
    pub by_one_each: u64,
    /// The first whose differences are not explained, or are twice, and what people were told of it.
    pub not_explained: Option<String>,
}

/// Where sums are compared: host, day, and what sort of money.
pub(crate) type Column = (LinkId, BusinessDate, Class);

impl Days {
    /// Whether that host has been on that day, and is not any more.
    pub(crate) fn was_on(&self, link: LinkId, day: BusinessDate) -> bool {
        self.moved_to[usize::from(link.0)].contains(&day)
    }

    /// What of each day differs between our totals and the hosts' ledgers, and nobody was told of; `listed` says of
    /// which operations people were told.
    fn unexplained(
        &self,
        op_of: impl Fn(&Record) -> Option<usize>,
        listed: impl Fn(usize) -> bool,
    ) -> Vec<(Column, i64)> {
        let mut ours = Book::new();
        for record in &self.records {
            if op_of(record).is_none_or(|op| !listed(op)) {
                ours.apply(record);
            }
        }
        let mut theirs: BTreeMap<Column, i64> = BTreeMap::new();
        for ((op, column), sum) in &self.postings {
            if !listed(*op) {
                *theirs.entry(*column).or_default() += sum;
            }
        }
        for (column, sum) in columns(&ours) {
            *theirs.entry(column).or_default() -= sum;
        }
        theirs.into_iter().filter(|(_, sum)| *sum != 0).collect()
    }
}

/// What a book says of each host, day and sort of money.
fn columns(book: &Book) -> impl Iterator<Item = (Column, i64)> {
    book.totals().flat_map(|(bucket, totals)| {
        [Class::Credit, Class::Debit, Class::Transfer].into_iter().map(|class| {
            let sum = totals.done(class).sum as i64 - totals.undone(class).sum as i64;
            ((bucket.link, bucket.date, class), sum)
        })
    })
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

    /// A host's ledger moves: on its own day, where that is its own to say; otherwise on the day it was told.
    pub(crate) fn book_at_host(&mut self, frame: &Frame, sum: i64, kind: Kind) {
        let Some(op) = frame.op else { return };
        let link = frame.link;
        let day = self.truth.ops[op].books(link).day;
        let stamped = self.truth.ops[op].business_date_at(link);
        let own = self.tells_day(link).then(|| self.hosts[usize::from(link.0)].day);
        let Some(day) = day.or(own).or(stamped) else { return };
        self.truth.ops[op].books_mut(link).day = Some(day);
        self.book_at(op, link, day, kind, sum);
    }

    /// A ledger gives back: what was cancelled because nobody knew its end on the day it was posted on, what was done
    /// and is undone on the host's own day.
    pub(crate) fn unbook_at_host(&mut self, frame: &Frame, sum: i64) {
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
        self.book_at(op, link, day, frame.request.kind, -sum);
    }

    /// Whether a host that keeps its own days refuses an advice, because it is of another.
    pub(crate) fn is_of_another_day(&self, frame: &Frame) -> bool {
        let stamped = frame.op.and_then(|op| self.truth.ops[op].business_date_at(frame.link));
        let today = self.hosts[usize::from(frame.link.0)].day;
        self.tells_day(frame.link) && stamped.is_some_and(|stamped| stamped != today)
    }

    /// The same, put right by people: under the day it belongs to.
    pub(crate) fn book_by_hand(&mut self, op: usize, link: LinkId, sum: i64) {
        let known = &self.truth.ops[op];
        let day = known.books(link).day.or(known.business_date_at(link));
        let kind = leg_of(known.kind, known.legs.is_some(), known.is_credit(link));
        if let Some(day) = day {
            self.truth.ops[op].books_mut(link).day = Some(day);
            self.book_at(op, link, day, kind, sum);
        }
    }

    fn book_at(&mut self, op: usize, link: LinkId, day: BusinessDate, kind: Kind, sum: i64) {
        let class = match kind {
            Kind::Deposit | Kind::Refund | Kind::TransferIn => Class::Credit,
            Kind::Transfer => Class::Transfer,
            _ => Class::Debit,
        };
        let column = (link, day, class);
        *self.days.ledgers.entry(column).or_default() += sum;
        *self.days.postings.entry((op, column)).or_default() += sum;
    }

    /// At rest: each day with each host, and each difference one item.
    pub(crate) fn compare_days(&mut self) {
        let op_of = |record: &Record| self.op_of(record);
        let unexplained = self.days.unexplained(op_of, |op| self.truth.ops[op].is_known());
        if let Some((column, sum)) = unexplained.first() {
            let (link, day, class) = column;
            let of = |(op, at): &(usize, Column)| (at == column).then_some(*op);
            let op = self.days.postings.keys().filter_map(of).next();
            let why = format!(
                "host {} holds {sum} more of {} on {day} than our totals, and nobody was told",
                link.0,
                class.name()
            );
            self.truth.breaks(Invariant::I33, op.filter(|_| unexplained.len() == 1), why);
        }
    }

    /// The days of hosts, how many of them differ from our totals, and by how many transactions, each on the list.
    pub(crate) fn figures_of_days(&self) -> DayFigures {
        if self.swarm.days == 0 {
            return DayFigures::default();
        }
        let mut ours = Book::new();
        self.days.records.iter().for_each(|record| ours.apply(record));
        let mut sums = self.days.ledgers.clone();
        columns(&ours).for_each(|(column, sum)| *sums.entry(column).or_default() -= sum);
        let days: BTreeSet<_> = sums.keys().map(|(link, day, _)| (*link, *day)).collect();
        let differ: BTreeSet<_> =
            sums.iter().filter(|(_, sum)| **sum != 0).map(|((link, day, _), _)| (*link, *day)).collect();
        let mut figures = DayFigures {
            days: days.len() as u64,
            differing: differ.len() as u64,
            moves: self.days.moved_to.iter().map(|days| days.len() as u64).sum(),
            ..DayFigures::default()
        };
        let (mut days, mut of_op) = (Vec::new(), BTreeMap::<usize, Vec<usize>>::new());
        for (at, record) in self.days.records.iter().enumerate() {
            match (record, self.op_of(record)) {
                (Record::HostDate { .. }, _) => days.push(at),
                (_, Some(op)) if self.truth.ops[op].is_known() => of_op.entry(op).or_default().push(at),
                _ => {}
            }
        }
        for (op, _) in self.truth.ops.iter().enumerate().filter(|(_, known)| known.is_known()) {
            figures.listed += 1;
            let mut records = of_op.remove(&op).unwrap_or_default();
            records.extend(&days);
            records.sort_unstable();
            let told = self.told_of(op, &records);
            if told.differing.is_empty() {
                continue;
            }
            figures.explaining += 1;
            match told.explained() {
                Explained::ByOne => figures.by_one_item += 1,
                Explained::ByOneEach => figures.by_one_each += 1,
                Explained::Not => {
                    figures.not_explained.get_or_insert_with(|| format!("transaction {op}: {told:?}"));
                }
            }
        }
        figures
    }

    /// By what our totals and the ledgers differ by this one, and what people were told of it.
    fn told_of(&self, op: usize, records: &[usize]) -> Told<'_> {
        let (mut ours, mut told) = (Book::new(), Told::default());
        for record in records.iter().map(|at| &self.days.records[*at]) {
            ours.apply(record);
            match record {
                Record::Exception { forward: None, reason, .. } => told.notes.push(reason.as_str()),
                Record::Exception { forward: Some(forward), .. }
                | Record::Ruled { forward, ruling: Ruling::Settle, .. } => {
                    told.ends.extend(self.days.owed_to.get(&forward.0).map(|(link, _)| *link));
                }
                _ => {}
            }
        }
        let counted: BTreeSet<_> = ours.totals().map(|(bucket, _)| (bucket.link, bucket.date)).collect();
        let mut sums: BTreeMap<Column, i64> = BTreeMap::new();
        let first = (op, (LinkId(0), BusinessDate::from_days(0), Class::Credit));
        for ((_, column), sum) in self.days.postings.range(first..).take_while(|((of, _), _)| *of == op) {
            let (link, day, _) = *column;
            let is_stamped = self.truth.ops[op].business_date_at(link) == Some(day);
            told.is_elsewhere |= !is_stamped && !counted.contains(&(link, day));
            *sums.entry(*column).or_default() += sum;
        }
        columns(&ours).for_each(|(column, sum)| *sums.entry(column).or_default() -= sum);
        told.differing = sums.iter().filter(|(_, sum)| **sum != 0).map(|((link, ..), _)| *link).collect();
        told
    }

    fn op_of(&self, record: &Record) -> Option<usize> {
        let by_id = record.id().and_then(|id| self.truth.by_id.get(&id.0).copied());
        by_id.or_else(|| record.forward().and_then(|id| self.days.owed_for.get(&id.0).copied()))
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
            | Record::Exception { .. }
            | Record::Ruled { .. }
            | Record::HostDate { .. }
            | Record::Resolved { .. }
    )
}
