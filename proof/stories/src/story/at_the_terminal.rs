//! What terminals say and hear.

use super::{Story, described, signed};
use crate::wait_for;
use std::time::Duration;
use terms::{Amount, BusinessDate, Class, Function, Kind, LocalTime, MessageType, Original, Outcome, Txn};

/// What a customer wants.
#[derive(Clone, Copy, Debug)]
pub struct Want(Kind, u64);

/// Cash out, in minor units.
pub const fn withdrawal(amount: u64) -> Want {
    Want(Kind::Withdrawal, amount)
}

/// Cash in.
pub const fn deposit(amount: u64) -> Want {
    Want(Kind::Deposit, amount)
}

/// From one account to another of the same host.
pub const fn transfer(amount: u64) -> Want {
    Want(Kind::Transfer, amount)
}

/// How much is there.
pub const fn balance() -> Want {
    Want(Kind::BalanceInquiry, 0)
}

/// When: a terminal says something.
impl Story {
    /// It asks, under its next trace number.
    pub fn asks(self, want: Want) -> Self {
        let mut story = self.asks_and_it_is_lost(want);
        let txn = story.last();
        story.say(txn);
        story
    }

    /// It asks, and its request is lost on the way; it may still arrive: see [`Story::asks_the_same_again`].
    pub fn asks_and_it_is_lost(mut self, want: Want) -> Self {
        let machine = self.machine();
        let txn = machine.terminal.asks(want.0, want.1);
        machine.wanted.push(txn.clone());
        self.note(format!("the terminal wants {}", described(&txn)));
        self
    }

    /// The same, by a terminal whose clock shows that day.
    pub fn asks_with_its_clock_at(mut self, want: Want, day: BusinessDate) -> Self {
        let machine = self.machine();
        let mut txn = machine.terminal.asks(want.0, want.1);
        txn.local_time = LocalTime::new(day, 18, 15, 0);
        machine.wanted.push(txn.clone());
        self.say(txn);
        self
    }

    /// The same request, byte for byte.
    pub fn asks_the_same_again(mut self) -> Self {
        let txn = self.last();
        self.say(txn);
        self
    }

    /// The same request as a repeat (0201).
    pub fn asks_again(mut self) -> Self {
        let txn = self.last();
        self.say(as_repeat(txn));
        self
    }

    /// Another amount under the same trace number.
    pub fn asks_under_the_same_trace(mut self, amount: u64) -> Self {
        let txn = Txn { amount: Amount::minor(amount), ..self.last() };
        self.say(txn);
        self
    }

    /// It takes its request back (0420).
    pub fn takes_back(mut self) -> Self {
        let txn = self.reversal();
        self.undo(&txn);
        self.say(txn);
        self
    }

    /// And again, as a repeat (0421).
    pub fn takes_back_again(mut self) -> Self {
        let txn = as_repeat(self.reversal());
        self.say(txn);
        self
    }

    /// So much was dispensed; the rest is taken back.
    pub fn takes_back_all_but(mut self, dispensed: u64) -> Self {
        let txn = Txn { remaining: Some(Amount::minor(dispensed)), ..self.reversal() };
        let stan = self.last().stan;
        self.done.insert((txn.terminal_id, stan), i128::from(dispensed));
        self.say(txn);
        self
    }

    /// It takes back another amount than it asked for.
    pub fn takes_back_another_amount(mut self, amount: u64) -> Self {
        let txn = Txn { amount: Amount::minor(amount), ..self.reversal() };
        self.say(txn);
        self
    }

    /// It takes its reversal back, which nobody may.
    pub fn takes_its_reversal_back(mut self) -> Self {
        let mut txn = self.reversal();
        let message = MessageType::from_digits([4, 2, 0]);
        txn.original = txn.original.map(|original| Original { message, ..original });
        self.say(txn);
        self
    }

    /// It reports that the cash is in the machine (0220).
    pub fn reports(mut self) -> Self {
        let last = self.last();
        self.done.insert((last.terminal_id, last.stan), signed(&last));
        let txn = self.report();
        self.say(txn);
        self
    }

    /// And again, as a repeat (0221).
    pub fn reports_again(mut self) -> Self {
        let txn = as_repeat(self.report());
        self.say(txn);
        self
    }

    /// Its connection is reset, and the switch knows.
    pub fn hangs_up(mut self) -> Self {
        let listener = self.machine().listener;
        if let Some(line) = self.machine().line.take() {
            let reset = socket2::SockRef::from(&line.stream).set_linger(Some(Duration::ZERO));
            reset.expect("an option of every connection");
        }
        self.note("the terminal hangs up");
        let daemon = self.daemon();
        wait_for("the switch to see it", || (daemon.count(listener, "open") == 0).then_some(()));
        self
    }
}

/// Then: a terminal hears something.
impl Story {
    /// The next answer is to whatever it said last, and has that response code.
    #[track_caller]
    pub fn is_told(mut self, code: &str) -> Self {
        let said = self.said();
        self.hear(code, &said);
        self
    }

    /// The next answer is to a request it made before it said something else.
    #[track_caller]
    pub fn the_request_is_told(mut self, code: &str) -> Self {
        let said = self.said();
        let mut earlier = self.machine().wanted.iter().filter(|txn| txn.stan != said.stan).cloned();
        let request = earlier.next().expect("it has said something else since");
        self.hear(code, &request);
        self
    }

    #[track_caller]
    fn hear(&mut self, code: &str, to: &Txn) {
        let answer = self.line().answer();
        let told = answer.wire_code.to_string();
        self.note(format!("    the terminal is told {told} to {}", described(to)));
        assert_eq!(told, code, "told to {}", described(to));
        assert_eq!(
            (answer.stan, Some(plain(answer.message))),
            (to.stan, to.message.answered_by().map(plain))
        );
        let request = self.machine().wanted.iter().find(|txn| txn.stan == answer.stan).cloned();
        if let Some(request) = request.filter(|request| request.kind.moves_money())
            && self.keeps(&request, answer.outcome)
        {
            self.done.entry((request.terminal_id, request.stan)).or_insert_with(|| signed(&request));
        }
        self.machine().heard = Some(answer);
    }

    /// Whether a terminal that hears this has done what it asked for: dispensed what was approved, or kept what
    /// will be posted.
    fn keeps(&self, request: &Txn, outcome: Option<Outcome>) -> bool {
        let is_posted = request.kind == Kind::Deposit && !self.terms.contract.contains("reverse");
        outcome == Some(Outcome::Approved) || (outcome == Some(Outcome::Unknown) && is_posted)
    }

    /// It asks again, and hears the stored answer word for word.
    #[track_caller]
    pub fn asks_again_and_hears_the_same(mut self) -> Self {
        let before = self.machine().heard.clone().expect("it has heard something");
        let mut story = self.asks_again();
        let again = story.line().answer();
        let words = |txn: &Txn| (txn.wire_code, txn.approval_code, txn.rrn, txn.settlement_date);
        assert_eq!(words(&again), words(&before));
        assert!(!again.approval_code.is_empty(), "there is something to compare");
        story
    }
}

impl Story {
    pub(super) fn last(&mut self) -> Txn {
        self.machine().wanted.last().cloned().expect("the terminal has wanted something")
    }

    fn said(&mut self) -> Txn {
        self.machine().said.clone().expect("the terminal has said something")
    }

    fn say(&mut self, txn: Txn) {
        self.daemon();
        self.note(format!("the terminal says {}", described(&txn)));
        if self.machine().listener == "atm" {
            // One request a connection: this one needs another.
            self.machine().line = None;
        }
        self.line().send(&txn);
        self.machine().said = Some(txn);
    }

    fn undo(&mut self, reversal: &Txn) {
        let stan = self.last().stan;
        self.done.insert((reversal.terminal_id, stan), 0);
    }

    fn reversal(&mut self) -> Txn {
        self.about(MessageType { class: Class::Reversal, function: Function::Advice, origin: 0 }, 500_000)
    }

    fn report(&mut self) -> Txn {
        self.about(MessageType { class: Class::Financial, function: Function::Advice, origin: 0 }, 600_000)
    }

    /// A message about the last request, under a trace number of its own.
    fn about(&mut self, message: MessageType, stans_from: u32) -> Txn {
        let last = self.last();
        let original = Original {
            message: Some(last.message),
            stan: Some(last.stan),
            transmitted_at: last.transmitted_at,
            acquirer_id: last.acquirer_id,
            ..Original::default()
        };
        Txn { message, stan: terms::Stan(stans_from + last.stan.0), original: Some(original), ..last }
    }
}

fn as_repeat(txn: Txn) -> Txn {
    let message = MessageType { origin: txn.message.origin | 1, ..txn.message };
    Txn { message, ..txn }
}

/// Without the digit that says who repeats.
fn plain(message: MessageType) -> MessageType {
    MessageType { origin: message.origin & !1, ..message }
}
