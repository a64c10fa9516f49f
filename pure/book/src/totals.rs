use crate::Class;
use terms::Amount;

/// So many, so much.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many.
    pub count: u64,
    /// Their sum, in minor units. A sum of amounts of 12 digits needs 10 million of them to outgrow 64 bits, so
    /// it has 128.
    pub sum: u128,
}

impl Tally {
    /// One more.
    pub fn add(&mut self, amount: Amount) {
        self.count += 1;
        self.sum += u128::from(amount.minor_units());
    }

    /// One less: it became something else.
    pub(crate) fn remove(&mut self, amount: Amount) {
        self.count = self.count.saturating_sub(1);
        self.sum = self.sum.saturating_sub(u128::from(amount.minor_units()));
    }

    /// Both together.
    pub const fn and(self, other: Self) -> Self {
        Self { count: self.count + other.count, sum: self.sum + other.sum }
    }

    /// Whether nothing was counted.
    pub const fn is_empty(self) -> bool {
        self.count == 0
    }
}

/// What was counted in one bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    done: [Tally; Class::ALL.len()],
    undone: [Tally; Class::ALL.len()],
    /// Asked, and the end not known yet.
    pub open: Tally,
    /// Ended without anybody knowing whether the host did it: not counted, and the first place to look when
    /// totals differ. One that was posted by an advice later is counted then, and stands here no more.
    pub unknown: Tally,
    /// Of unknown end, and the host accepted to undo it: done and undone at the host, or never done, and either
    /// way nothing is left of it. A host that did it tells it on both sides, so its counts may be higher by these.
    pub cancelled: Tally,
    /// Left to a person.
    pub exceptions: u64,
}

impl Totals {
    /// What hosts approved, by class.
    pub const fn done(&self, class: Class) -> Tally {
        self.done[class as usize]
    }

    /// What was undone again, by the class of what was undone.
    pub const fn undone(&self, class: Class) -> Tally {
        self.undone[class as usize]
    }

    pub(crate) fn done_mut(&mut self, class: Class) -> &mut Tally {
        &mut self.done[class as usize]
    }

    pub(crate) fn undone_mut(&mut self, class: Class) -> &mut Tally {
        &mut self.undone[class as usize]
    }
}
