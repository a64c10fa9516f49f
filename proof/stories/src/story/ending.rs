//! How every story ends: nothing is open, nothing is owed, and the books agree.

use super::{Story, described};
use crate::{read_journal, wait_for};
use std::collections::{BTreeMap, BTreeSet};
use terms::{BusinessDate, TerminalId};

impl Story {
    /// The end. Everything is decided and paid; nobody was asked twice or sent what the story has not told; the
    /// chain of the journal holds; and cash and books agree, unless a person was told that they may not.
    #[track_caller]
    pub fn ends(self) {
        self.end();
    }

    /// The end, and everything was counted under the date of the switch, which is that of this machine.
    #[track_caller]
    pub fn ends_under_the_switchs_date(self) {
        let today = machine_days();
        for date in self.end() {
            // Midnight may pass, and the machine may be somewhere else than in Greenwich.
            assert!((date.days() - today).abs() <= 1, "counted under {date}");
        }
    }

    #[track_caller]
    fn end(mut self) -> Vec<BusinessDate> {
        let for_people = self.for_people;
        let daemon = self.daemon();
        wait_for("nothing to be open or owed", || {
            let quiet =
                ["/transactions/in_flight", "/transactions/pending"].map(|place| daemon.figure(place));
            (quiet == [0, 0]).then_some(())
        });
        assert_eq!(daemon.figure("/transactions/exceptions"), for_people, "items for a person");
        daemon.kill();
        self.note("the end");
        let owed = self.host.owed_seen();
        let (told, untold) = owed.split_at(self.told.1.min(owed.len()));
        assert!(untold.is_empty(), "the story has not told that the host got {}", described(&untold[0].txn));
        assert_eq!(told.len(), self.told.1);
        let found = read_journal(&self.setup.data);
        assert_eq!((found.open, found.torn), (0, false), "open, torn");
        self.assert_written_before_asked(&found.sent.keys().copied().collect());
        if self.for_people == 0 {
            self.assert_books_agree();
        }
        found.business_dates.into_iter().collect()
    }

    /// What the host saw stands in the journal, once.
    #[track_caller]
    fn assert_written_before_asked(&self, written: &BTreeSet<(terms::Stan, TerminalId)>) {
        let mut asked = BTreeSet::new();
        for seen in self.host.seen() {
            assert!(written.contains(&seen.request()), "asked, not written: {}", described(&seen.txn));
            let is_first = asked.insert((seen.txn.terminal_id, seen.txn.amount, seen.txn.stan));
            assert!(is_first, "asked twice: {}", described(&seen.txn));
        }
    }

    #[track_caller]
    fn assert_books_agree(&self) {
        let mut done: BTreeMap<TerminalId, i128> = BTreeMap::new();
        for ((terminal, _), amount) in &self.done {
            *done.entry(*terminal).or_default() += amount;
        }
        let accounts = self.host.posted();
        let both: BTreeSet<_> = done.keys().chain(accounts.keys()).collect();
        for terminal in both {
            let of = |books: &BTreeMap<TerminalId, i128>| books.get(terminal).copied().unwrap_or_default();
            assert_eq!(of(&done), of(&accounts), "cash at {terminal}, and what stands on the accounts");
        }
    }
}

/// The date of this machine in Greenwich, as days since 1970.
fn machine_days() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    (since.expect("after 1970").as_secs() / 86_400) as i64
}
