//! A book as records, and back.

use crate::fold::{Book, Bucket, Entry, Leg, Side, State};
use crate::{Class, Totals};
use alloc::boxed::Box;
use alloc::vec::Vec;
use journal::{Counted, DayRecord, Record, Tallied};
use terms::{Tally, Timestamp};

const CLASSES: usize = Class::ALL.len();

impl Book {
    /// What has to stand behind the transactions and the debts of a snapshot so that the same book is folded
    /// from it, handed over record by record.
    pub fn snapshot(&self, keep: &mut impl FnMut(Record)) {
        keep(Record::Day(DayRecord::CountedAnew));
        for (late, buckets) in [(false, &self.totals), (true, &self.late)] {
            for (bucket, totals) in buckets {
                keep(Record::Day(DayRecord::Counted(Box::new(totals.as_record(bucket, late)))));
            }
        }
        for &(link, date) in &self.frozen {
            keep(Record::Day(DayRecord::Frozen { link, date, at: Timestamp::default() }));
        }
        let mut placed: Vec<(&Leg, &Entry)> = self.entries.iter().collect();
        placed.sort_unstable_by_key(|(leg, _)| **leg);
        for (&(id, side), entry) in placed {
            let (second, state, date) = (side == Side::Second, entry.state as u8, entry.bucket.date);
            let part = entry.part;
            keep(Record::Day(DayRecord::Tallied(Tallied { id, second, state, date, part })));
        }
    }

    /// What follows is what was counted.
    pub(crate) fn begin_anew(&mut self) {
        self.totals.clear();
        self.late.clear();
        self.frozen.clear();
        self.unplaced = core::mem::take(&mut self.entries);
    }

    pub(crate) fn take_over(&mut self, counted: &Counted) {
        let bucket = Bucket { link: counted.link, date: counted.date, currency: counted.currency };
        let buckets = if counted.late { &mut self.late } else { &mut self.totals };
        buckets.insert(bucket, Totals::of_record(counted));
    }

    pub(crate) fn place(&mut self, tallied: &Tallied) {
        let side = if tallied.second { Side::Second } else { Side::First };
        let state = [State::Open, State::Done, State::Unknown, State::Nothing];
        let leg = (tallied.id, side);
        if let Some(mut entry) = self.unplaced.remove(&leg)
            && let Some(&state) = state.get(usize::from(tallied.state))
        {
            (entry.bucket.date, entry.state) = (tallied.date, state);
            if let Some(part) = tallied.part {
                (entry.amount, entry.part) = (part, Some(part));
            }
            self.entries.insert(leg, entry);
        }
    }
}

impl Totals {
    fn as_record(&self, bucket: &Bucket, late: bool) -> Counted {
        let mut tallies = [Tally::default(); Counted::TALLIES];
        tallies[..CLASSES].copy_from_slice(&Class::ALL.map(|class| self.done(class)));
        tallies[CLASSES..2 * CLASSES].copy_from_slice(&Class::ALL.map(|class| self.undone(class)));
        tallies[2 * CLASSES..].copy_from_slice(&[self.open, self.unknown, self.cancelled]);
        let Bucket { link, date, currency } = *bucket;
        Counted { link, date, currency, late, tallies, exceptions: self.exceptions }
    }

    fn of_record(counted: &Counted) -> Self {
        let mut totals = Self::default();
        for (at, class) in Class::ALL.into_iter().enumerate() {
            *totals.done_mut(class) = counted.tallies[at];
            *totals.undone_mut(class) = counted.tallies[CLASSES + at];
        }
        let [open, unknown, cancelled] = [0, 1, 2].map(|at| counted.tallies[2 * CLASSES + at]);
        (totals.open, totals.unknown, totals.cancelled) = (open, unknown, cancelled);
        totals.exceptions = counted.exceptions;
        totals
    }
}

const _: () = assert!(Counted::TALLIES == 2 * CLASSES + 3, "every tally has its place in a record");
