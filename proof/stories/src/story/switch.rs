//! What happens to the switch itself.

use super::Story;
use crate::wait_for;

/// When: the switch lives and dies.
impl Story {
    pub(super) fn start(&mut self) {
        let or = |text: &'static str, otherwise| if text.is_empty() { otherwise } else { text };
        let breaker = or(self.terms.breaker, "unanswered_percent = 0");
        let forward = or(self.terms.forward, "reply_timeout_ms = 10000, repeat_ms = 500");
        let contract = self.terms.contract;
        let more = format!("breaker = {{ {breaker} }}\nforward = {{ {forward} }}\nhost = {{ {contract} }}");
        self.setup.links[0].more = more;
        self.note("the switch starts");
        let daemon = self.setup.spawn();
        daemon.wait_until_ready();
        if self.host.is_open() {
            daemon.wait_for_link("core", "up");
        }
        self.daemon = Some(daemon);
    }

    /// Power is gone.
    pub fn switch_dies(mut self) -> Self {
        self.daemon().kill();
        self.daemon = None;
        self.street.values_mut().for_each(|machine| machine.line = None);
        self.note("the switch dies");
        self
    }

    /// Power is back.
    pub fn switch_comes_back(mut self) -> Self {
        assert!(self.daemon.is_none(), "it has not died");
        self.start();
        self
    }

    /// It does nothing any more, though its connections stand.
    pub fn switch_freezes(mut self) -> Self {
        self.daemon().signal("STOP");
        self.note("the switch freezes");
        self
    }

    /// It is told to stop, and stops in order.
    pub fn switch_is_stopped(mut self) -> Self {
        self.daemon().signal("TERM");
        let (code, said) = self.daemon().end();
        assert_eq!(code, Some(0), "{said}");
        self.daemon = None;
        self.street.values_mut().for_each(|machine| machine.line = None);
        self.note("the switch stops");
        self
    }

    /// One more item stands on the list for people.
    pub fn a_person_is_told(mut self) -> Self {
        self.for_people += 1;
        let wanted = self.for_people;
        self.daemon().wait_for_figure("/transactions/exceptions", wanted);
        self.note("    a person is told");
        self
    }

    /// The repeat of a request in flight has been swallowed.
    pub fn the_repeat_is_swallowed(mut self) -> Self {
        self.daemon().wait_for_figure("/transactions/repeats", 1);
        self.note("    the repeat is swallowed");
        self
    }

    /// Somebody could not be told.
    pub fn nobody_hears_it(mut self) -> Self {
        self.daemon().wait_for_figure("/transactions/undelivered", 1);
        self.note("    nobody hears it");
        self
    }

    /// The host is not asked any more, or is again: `open`, `closed`.
    pub fn breaker_is(mut self, state: &str) -> Self {
        let daemon = self.daemon();
        wait_for("the breaker", || (daemon.link("core")["breaker"] == state).then_some(()));
        self
    }

    /// So many messages are owed and not paid.
    pub fn switch_still_owes(mut self, count: u64) -> Self {
        let daemon = self.daemon();
        let place = "/transactions/pending";
        wait_for("what is owed", || (daemon.figure(place) == count).then_some(()));
        self
    }
}
