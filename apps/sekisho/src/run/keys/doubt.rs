//! Owners that sent keys which were none: guesses, until somebody looks.

use keys::Owner;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// After so many that failed nothing is taken from an owner any more.
const FAILURES_MAX: u32 = 3;
/// For so long.
const WAIT: Duration = Duration::from_secs(3_600);

/// Who is doubted. Owners are those of links and listeners: as many as the configuration has.
#[derive(Default)]
pub(super) struct Doubts(BTreeMap<Owner, (u32, Instant)>);

impl Doubts {
    /// Whether nothing is taken from that owner now.
    pub(super) fn is_locked(&mut self, owner: &Owner, now: Instant) -> bool {
        let is_over = |at: &Instant| now.saturating_duration_since(*at) >= WAIT;
        if self.0.get(owner).is_some_and(|(_, at)| is_over(at)) {
            self.0.remove(owner);
        }
        self.0.get(owner).is_some_and(|(failures, _)| *failures >= FAILURES_MAX)
    }

    /// A key of that owner was none. Whether it was the last that is looked at.
    pub(super) fn failed(&mut self, owner: &Owner, now: Instant) -> bool {
        let (failures, at) = self.0.entry(*owner).or_insert((0, now));
        (*failures, *at) = (*failures + 1, now);
        *failures == FAILURES_MAX
    }

    /// A key of that owner was one.
    pub(super) fn succeeded(&mut self, owner: &Owner) {
        self.0.remove(owner);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_three_guesses_nothing_is_taken_for_an_hour() {
        let (mut doubts, start) = (Doubts::default(), Instant::now());
        let owner = Owner::parse("link/cn").expect("a link");
        let at = |seconds| start + Duration::from_secs(seconds);
        assert!(!doubts.failed(&owner, at(0)) && !doubts.failed(&owner, at(1)));
        assert!(!doubts.is_locked(&owner, at(2)));
        assert!(doubts.failed(&owner, at(2)), "people are told once");
        assert!(doubts.is_locked(&owner, at(3)) && doubts.is_locked(&owner, at(3_601)));
        assert!(!doubts.is_locked(&owner, at(3_602)));
        assert!(!doubts.failed(&owner, at(3_603)), "it is counted from the beginning");
    }

    #[test]
    fn one_that_is_right_makes_up_for_those_before() {
        let (mut doubts, now) = (Doubts::default(), Instant::now());
        let owner = Owner::parse("link/cn").expect("a link");
        for _ in 0..10 {
            doubts.failed(&owner, now);
            doubts.failed(&owner, now);
            doubts.succeeded(&owner);
        }
        assert!(!doubts.is_locked(&owner, now));
    }
}
