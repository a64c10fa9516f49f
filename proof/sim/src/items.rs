//! Of a transaction by which days differ: whether people were told of each of its differences, and of none twice.

use std::collections::BTreeSet;
use terms::LinkId;

/// What people were told of one transaction, and by what it differs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told<'a> {
    /// Hosts whose ledger differs from our totals by it.
    pub(crate) differing: BTreeSet<LinkId>,
    /// Some host has it on another day than we have stamped it with or count it on.
    pub(crate) is_elsewhere: bool,
    /// It became known after its day's totals were told, and is counted on another.
    pub(crate) is_late: bool,
    /// To whom the messages were owed that ended unpaid: handed over by the lane, or settled by a person.
    pub(crate) ends: Vec<LinkId>,
    /// Why it is on the list besides, without a message that is owed.
    pub(crate) notes: Vec<&'a str>,
}

/// How the differences of one transaction are explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Explained {
    /// By the one item there is.
    ByOne,
    /// By one item each; there are more than one, and each is of a matter of its own.
    ByOneEach,
    /// One is not, or is twice, or an item has no ground.
    Not,
}

/// What a host says of the day.
const ELSEWHERE: &str = "settled by the host on another day";
/// What the totals told say of the day.
const LATE: &str = "known after its day's totals were told";

/// What is said of the day a transaction is counted under, and not of its money: each is a matter of its own.
pub(crate) const OF_DAYS: [&str; 2] = [ELSEWHERE, LATE];

/// What a terminal says against what we know. It is between the terminal and us, whatever hosts hold.
const OF_TERMINALS: [&str; 5] = [
    "taken back while it is being posted",
    "transfer reported as done, and undone",
    "reported after it was refused or undone",
    "reversal of another amount",
    "transfer of two hosts taken back in part",
];

impl Told<'_> {
    /// A host that differs is explained by the message owed to it that ended unpaid, and where there is none, by a
    /// note. A note that no host needs has to have a ground of its own. Of the day and of what terminals say there may
    /// be a note each: of other matters they are.
    pub(crate) fn explained(&self) -> Explained {
        let ends: BTreeSet<_> = self.ends.iter().collect();
        let of_days = self.notes.iter().filter(|why| OF_DAYS.contains(*why)).count();
        let notes: BTreeSet<_> = self.notes.iter().collect();
        if ends.len() != self.ends.len() || notes.len() != self.notes.len() || notes.len() > of_days + 1 {
            return Explained::Not;
        }
        let needs_note = self.differing.iter().any(|link| !ends.contains(link));
        let stands_alone = |why: &&str| match *why {
            ELSEWHERE => self.is_elsewhere,
            LATE => self.is_late,
            why => OF_TERMINALS.contains(&why),
        };
        let without_ground = self.notes.iter().filter(|why| !stands_alone(why)).count();
        let is_whole = match needs_note {
            true => !self.notes.is_empty() && without_ground <= 1,
            false => without_ground == 0,
        };
        match (is_whole, self.ends.len() + self.notes.len()) {
            (false, _) | (_, 0) => Explained::Not,
            (true, 1) => Explained::ByOne,
            (true, _) => Explained::ByOneEach,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ELSEWHERE, Explained, LATE, Told};
    use terms::LinkId;

    /// What it is, who differs, whether one is on another day, whose messages ended unpaid, the notes, what comes of it.
    type Case = (&'static str, &'static [u16], bool, &'static [u16], &'static [&'static str], Explained);

    const TAKEN_BACK: &str = "taken back while it is being posted";

    #[test]
    fn each_difference_has_one_item_and_each_item_its_ground() {
        #[rustfmt::skip]
        let cases: &[Case] = &[
            ("an end explains its host",            &[1],    false, &[1],    &[],                     Explained::ByOne),
            ("a note explains what nothing ended",  &[1],    true,  &[],     &[ELSEWHERE],            Explained::ByOne),
            ("one note is enough for both hosts",   &[0, 1], true,  &[],     &[ELSEWHERE],            Explained::ByOne),
            ("a day there, an end here",            &[0, 1], true,  &[1],    &[ELSEWHERE],            Explained::ByOneEach),
            ("each host its end",                   &[0, 1], false, &[0, 1], &[],                     Explained::ByOneEach),
            ("a terminal's word beside an end",     &[1],    false, &[1],    &[TAKEN_BACK],           Explained::ByOneEach),
            ("another day, and ended after that",   &[1],    true,  &[1],    &[ELSEWHERE],            Explained::ByOneEach),
            ("a terminal's word beside the day",    &[1],    true,  &[],     &[ELSEWHERE, TAKEN_BACK], Explained::ByOneEach),
            ("another day, and known late",         &[1],    true,  &[],     &[ELSEWHERE, LATE],      Explained::ByOneEach),
            ("two grounds, and neither is there",   &[1],    false, &[],     &[ELSEWHERE, LATE],      Explained::Not),
            ("nobody was told",                     &[1],    false, &[],     &[],                     Explained::Not),
            ("told of another host only",           &[0],    false, &[1],    &[],                     Explained::Not),
            ("one of two is not told of",           &[0, 1], false, &[1],    &[],                     Explained::Not),
            ("ended twice at one host",             &[1],    false, &[1, 1], &[],                     Explained::Not),
            ("noted twice",                         &[1],    true,  &[],     &[ELSEWHERE, ELSEWHERE], Explained::Not),
            ("another day, and no host has one",    &[1],    false, &[1],    &[ELSEWHERE],            Explained::Not),
            ("the same difference in other words",  &[1],    false, &[1],    &[LATE],            Explained::Not),
        ];
        for (what, differing, is_elsewhere, ends, notes, wanted) in cases {
            let told = Told {
                differing: differing.iter().map(|link| LinkId(*link)).collect(),
                is_elsewhere: *is_elsewhere,
                is_late: false,
                ends: ends.iter().map(|link| LinkId(*link)).collect(),
                notes: notes.to_vec(),
            };
            assert_eq!(told.explained(), *wanted, "{what}: {told:?}");
        }
    }
}
