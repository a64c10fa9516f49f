use crate::Class;
use terms::Tally;

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

    /// To be counted in, by whoever keeps totals of his own.
    pub fn done_mut(&mut self, class: Class) -> &mut Tally {
        &mut self.done[class as usize]
    }

    /// To be counted in, by whoever keeps totals of his own.
    pub fn undone_mut(&mut self, class: Class) -> &mut Tally {
        &mut self.undone[class as usize]
    }
}
