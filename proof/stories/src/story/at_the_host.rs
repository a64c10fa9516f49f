//! What the host does, and what it gets.

use super::{Story, described};
use crate::{Act, Seen, wait_for};
use std::sync::atomic::{AtomicUsize, Ordering};
use terms::{Amount, Code, MessageType};

/// When: the host's manner changes.
impl Story {
    /// It approves what it is asked.
    pub fn host_approves(self) -> Self {
        self.host_acts("approves", Act::Answer)
    }

    /// It refuses, with that code.
    pub fn host_refuses(self, code: Code) -> Self {
        self.host_acts("refuses", Act::Refuse(code))
    }

    /// It does what it is asked, and says nothing.
    pub fn host_is_silent(self) -> Self {
        self.host_acts("does it and is silent", Act::Silence)
    }

    /// It does what it is asked, and answers when the story says so.
    pub fn host_holds_its_answer(self) -> Self {
        self.host_acts("holds its answers", Act::Hold)
    }

    /// It refuses, and says so when the story says so.
    pub fn host_holds_its_refusal(self, code: Code) -> Self {
        self.host_acts("refuses, and holds its answers", Act::HoldRefusal(code))
    }

    /// It says everything twice.
    pub fn host_answers_twice(self) -> Self {
        self.host_acts("answers twice", Act::Twice)
    }

    /// It approves another amount than it was asked for.
    pub fn host_approves_another_amount(self, amount: u64) -> Self {
        self.host_acts("approves another amount", Act::AnswerOther(Amount::minor(amount)))
    }

    /// It says now what it has held.
    pub fn host_answers_now(mut self) -> Self {
        self.note("the host says what it has held");
        self.host.release();
        self
    }

    /// It takes reversals and advices.
    pub fn host_takes_what_it_is_owed(self) -> Self {
        self.host_acts_when_owed("takes what it is owed", Act::Answer)
    }

    /// It answers reversals and advices with that code.
    pub fn host_says_to_what_it_is_owed(self, code: Code) -> Self {
        self.host_acts_when_owed("refuses what it is owed", Act::Refuse(code))
    }

    /// It says nothing to the first attempts at what it is owed, and takes the next.
    pub fn host_ignores_attempts(self, first: usize) -> Self {
        self.host_acts_at_first("ignores attempts", first, Act::Silence)
    }

    /// It answers the first attempts at what it is owed with that code, and takes the next.
    pub fn host_refuses_attempts(self, first: usize, code: Code) -> Self {
        self.host_acts_at_first("refuses attempts", first, Act::Refuse(code))
    }

    /// It never gets what it is asked.
    pub fn host_loses_what_it_is_asked(self) -> Self {
        self.host_acts("gets nothing", Act::Lose)
    }

    /// It does what it is owed, and says nothing.
    pub fn host_ignores_what_it_is_owed(self) -> Self {
        self.host_acts_when_owed("says nothing to what it is owed", Act::Silence)
    }

    /// It ends its connections and takes no other.
    pub fn host_goes_down(mut self) -> Self {
        self.daemon();
        self.note("the host goes down");
        self.host.set_open(false);
        self.daemon().wait_for_link("core", "down");
        self
    }

    /// It takes connections again.
    pub fn host_comes_back(mut self) -> Self {
        self.note("the host comes back");
        self.host.set_open(true);
        self.daemon().wait_for_link("core", "up");
        self
    }

    fn host_acts(mut self, how: &str, act: Act) -> Self {
        self.note(format!("from now on the host {how}"));
        self.host.acts(move |_| act);
        self
    }

    fn host_acts_at_first(mut self, how: &str, first: usize, act: Act) -> Self {
        self.note(format!("{first} times the host {how}"));
        let attempts = AtomicUsize::new(0);
        self.host.acts_when_owed(move |_| {
            if attempts.fetch_add(1, Ordering::Relaxed) < first { act } else { Act::Answer }
        });
        self
    }

    fn host_acts_when_owed(mut self, how: &str, act: Act) -> Self {
        self.note(format!("from now on the host {how}"));
        self.host.acts_when_owed(move |_| act);
        self
    }
}

/// Then: something reaches the host.
impl Story {
    /// One more request.
    pub fn host_gets_the_request(mut self) -> Self {
        self.told.0 += 1;
        let count = self.told.0;
        self.host.wait_for_requests(count);
        self
    }

    /// It has been asked so often in the whole story, and no more.
    #[track_caller]
    pub fn host_was_asked(mut self, times: usize) -> Self {
        self.told.0 = times;
        assert_eq!(self.host.seen_count(), times, "requests at the host");
        self
    }

    /// One more owed message, of that type, about the last request, whole.
    #[track_caller]
    pub fn host_gets(self, message: &str) -> Self {
        self.host_gets_leaving(message, None)
    }

    /// One more owed message, about whichever request.
    #[track_caller]
    pub fn host_gets_one_it_is_owed(mut self) -> Self {
        let seen = self.next_owed();
        self.assert_names_its_original(&seen);
        self
    }

    /// Whatever is owed, how often it may be tried.
    pub fn host_gets_all_it_is_owed(self) -> Self {
        let mut story = self.switch_still_owes(0);
        let seen = story.host.owed_seen();
        assert!(!seen.is_empty(), "nothing was owed");
        seen.iter().for_each(|one| story.assert_names_its_original(one));
        story.told.1 = seen.len();
        story
    }

    /// A reversal that leaves so much.
    #[track_caller]
    pub fn host_gets_leaving(mut self, message: &str, remaining: Option<u64>) -> Self {
        let seen = self.next_owed();
        let last = self.last();
        let [class, function, origin] = seen.txn.message.digits();
        assert_eq!(format!("0{class}{function}{origin}"), message, "{}", described(&seen.txn));
        assert_eq!((seen.txn.amount, seen.txn.terminal_id), (last.amount, last.terminal_id));
        assert_eq!(seen.txn.remaining, remaining.map(Amount::minor), "{}", described(&seen.txn));
        self.assert_names_its_original(&seen);
        if seen.txn.message.is_repeat() {
            self.assert_repeats_a_first(&seen);
        }
        self
    }

    /// What it is owed names what it was asked, where it was asked anything.
    #[track_caller]
    fn assert_names_its_original(&self, seen: &Seen) {
        let asked = self.host.seen();
        let Some(original) = seen.txn.original else {
            return assert!(asked.iter().all(|one| one.txn.amount != seen.txn.amount), "it was asked before");
        };
        let named = asked.iter().find(|one| Some(one.txn.stan) == original.stan);
        // A request that never got there is named all the same.
        if let Some(named) = named {
            assert_eq!(named.txn.amount, seen.txn.amount, "{}", described(&seen.txn));
        }
        assert_eq!(original.message.map(MessageType::digits), Some([2, 0, 0]));
    }

    /// A repeat has the trace number and the reference of an earlier attempt.
    #[track_caller]
    fn assert_repeats_a_first(&self, seen: &Seen) {
        let same = |one: &&Seen| (one.txn.stan, one.txn.rrn) == (seen.txn.stan, seen.txn.rrn);
        let attempts = self.host.owed_seen().iter().filter(same).count();
        assert!(attempts > 1, "{} repeats nothing", described(&seen.txn));
    }

    fn next_owed(&mut self) -> Seen {
        self.told.1 += 1;
        let count = self.told.1;
        self.host.wait_for_owed(count).swap_remove(count - 1)
    }

    /// The switch has noted an answer of the host that came late or twice.
    pub fn the_late_answer_is_noted(mut self) -> Self {
        let daemon = self.daemon();
        wait_for("a late answer", || (daemon.link("core")["late"].as_u64() >= Some(1)).then_some(()));
        self.note("    the late answer is written down");
        self
    }

    /// The reversal or advice is sent again under another trace number.
    #[track_caller]
    pub fn host_gets_under_a_fresh_trace(self, message: &str) -> Self {
        let before: Vec<_> = self.host.owed_seen().iter().take(self.told.1).map(|one| one.txn.stan).collect();
        let story = self.host_gets(message);
        let now = story.host.owed_seen()[story.told.1 - 1].txn.stan;
        assert!(!before.contains(&now), "trace {} was used before", now.0);
        story
    }
}
