//! The totals of days: that what the lane has counted is what its journal comes to, that what is told once is told
//! again word for word and never before it stands, and that what both sides told each other differs by nothing but
//! transactions people have on their list.

use crate::invariant::Invariant;
use crate::ledger::{Held, columns};
use crate::marks::Mark;
use crate::world::{World, links};
use book::{Book, Bucket, Class, Figures, Totals};
use journal::{Compared, DayRecord, Record};
use std::collections::{BTreeMap, BTreeSet};
use switch::Reconciliation;
use terms::{Balance, BusinessDate, Comparison, Currency, LinkId, Statement};

/// A day with a host.
type Day = (LinkId, BusinessDate);

/// What the lane does not keep longer than so many days.
const DAYS_KEPT: i64 = 40;

/// All that was counted and told.
#[derive(Default)]
pub(crate) struct Told {
    /// Counted from every record that is durable.
    durable: Book,
    /// And from those that are written, durable or not.
    ahead: Book,
    /// How many that is.
    written: u64,
    kept: u64,
    /// Days whose totals stand, as far as the disk knows.
    frozen: BTreeSet<Day>,
    /// What left us of each day.
    said: BTreeMap<Day, Statement>,
    /// How often messages with totals left.
    times: BTreeMap<Day, u32>,
    /// What hosts said.
    pub(crate) heard: Vec<Heard>,
    /// What was compared: with what the host said.
    compared: Vec<(Compared, usize)>,
    /// At the end.
    pub(crate) figures: Comparisons,
}

/// What a host said of a day, and what it held when it did.
pub(crate) struct Heard {
    pub(crate) day: Day,
    pub(crate) said: Comparison,
    /// As its ledger has it; what it says may be garbled.
    pub(crate) holds: Statement,
    pub(crate) held: BTreeMap<(usize, Class), Held>,
}

/// What comparisons came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Comparisons {
    /// Days of which both sides have spoken.
    pub all: u64,
    /// Of these, those that balanced.
    pub balanced: u64,
    /// The others.
    pub out_of_balance: u64,
    /// Transactions by which what both sides said differs: each on the list for people.
    pub explaining: u64,
}

impl Told {
    /// How often the totals of a day have left.
    pub(crate) fn times(&self, day: Day) -> u32 {
        self.times.get(&day).copied().unwrap_or(0)
    }

    /// The totals of a day and of all after it, together.
    pub(crate) fn since(&self, (link, date): Day) -> Totals {
        let mut all = Totals::default();
        for (_, one) in self.durable.totals().filter(|(of, _)| of.link == link && of.date >= date) {
            for class in crate::ledger::CLASSES {
                *all.done_mut(class) = all.done(class).and(one.done(class));
                *all.undone_mut(class) = all.undone(class).and(one.undone(class));
            }
        }
        all
    }
}

impl World {
    /// A record is written; whether it will be durable nobody knows.
    pub(crate) fn count_ahead(&mut self, record: &Record) {
        self.told.ahead.apply(record);
        self.told.written += 1;
    }

    /// What was written and not durable is gone.
    pub(crate) fn count_from_the_disk(&mut self) {
        if self.told.written != self.told.kept {
            self.told.ahead = self.told.durable.clone();
            self.told.written = self.told.kept;
        }
    }

    /// A record is durable: what is counted by it, and what it says of totals.
    pub(crate) fn count_again(&mut self, record: &Record) {
        self.told.durable.apply(record);
        self.told.kept += 1;
        if self.told.kept > self.told.written {
            // Found again after a death, or written by a recovery.
            self.count_ahead(record);
        }
        match record {
            Record::Day(DayRecord::Frozen { link, date, .. }) => {
                self.told.frozen.insert((*link, *date));
            }
            Record::Day(DayRecord::TotalsSent { link, date, said: Some(said), .. }) => {
                self.look_at_words((*link, *date), said);
            }
            Record::Day(DayRecord::Compared(compared)) => self.note_compared(compared),
            _ => {}
        }
    }

    /// What is said of a day is what the durable records before it come to.
    fn look_at_words(&mut self, day: Day, said: &Statement) {
        let counted = self.statement_of(day.0, &self.told.durable.of(bucket(day)));
        if let Some((figure, said, counted)) = said.differences(&counted).next() {
            let why =
                format!("{} of {} with {:?}: {said} written, {counted} counted", figure.name(), day.1, day.0);
            self.truth.breaks(Invariant::I33, None, why);
        }
    }

    /// Totals as the contract with a host puts them.
    pub(crate) fn statement_of(&self, link: LinkId, totals: &Totals) -> Statement {
        let spec = self.swarm.links[usize::from(link.0)].recon.unwrap_or_default();
        Figures::of(totals, spec.reversals).statement(spec.net)
    }

    /// Totals leave for a host: they stand durably, and are the same as ever.
    pub(crate) fn totals_leave(&mut self, link: LinkId, totals: &Comparison) {
        let Some(date) = totals.date.filter(|_| !totals.statement.is_empty()) else { return };
        let day = (link, date);
        *self.told.times.entry(day).or_default() += 1;
        if !self.told.frozen.contains(&day) {
            let why = format!("the totals of {date} are told to host {}, and do not stand yet", link.0);
            self.truth.breaks(Invariant::Told, None, why);
        }
        let before = *self.told.said.entry(day).or_insert(totals.statement);
        if let Some((figure, first, now)) = before.differences(&totals.statement).next() {
            let name = figure.name();
            let why = format!("{name} of {date} was told to host {} as {first}, and now as {now}", link.0);
            self.truth.breaks(Invariant::Told, None, why);
        }
    }

    /// Whether the lane counts what its records come to.
    pub(crate) fn recount(&mut self) {
        let Some(lane) = &self.process.lane else { return };
        let oldest = BusinessDate::from_days(self.clocks().local().date.days() - DAYS_KEPT);
        let differing = |lane: &BTreeMap<Bucket, Totals>, ours: &BTreeMap<Bucket, Totals>| {
            let of = |from: &BTreeMap<Bucket, Totals>, bucket: &Bucket| {
                from.get(bucket).copied().unwrap_or_default()
            };
            let buckets: BTreeSet<_> = lane.keys().chain(ours.keys()).filter(|b| b.date >= oldest).collect();
            let differs = |bucket: &&Bucket| of(lane, bucket) != of(ours, bucket);
            let first = buckets.into_iter().find(differs)?;
            Some((*first, of(lane, first), of(ours, first)))
        };
        let all = |totals: &mut dyn Iterator<Item = (&Bucket, &Totals)>| {
            totals.map(|(bucket, totals)| (*bucket, *totals)).collect::<BTreeMap<_, _>>()
        };
        let (book, ours) = (lane.book(), &self.told.ahead);
        let counted = differing(&all(&mut book.totals()), &all(&mut ours.totals()));
        let late = differing(&all(&mut book.late()), &all(&mut ours.late()));
        if let Some((bucket, lane, ours)) = counted.or(late) {
            let why = format!("{bucket:?}: the lane has {lane:?}, its records come to {ours:?}");
            self.truth.breaks(Invariant::I33, None, why);
        }
    }

    /// Both sides have spoken of a day.
    fn note_compared(&mut self, compared: &Compared) {
        let day = (compared.link, compared.date);
        self.marks.hit(match compared.balance {
            Some(Balance::Balanced) => Mark::TotalsBalanced,
            Some(Balance::OutOfBalance) => Mark::TotalsDiffered,
            Some(Balance::NotAvailable) => Mark::TotalsNotThere,
            None => Mark::TotalsRefused,
        });
        if !matches!(compared.balance, Some(Balance::Balanced | Balance::OutOfBalance)) {
            return;
        }
        let is_words = compared.theirs.is_empty();
        let fits = |heard: &Heard| heard.day == day && (is_words || heard.said.statement == compared.theirs);
        let Some(at) = self.told.heard.iter().rposition(fits) else {
            let why = format!("host {} is said to have said {:?}", day.0.0, compared.theirs);
            return self.truth.breaks(Invariant::I33, None, why);
        };
        let differs = compared.ours.differences(&self.told.heard[at].holds).next();
        match (compared.balance, differs) {
            (Some(Balance::Balanced), Some((figure, ours, theirs))) => {
                let name = figure.name();
                let why = format!("{} is called balanced, and {name} is {ours} here, {theirs} there", day.1);
                self.truth.breaks(Invariant::I33, None, why);
            }
            (Some(Balance::OutOfBalance), None) => self.marks.hit(Mark::TotalsGarbled),
            _ => {}
        }
        self.told.compared.push((compared.clone(), at));
    }

    /// At rest: what both sides told each other differs by what people have on their list.
    pub(crate) fn explain_comparisons(&mut self) {
        let mut figures = Comparisons::default();
        let days: BTreeSet<Day> = self.told.compared.iter().map(|(one, _)| (one.link, one.date)).collect();
        let ours = self.ours_of(&days);
        let mut broken = None;
        for (compared, at) in &self.told.compared {
            let heard = &self.told.heard[*at];
            figures.all += 1;
            match compared.balance {
                Some(Balance::Balanced) => figures.balanced += 1,
                _ => figures.out_of_balance += 1,
            }
            let none = BTreeMap::new();
            let ours = ours.get(&heard.day).unwrap_or(&none);
            let legs: BTreeSet<_> = ours.keys().chain(heard.held.keys()).collect();
            let of = |side: &BTreeMap<(usize, Class), Held>, leg| side.get(leg).copied().unwrap_or_default();
            for leg in legs.into_iter().filter(|leg| of(ours, leg) != of(&heard.held, leg)) {
                figures.explaining += 1;
                if !self.truth.ops[leg.0].is_known() && broken.is_none() {
                    let why = format!(
                        "host {} told {:?} of {} of {}, we {:?}, and nobody was told",
                        heard.day.0.0,
                        of(&heard.held, leg),
                        leg.1.name(),
                        heard.day.1,
                        of(ours, leg)
                    );
                    broken = Some((leg.0, why));
                }
            }
        }
        if let Some((op, why)) = broken {
            self.truth.breaks(Invariant::I33, Some(op), why);
        }
        self.told.figures = figures;
    }

    /// What our totals of those days hold of each transaction. They stand: what is durable now is what was told.
    pub(crate) fn ours_of(&self, days: &BTreeSet<Day>) -> BTreeMap<Day, BTreeMap<(usize, Class), Held>> {
        let (mut always, mut of_op) = (Vec::new(), BTreeMap::<usize, Vec<usize>>::new());
        for (at, record) in self.days.records.iter().enumerate() {
            match (record, self.op_of(record)) {
                (Record::HostDate { .. } | Record::Day(DayRecord::Frozen { .. }), _) => always.push(at),
                (_, Some(op)) => of_op.entry(op).or_default().push(at),
                _ => {}
            }
        }
        let mut ours = BTreeMap::<Day, BTreeMap<(usize, Class), Held>>::new();
        for (op, mut records) in of_op {
            records.extend(&always);
            records.sort_unstable();
            let mut book = Book::new();
            records.into_iter().for_each(|at| book.apply(&self.days.records[at]));
            for ((link, date, class), held) in columns(&book).filter(|(_, held)| !held.is_nothing()) {
                if days.contains(&(link, date)) {
                    ours.entry((link, date)).or_default().insert((op, class), held);
                }
            }
        }
        ours
    }

    /// Whether every day that has ended was compared, where that is agreed.
    pub(crate) fn has_compared(&self) -> bool {
        let now = self.clocks().instant;
        let Some(lane) = &self.process.lane else { return false };
        let is_over = |standing: Reconciliation| {
            matches!(
                standing,
                Reconciliation::NotCompared
                    | Reconciliation::Balanced
                    | Reconciliation::OutOfBalance
                    | Reconciliation::Refused
            )
        };
        lane.reconciliations(now).iter().all(|seen| is_over(seen.standing))
    }

    /// Totals that were sent, and that nobody has answered yet.
    pub(crate) fn totals_under_way(&self, link: LinkId) -> bool {
        let now = self.clocks().instant;
        let Some(lane) = self.process.lane.as_ref().filter(|_| self.compares(link)) else { return false };
        let name = crate::recovery::LINK_NAMES[usize::from(link.0)];
        let asked = |seen: &switch::ReconSeen| seen.standing == Reconciliation::Asked;
        lane.reconciliations(now).iter().any(|seen| seen.link.as_str() == name && asked(seen))
    }

    /// A death: were totals told and not answered?
    pub(crate) fn mark_deaths_under_totals(&mut self) {
        if links().any(|link| self.totals_under_way(link)) {
            self.marks.hit(Mark::CrashUnderTotals);
        }
    }
}

/// Everything is in one currency.
pub(crate) fn bucket((link, date): Day) -> Bucket {
    Bucket { link, date, currency: currency() }
}

/// Yen.
pub(crate) fn currency() -> Currency {
    Currency::numeric(392).unwrap_or(Currency::NONE)
}
