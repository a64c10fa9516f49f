//! What the days of a run came to: how many differ from our totals, by which transactions, and whether each of those
//! is on the list for people with one item for each matter; and the same of what both sides told each other.

use crate::items::{Explained, Told};
use crate::ledger::{Column, Held, columns};
use crate::totals::Comparisons;
use crate::world::World;
use book::{Book, Class};
use journal::{DayRecord, Record, Ruling};
use std::collections::{BTreeMap, BTreeSet};
use terms::{BusinessDate, LinkId};

/// What the days of a long run came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DayFigures {
    /// Days of all hosts with money in them.
    pub days: u64,
    /// Days that began, as the journal says.
    pub moves: u64,
    /// What both sides told each other of them.
    pub told: Comparisons,
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

impl World {
    /// The days of hosts, how many of them differ from our totals, and by how many transactions, each on the list.
    pub(crate) fn figures_of_days(&self) -> DayFigures {
        if self.swarm.days == 0 {
            return DayFigures::default();
        }
        let mut ours = Book::new();
        self.days.records.iter().for_each(|record| ours.apply(record));
        let mut sums = self.ledgers.sums().clone();
        columns(&ours).for_each(|(column, held)| {
            let sum = sums.entry(column).or_default();
            *sum = sum.less(held);
        });
        let days: BTreeSet<_> = sums.keys().map(|(link, day, _)| (*link, *day)).collect();
        let differ: BTreeSet<_> = sums
            .iter()
            .filter(|(_, held)| !held.is_nothing())
            .map(|((link, day, _), _)| (*link, *day))
            .collect();
        let mut figures = DayFigures {
            days: days.len() as u64,
            differing: differ.len() as u64,
            moves: self.days.moved_to.iter().map(|days| days.len() as u64).sum(),
            told: self.told.figures,
            ..DayFigures::default()
        };
        let (mut days, mut of_op) = (Vec::new(), BTreeMap::<usize, Vec<usize>>::new());
        for (at, record) in self.days.records.iter().enumerate() {
            match (record, self.op_of(record)) {
                (Record::HostDate { .. } | Record::Day(DayRecord::Frozen { .. }), _) => days.push(at),
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
        let mut sums: BTreeMap<Column, Held> = BTreeMap::new();
        let first = (op, (LinkId(0), BusinessDate::from_days(0), Class::Credit));
        let postings = self.ledgers.postings.range(first..).take_while(|((of, _), _)| *of == op);
        for ((_, column), held) in postings {
            let (link, day, _) = *column;
            let is_stamped = self.truth.ops[op].business_date_at(link) == Some(day);
            told.is_elsewhere |= !is_stamped && !counted.contains(&(link, day));
            let sum = sums.entry(*column).or_default();
            *sum = sum.plus(*held);
        }
        columns(&ours).for_each(|(column, held)| {
            let sum = sums.entry(column).or_default();
            *sum = sum.less(held);
        });
        told.differing =
            sums.iter().filter(|(_, held)| !held.is_nothing()).map(|((link, ..), _)| *link).collect();
        told.is_late = ours.late().next().is_some();
        told
    }
}
