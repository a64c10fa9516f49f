//! One transaction, as a machine of consumed states.
//!
//! ```text
//!                    host answered              ┌─ by the host ─┐
//!   asked ─▶ awaiting host ───────────────────▶ │               │ ─▶ repeats are given the stored answer
//!     │            │  deadline: and what we owe  │    decided    │ ─▶ late answers change nothing
//!     │            ├───────── one record ──────▶ │  (for ever)   │
//!     │            │  proved never sent          │               │
//!     │            └───────────────────────────▶ │               │
//!     └── declined before anything was sent ───▶ └───────────────┘
//! ```

use crate::admit::key_of;
use crate::{NoMoney, Outbox, Recorded, Tell};
use alloc::{boxed::Box, sync::Arc};
use journal::{Card, DecidedBy, Observation, Observed, Owed, Record, Remembered, Sent};
use terms::{
    Answer, BusinessDate, Code, ConnId, Instant, Kind, LinkId, Now, Outcome, Outgoing, SourceId, Text,
    Timestamp, Txn, TxnId,
};

/// Where one transaction stands.
#[derive(Debug)]
pub(crate) enum Flow {
    /// The host was asked and has not answered.
    AwaitingHost(Box<Awaiting>),
    /// It is decided, and nothing undecides it.
    Decided(Decision),
}

/// A transaction in flight.
#[derive(Debug)]
pub(crate) struct Awaiting {
    /// Who asked, and the connection the answer goes back on: that of the last to ask.
    pub(crate) asked_by: (SourceId, ConnId),
    /// What was asked.
    pub(crate) request: Arc<Txn>,
    /// What is ours in the request to the host.
    pub(crate) ours: Outgoing,
    /// When silence becomes the answer.
    pub(crate) deadline: Instant,
    /// When it was asked.
    pub(crate) since: Instant,
    /// The day the money is counted under: fixed when it was sent, never read again.
    pub(crate) business_date: BusinessDate,
    /// Why this host.
    pub(crate) route: Text<24>,
    /// When it was sent, for people.
    pub(crate) at: Timestamp,
}

impl Awaiting {
    /// W1: everything needed to undo the request, to repeat it and to know its answer again.
    pub(crate) fn sent(&self, id: TxnId, fingerprint: u64, link: LinkId) -> Sent {
        let request = &self.request;
        Sent {
            id,
            key: key_of(self.asked_by.0, request),
            fingerprint,
            message: request.message,
            kind: request.kind,
            processing_code: request.processing_code,
            pan: Card::from(request.pan.clone()),
            amount: request.amount,
            currency: request.currency,
            rrn: request.rrn,
            acquirer_id: request.acquirer_id,
            transmitted_at: request.transmitted_at,
            link,
            host_stan: self.ours.stan,
            host_rrn: self.ours.rrn,
            host_transmitted_at: self.ours.transmitted_at,
            business_date: self.business_date,
            route: self.route,
            at: self.at,
        }
    }
}

/// A transaction decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    pub(crate) answer: Remembered,
    pub(crate) by: DecidedBy,
}

/// What can happen to one transaction.
#[derive(Debug)]
pub(crate) enum Happening {
    /// The host answered; pairing has made sure that the answer is this transaction's.
    HostAnswered(Box<Txn>),
    /// The deadline passed.
    Deadline,
    /// It is proved that no byte of it left us.
    Unsent,
    /// The same request came again.
    AskedAgain { asked_by: (SourceId, ConnId), request: Arc<Txn> },
    /// The switch was started again after it died.
    Restarted,
}

/// What does not change about a transaction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    pub(crate) id: TxnId,
    pub(crate) kind: Kind,
    pub(crate) link: LinkId,
    pub(crate) now: Now,
}

impl Flow {
    /// Advances one transaction by one happening. Pure: the world's share of the work is left in `out`.
    #[must_use]
    pub(crate) fn step(self, facts: Facts, happening: Happening, out: &mut Outbox) -> Self {
        match (self, happening) {
            (Self::AwaitingHost(a), Happening::HostAnswered(reply)) => a.on_answer(facts, *reply, out),
            (Self::AwaitingHost(a), Happening::Deadline) => a.on_silence(facts, out),
            (Self::AwaitingHost(a), Happening::Unsent) => a.on_unsent(facts, out),
            (Self::AwaitingHost(a), Happening::AskedAgain { asked_by, .. }) => {
                a.on_repeat(facts, asked_by, out)
            }
            // A dead switch cannot know whether its last bytes left: what was sent is owed, never sent again.
            (Self::AwaitingHost(a), Happening::Restarted) => a.on_silence(facts, out),
            (Self::Decided(d), Happening::HostAnswered(reply)) => d.on_late_answer(facts, &reply, out),
            (Self::Decided(d), Happening::AskedAgain { asked_by, request }) => {
                d.on_repeat(facts, asked_by, request, out)
            }
            (Self::Decided(d), Happening::Restarted) => Self::Decided(d),
            // The timer and the release of held bytes run beside us; a decision overtakes either of them.
            (Self::Decided(d), Happening::Deadline | Happening::Unsent) => {
                out.tell(Tell::Meaningless { id: facts.id });
                Self::Decided(d)
            }
        }
    }
}

impl Awaiting {
    fn on_answer(self, facts: Facts, reply: Txn, out: &mut Outbox) -> Flow {
        let outcome = reply.outcome.unwrap_or(Outcome::Unknown);
        if outcome == Outcome::Unknown {
            // The host itself does not know: for the money that is the same as silence.
            return self.on_silence(facts, out);
        }
        let answer = Answer {
            outcome,
            code: reply.code.unwrap_or(Code::Malfunction),
            approval_code: reply.approval_code,
            rrn: reply.rrn,
            settlement_date: reply.settlement_date,
            // Not the host's own: a repeat is answered from what is remembered, and must hear the same.
            wire_code: terms::Text::EMPTY,
            carried: reply.carried,
        };
        let recorded = out.record(Record::Decided {
            id: facts.id,
            answer: Remembered::from(&answer),
            wire_code: reply.wire_code,
            at: facts.now.wall,
        });
        self.conclude(facts, &recorded, answer, DecidedBy::Host, out)
    }

    fn on_silence(self, facts: Facts, out: &mut Outbox) -> Flow {
        let answer = Answer::ours(Code::NoAnswer, Outcome::Unknown);
        let recorded = out.record(Record::TimedOut {
            id: facts.id,
            answer: Remembered::from(&answer),
            owes: owed_for(facts.kind),
            at: facts.now.wall,
        });
        self.conclude(facts, &recorded, answer, DecidedBy::Silence, out)
    }

    fn on_unsent(self, facts: Facts, out: &mut Outbox) -> Flow {
        let answer = Answer::ours(Code::HostDown, Outcome::NotSent);
        let recorded = out.record(Record::NotSent {
            id: facts.id,
            answer: Remembered::from(&answer),
            at: facts.now.wall,
        });
        self.conclude(facts, &recorded, answer, DecidedBy::Unsent, out)
    }

    /// Swallows the repeat: a second request to the host could be a second posting. The answer will go to
    /// whoever asked last, because the connection of the first may be why it asked again.
    fn on_repeat(mut self: Box<Self>, facts: Facts, asked_by: (SourceId, ConnId), out: &mut Outbox) -> Flow {
        let before = core::mem::replace(&mut self.asked_by, asked_by);
        if before.1 != asked_by.1 {
            out.displace(before.1);
        }
        out.tell(Tell::Repeated { id: facts.id, in_flight: true });
        Flow::AwaitingHost(self)
    }

    fn conclude(
        self,
        facts: Facts,
        recorded: &Recorded,
        answer: Answer,
        by: DecidedBy,
        out: &mut Outbox,
    ) -> Flow {
        let decision = Decision { answer: Remembered::from(&answer), by };
        out.tell(Tell::Decided {
            id: facts.id,
            kind: facts.kind,
            link: Some(facts.link),
            outcome: answer.outcome,
            code: answer.code,
            took_us: facts.now.instant.us_since(self.since),
        });
        match NoMoney::of(&self.request) {
            Some(no_money) => out.answer_source(no_money, self.asked_by, self.request, answer),
            None => out.answer_source(recorded, self.asked_by, self.request, answer),
        }
        Flow::Decided(decision)
    }
}

impl Decision {
    /// Whatever it says, it changes nothing; it is written down once for the people who compare books.
    fn on_late_answer(self, facts: Facts, reply: &Txn, out: &mut Outbox) -> Flow {
        let second = self.by == DecidedBy::Host;
        out.record(Record::Observed(Observed {
            kind: if second { Observation::Repeated } else { Observation::Late },
            link: facts.link,
            host_stan: reply.stan,
            id: Some(facts.id),
            wire_code: reply.wire_code,
            at: facts.now.wall,
        }));
        out.tell(if second {
            Tell::SecondAnswer { id: facts.id, link: facts.link }
        } else {
            let outcome = reply.outcome.unwrap_or(Outcome::Unknown);
            Tell::LateAnswer { id: facts.id, link: facts.link, outcome }
        });
        Flow::Decided(self)
    }

    /// The stored answer, word for word. It waits for the disk like the first one did: the decision may be
    /// a moment old.
    fn on_repeat(
        self,
        facts: Facts,
        asked_by: (SourceId, ConnId),
        request: Arc<Txn>,
        out: &mut Outbox,
    ) -> Flow {
        let recorded = out.record(Record::Observed(Observed {
            kind: Observation::AskedAgain,
            link: facts.link,
            host_stan: request.stan,
            id: Some(facts.id),
            wire_code: Text::EMPTY,
            at: facts.now.wall,
        }));
        out.tell(Tell::Repeated { id: facts.id, in_flight: false });
        out.answer_source(&recorded, asked_by, request, self.answer.into());
        Flow::Decided(self)
    }
}

/// What an unknown outcome of this kind obliges us to.
pub(crate) const fn owed_for(kind: Kind) -> Owed {
    match kind {
        Kind::Purchase
        | Kind::Withdrawal
        | Kind::Deposit
        | Kind::Transfer
        | Kind::TransferOut
        | Kind::TransferIn
        | Kind::BillPayment
        | Kind::Refund => Owed::Reversal,
        Kind::BalanceInquiry
        | Kind::PinChange
        | Kind::CardStatus
        | Kind::CardActivation
        | Kind::History
        | Kind::BillInquiry
        | Kind::CardType => Owed::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Effect;
    use alloc::string::String;
    use terms::{MessageType, Stan};

    fn facts() -> Facts {
        Facts { id: TxnId(1), kind: Kind::Withdrawal, link: LinkId(0), now: Now::default() }
    }

    fn awaiting() -> Flow {
        let request = Txn {
            kind: Kind::Withdrawal,
            stan: Stan(9),
            ..Txn::new(MessageType::from_digits([2, 0, 0]).expect("0200"))
        };
        let ours = Outgoing { stan: Stan(1), rrn: Text::EMPTY, transmitted_at: Text::EMPTY, repeat: false };
        Flow::AwaitingHost(Box::new(Awaiting {
            asked_by: (SourceId(0), ConnId(1)),
            request: Arc::new(request),
            ours,
            deadline: Instant::default(),
            since: Instant::default(),
            business_date: BusinessDate::from_days(0),
            route: Text::EMPTY,
            at: Timestamp::default(),
        }))
    }

    fn decided(by: DecidedBy) -> Flow {
        let answer = Answer::ours(Code::Approved, Outcome::Approved);
        Flow::Decided(Decision { answer: Remembered::from(&answer), by })
    }

    fn answer(outcome: Outcome) -> Happening {
        let message = MessageType::from_digits([2, 1, 0]).expect("0210");
        let code = Some(Code::Approved);
        Happening::HostAnswered(Box::new(Txn { outcome: Some(outcome), code, ..Txn::new(message) }))
    }

    fn again() -> Happening {
        let message = MessageType::from_digits([2, 0, 1]).expect("0201");
        Happening::AskedAgain { asked_by: (SourceId(0), ConnId(2)), request: Arc::new(Txn::new(message)) }
    }

    /// What a step leaves, in a line: the new state, then what goes out in order.
    fn in_a_line(flow: Flow, happening: Happening) -> String {
        let mut out = Outbox::new();
        let after = match flow.step(facts(), happening, &mut out) {
            Flow::AwaitingHost(_) => "awaiting",
            Flow::Decided(Decision { by: DecidedBy::Host, .. }) => "by host",
            Flow::Decided(Decision { by: DecidedBy::Silence, .. }) => "by silence",
            Flow::Decided(Decision { by: DecidedBy::Unsent, .. }) => "by proof",
            Flow::Decided(Decision { by: DecidedBy::Us, .. }) => "by us",
        };
        let mut line = String::from(after);
        for effect in out.drain() {
            line += " | ";
            line += match effect {
                Effect::Record(record) => record.name(),
                Effect::ToHost { .. } => "ask host",
                Effect::ToSource { durable_first: true, .. } => "answer when durable",
                Effect::ToSource { durable_first: false, .. } | Effect::ToHostAnswer { .. } => "answer now",
                Effect::Displaced { .. } => "displace",
                Effect::Tell(Tell::Meaningless { .. }) => "meaningless",
                Effect::Tell(_) => "tell",
            };
        }
        line
    }

    /// Every state and every happening, the refused pairs too. A cell that changes is a rule that changes.
    #[test]
    #[rustfmt::skip]
    fn every_state_meets_every_happening_as_written_here() {
        use DecidedBy::{Host, Silence, Unsent, Us};
        type Row = (fn() -> Flow, Happening, &'static str);
        let rows: [Row; 30] = [
            (awaiting,              answer(Outcome::Approved), "by host | decided | tell | answer when durable"),
            (awaiting,              answer(Outcome::Refused),  "by host | decided | tell | answer when durable"),
            (awaiting,              answer(Outcome::NotSent),  "by host | decided | tell | answer when durable"),
            (awaiting,              answer(Outcome::Unknown),  "by silence | timed_out | tell | answer when durable"),
            (awaiting,              Happening::Deadline,       "by silence | timed_out | tell | answer when durable"),
            (awaiting,              Happening::Unsent,         "by proof | not_sent | tell | answer when durable"),
            (awaiting,              again(),                   "awaiting | displace | tell"),
            (awaiting,              Happening::Restarted,      "by silence | timed_out | tell | answer when durable"),
            (|| decided(Host),      answer(Outcome::Approved), "by host | observed | tell"),
            (|| decided(Host),      answer(Outcome::Refused),  "by host | observed | tell"),
            (|| decided(Host),      Happening::Deadline,       "by host | meaningless"),
            (|| decided(Host),      Happening::Unsent,         "by host | meaningless"),
            (|| decided(Host),      again(),                   "by host | observed | tell | answer when durable"),
            (|| decided(Host),      Happening::Restarted,      "by host"),
            (|| decided(Silence),   answer(Outcome::Approved), "by silence | observed | tell"),
            (|| decided(Silence),   answer(Outcome::Refused),  "by silence | observed | tell"),
            (|| decided(Silence),   Happening::Deadline,       "by silence | meaningless"),
            (|| decided(Silence),   Happening::Unsent,         "by silence | meaningless"),
            (|| decided(Silence),   again(),                   "by silence | observed | tell | answer when durable"),
            (|| decided(Silence),   Happening::Restarted,      "by silence"),
            (|| decided(Unsent),    answer(Outcome::Approved), "by proof | observed | tell"),
            (|| decided(Unsent),    Happening::Deadline,       "by proof | meaningless"),
            (|| decided(Unsent),    Happening::Unsent,         "by proof | meaningless"),
            (|| decided(Unsent),    again(),                   "by proof | observed | tell | answer when durable"),
            (|| decided(Unsent),    Happening::Restarted,      "by proof"),
            (|| decided(Us),        answer(Outcome::Approved), "by us | observed | tell"),
            (|| decided(Us),        Happening::Deadline,       "by us | meaningless"),
            (|| decided(Us),        Happening::Unsent,         "by us | meaningless"),
            (|| decided(Us),        again(),                   "by us | observed | tell | answer when durable"),
            (|| decided(Us),        Happening::Restarted,      "by us"),
        ];
        for (at, (state, happening, expected)) in rows.into_iter().enumerate() {
            assert_eq!(in_a_line(state(), happening), expected, "row {at}");
        }
    }
}
