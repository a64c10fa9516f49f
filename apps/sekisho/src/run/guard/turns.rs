//! The order of what one terminal says. A module works on many codes at once and may be done with the later first: a
//! reversal on a new connection would then get before the request it takes back. So whatever came from a terminal
//! waits for what came from it before.

use super::Whose;
use std::collections::{BTreeMap, VecDeque};
use terms::TerminalId;

/// Messages of one line that may wait with nothing left to verify. What waits for a module is bounded there.
const READY_MAX: usize = 64;

/// Whose messages are kept in order: those of one terminal, by way of one partner.
pub(crate) type Line = (Whose, TerminalId);

/// A place in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Turn(u64);

/// Lines in which something waits for a module, and what stands behind it.
pub(crate) struct Turns<T> {
    lines: BTreeMap<Line, VecDeque<Place<T>>>,
    next: u64,
}

struct Place<T> {
    turn: Turn,
    ready: Option<T>,
}

impl<T> Turns<T> {
    pub(crate) const fn new() -> Self {
        Self { lines: BTreeMap::new(), next: 0 }
    }

    /// Whether anything stands in that line: then whatever comes has to stand behind it.
    pub(crate) fn is_waiting(&self, line: &Line) -> bool {
        !self.lines.is_empty() && self.lines.contains_key(line)
    }

    /// Takes the last place in a line, for something that is not ready.
    pub(crate) fn take(&mut self, line: Line) -> Turn {
        self.stand(line, None)
    }

    /// Something is ready that has taken no place: stands behind all that have.
    ///
    /// # Errors
    /// Gives it back where too much stands there.
    pub(crate) fn follow(&mut self, line: Line, what: T) -> Result<(), T> {
        let ready = |places: &VecDeque<Place<T>>| places.iter().filter(|place| place.ready.is_some()).count();
        if self.lines.get(&line).is_some_and(|places| ready(places) >= READY_MAX) {
            return Err(what);
        }
        self.stand(line, Some(what));
        Ok(())
    }

    /// What stood in that place is ready: everything that may go on by that, first come first.
    pub(crate) fn ready(&mut self, line: &Line, turn: Turn, what: T) -> Vec<T> {
        let Some(places) = self.lines.get_mut(line) else { return vec![what] };
        if let Some(place) = places.iter_mut().find(|place| place.turn == turn) {
            place.ready = Some(what);
        }
        let mut may_go = Vec::new();
        while let Some(what) = places.front_mut().and_then(|place| place.ready.take()) {
            places.pop_front();
            may_go.push(what);
        }
        if places.is_empty() {
            self.lines.remove(line);
        }
        may_go
    }

    fn stand(&mut self, line: Line, ready: Option<T>) -> Turn {
        self.next += 1;
        let turn = Turn(self.next);
        self.lines.entry(line).or_default().push_back(Place { turn, ready });
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use terms::SourceId;

    fn line(terminal: &str) -> Line {
        (Whose::Source(SourceId(0)), TerminalId::new(terminal.as_bytes()).expect("a terminal"))
    }

    #[test]
    fn what_is_verified_first_waits_for_what_came_first() {
        let (mut turns, line) = (Turns::new(), line("ATM1"));
        let (request, reversal) = (turns.take(line), turns.take(line));
        assert_eq!(turns.ready(&line, reversal, "reversal"), Vec::<&str>::new());
        assert_eq!(turns.ready(&line, request, "request"), ["request", "reversal"]);
        assert!(!turns.is_waiting(&line));
    }

    #[test]
    fn what_needs_no_code_stands_behind_what_does_and_before_what_comes_later() {
        let (mut turns, line) = (Turns::new(), line("ATM1"));
        let first = turns.take(line);
        assert!(turns.is_waiting(&line));
        turns.follow(line, "echo").expect("room");
        let last = turns.take(line);
        assert_eq!(turns.ready(&line, last, "last"), Vec::<&str>::new());
        assert_eq!(turns.ready(&line, first, "first"), ["first", "echo", "last"]);
    }

    #[test]
    fn nobody_waits_for_another_terminal() {
        let mut turns = Turns::new();
        let one = turns.take(line("ATM1"));
        let other = turns.take(line("ATM2"));
        assert_eq!(turns.ready(&line("ATM2"), other, "other"), ["other"]);
        assert!(turns.is_waiting(&line("ATM1")) && !turns.is_waiting(&line("ATM2")));
        assert_eq!(turns.ready(&line("ATM1"), one, "one"), ["one"]);
    }

    #[test]
    fn a_line_does_not_grow_for_ever() {
        let (mut turns, line) = (Turns::new(), line("ATM1"));
        let first = turns.take(line);
        for number in 0..READY_MAX {
            turns.follow(line, number).expect("room");
        }
        assert_eq!(turns.follow(line, usize::MAX), Err(usize::MAX));
        assert_eq!(turns.ready(&line, first, 99).len(), READY_MAX + 1);
    }
}
