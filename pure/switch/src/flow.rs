//! One transaction, as a machine of consumed states.
//!
//! ```text
//!                    host answered              ┌─ by the host ─┐      taken back, undelivered
//!   asked ─▶ awaiting host ───────────────────▶ │               │ ───────────────────────────▶ reversing ─▶ reversed
//!     │            │  deadline: and what we owe  │    decided    │
//!     │            ├───────── one record ──────▶ │  (for ever)   │      deposits nobody knows of
//!     │            │  proved never sent          │               │ ───────────────────────────▶ confirming ─▶ confirmed
//!     │            └───────────────────────────▶ │               │
//!     └── declined before anything was sent ───▶ └───────────────┘ ─▶ repeats are given the stored answer
//! ```
//! A transfer between two hosts awaits twice: see [`crate::transfer`].

use crate::desk::{Desk, Facts, Unknown};
use crate::reason::Reason;
use crate::transfer::DebitSaid;
use crate::{NoMoney, Recorded, Tell};
use alloc::{boxed::Box, sync::Arc};
use journal::{
    After, DecidedBy, Duty, Forward, Mark, Observation, Observed, Onward, Record, Remembered, Why,
};
use terms::{
    Amount, Answer, Code, ConnId, ForwardId, Instant, Kind, LinkId, Now, Outcome, Outgoing, SourceId, Stan,
    Text, Txn, TxnId,
};

/// Where one transaction stands.
#[derive(Clone, Debug)]
pub(crate) enum Flow {
    /// The host was asked and has not answered.
    AwaitingHost(Box<Awaiting>),
    /// It is decided, and nothing undecides it.
    Decided(Decision),
}

/// A transaction in flight.
#[derive(Clone, Debug)]
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
    /// When the leg that is awaited was sent.
    pub(crate) sent_at: Instant,
    /// Which leg that is.
    pub(crate) leg: Leg,
    /// What the source has said about it meanwhile.
    pub(crate) mark: Option<Mark>,
}

/// What of a transaction is in flight.
#[derive(Clone, Debug)]
pub(crate) enum Leg {
    /// All of it.
    Only,
    /// The debit of a transfer between two hosts; its credit goes there.
    Debit(Onward),
    /// The credit of such a transfer, whose debit was approved with these words.
    Credit(Box<DebitSaid>),
}

/// A transaction decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    pub(crate) answer: Remembered,
    pub(crate) by: DecidedBy,
    /// What became of it afterwards. The decision itself never changes.
    pub(crate) after: After,
    /// What remains of it, where it was taken back: by its source or by us, and done or still owed.
    pub(crate) taken_back: Option<Amount>,
}

/// What can happen to one transaction.
#[derive(Debug)]
pub(crate) enum Happening {
    /// The host answered; pairing has made sure that the answer is this transaction's.
    HostAnswered(Box<Txn>),
    /// The host that had answered a transfer's debit answered it again.
    DebitAnswered(Box<Txn>),
    /// The deadline passed.
    Deadline,
    /// It is proved that no byte of it left us; the source is told this.
    Unsent(Code),
    /// The same request came again.
    AskedAgain(Asker),
    /// The source takes it back; so much remains valid.
    TakenBack { asker: Asker, remaining: Amount },
    /// The source reports that it happened.
    Reported(Asker),
    /// It is proved that the source was never told.
    Undelivered,
    /// What was owed for it is paid; the same record says what it makes us owe.
    Paid { duty: Duty, then: Option<Forward> },
    /// A person has to look at it.
    HandedOver,
    /// The switch was started again after it died.
    Restarted,
}

/// Who asks, and what.
#[derive(Debug)]
pub(crate) struct Asker {
    pub(crate) asked_by: (SourceId, ConnId),
    pub(crate) request: Arc<Txn>,
}

impl Flow {
    /// Advances one transaction by one happening. Pure: the world's share of the work is left on the desk.
    #[must_use]
    pub(crate) fn step(self, facts: Facts, happening: Happening, desk: &mut Desk<'_>) -> Self {
        match (self, happening) {
            (Self::AwaitingHost(a), Happening::HostAnswered(reply)) => a.on_answer(facts, *reply, desk),
            (Self::AwaitingHost(a), Happening::DebitAnswered(reply)) => {
                a.on_debit_answered_again(facts, &reply, desk)
            }
            (Self::AwaitingHost(a), Happening::Deadline) => a.on_silence(facts, desk),
            (Self::AwaitingHost(a), Happening::Unsent(code)) => a.on_unsent(facts, code, desk),
            (Self::AwaitingHost(a), Happening::AskedAgain(asker)) => a.on_repeat(facts, asker, desk),
            (Self::AwaitingHost(a), Happening::TakenBack { asker, remaining }) => {
                a.on_mark(facts, Mark::Reverse { remaining }, asker, desk)
            }
            (Self::AwaitingHost(a), Happening::Reported(asker)) => {
                a.on_mark(facts, Mark::Confirm, asker, desk)
            }
            // A dead switch cannot know whether its last bytes left: what was sent is owed, never sent again.
            (Self::AwaitingHost(a), Happening::Restarted) => a.on_silence(facts, desk),
            (Self::Decided(d), Happening::HostAnswered(reply)) => d.on_late_answer(facts, &reply, desk),
            (Self::Decided(d), Happening::DebitAnswered(reply)) => {
                d.on_debit_answered_again(facts, &reply, desk)
            }
            (Self::Decided(d), Happening::AskedAgain(asker)) => d.on_repeat(facts, asker, desk),
            (Self::Decided(d), Happening::TakenBack { asker, remaining }) => {
                d.on_taken_back(facts, remaining, asker, desk)
            }
            (Self::Decided(d), Happening::Reported(asker)) => d.on_report(facts, asker, desk),
            (Self::Decided(d), Happening::Undelivered) => d.on_undelivered(facts, desk),
            (Self::Decided(d), Happening::Paid { duty, then }) => d.on_paid(duty, then, desk),
            (Self::Decided(d), Happening::HandedOver) => {
                Self::Decided(Decision { after: After::Exception, ..d })
            }
            (Self::Decided(d), Happening::Restarted) => Self::Decided(d),
            // The timer and the release of held bytes run beside us; a decision overtakes either of them.
            (Self::Decided(d), Happening::Deadline | Happening::Unsent(_)) => {
                desk.out.tell(Tell::Meaningless { id: facts.id });
                Self::Decided(d)
            }
            // Nothing is owed or told before the decision.
            (
                a @ Self::AwaitingHost(_),
                Happening::Undelivered | Happening::Paid { .. } | Happening::HandedOver,
            ) => {
                desk.out.tell(Tell::Meaningless { id: facts.id });
                a
            }
        }
    }
}

impl Awaiting {
    fn on_answer(self: Box<Self>, facts: Facts, reply: Txn, desk: &mut Desk<'_>) -> Flow {
        let outcome = reply.outcome.unwrap_or(Outcome::Unknown);
        if outcome == Outcome::Unknown {
            // The host itself does not know: for the money that is the same as silence.
            return self.on_silence(facts, desk);
        }
        if outcome == Outcome::Approved && self.is_for_another_amount(&reply) {
            return self.on_other_amount(facts, &reply, desk);
        }
        let is_a_leg = matches!(self.leg, Leg::Debit(_) | Leg::Credit(_));
        // One decision is for both hosts, and says the day of neither leg.
        let is_elsewhere = |said: terms::BusinessDate| match is_a_leg {
            true => said != facts.business_date,
            false => !book::can_be_settled_on(facts.business_date, said),
        };
        if reply.settlement_date.is_some_and(is_elsewhere) && outcome == Outcome::Approved {
            note(facts, Reason::OtherDay, desk);
        }
        let is_taken_back = matches!(self.mark, Some(Mark::Reverse { .. }));
        match (&self.leg, outcome) {
            (&Leg::Debit(onward), Outcome::Approved) if !is_taken_back => {
                return self.on_debited(facts, onward, reply, desk);
            }
            (Leg::Credit(_), Outcome::Refused | Outcome::NotSent) => {
                return self.on_credit_refused(facts, &reply, desk);
            }
            _ => {}
        }
        let owes = match (self.mark, outcome) {
            (Some(Mark::Reverse { remaining }), Outcome::Approved) => {
                desk.owe(facts, Duty::Reversal, remaining)
            }
            _ => None,
        };
        let code = reply.code.unwrap_or(Code::Malfunction);
        let answer = match &self.leg {
            Leg::Credit(_) => self.approval(code, &reply),
            Leg::Only | Leg::Debit(_) => Answer {
                outcome,
                code,
                approval_code: reply.approval_code,
                rrn: reply.rrn,
                settlement_date: reply.settlement_date,
                // Not the host's own: a repeat is answered from what is remembered, and must hear the same.
                wire_code: Text::EMPTY,
                totals: None,
                carried: reply.carried,
            },
        };
        let recorded = desk.out.record(Record::Decided {
            id: facts.id,
            answer: Remembered::from(&answer),
            wire_code: reply.wire_code,
            owes,
            approved: None,
            at: facts.now.wall,
        });
        let refused_report = self.mark == Some(Mark::Confirm) && outcome != Outcome::Approved;
        let after = match owes {
            Some(forward) => After::Reversing(forward.id),
            None if refused_report => raise(facts, Reason::ReportRefused, desk),
            None => After::Nothing,
        };
        if outcome != Outcome::Approved {
            self.note_part_of_nothing(facts, desk);
        }
        self.conclude(facts, &recorded, answer, DecidedBy::Host, after, desk)
    }

    /// Whether the host approved something else than was asked. What it leaves out it does not change.
    fn is_for_another_amount(&self, reply: &Txn) -> bool {
        let said = reply.amount != Amount::default() && reply.amount != self.request.amount;
        self.request.kind.moves_money() && (said || reply.code == Some(Code::ApprovedPartly))
    }

    /// A part was approved, or another amount: nobody below was asked whether that will do, so it is declined
    /// and given back whole, in one record.
    fn on_other_amount(self, facts: Facts, reply: &Txn, desk: &mut Desk<'_>) -> Flow {
        let owes = desk.owe(facts, Duty::Reversal, Amount::default());
        // A part that is not said how large is counted as all of it.
        let said = Some(reply.amount).filter(|amount| *amount != Amount::default());
        let approved = said.unwrap_or(self.request.amount);
        let answer = Answer::ours(Code::Declined, Outcome::Refused);
        let recorded = desk.out.record(Record::Decided {
            id: facts.id,
            answer: Remembered::from(&answer),
            wire_code: reply.wire_code,
            owes,
            approved: Some(approved),
            at: facts.now.wall,
        });
        let after = owes.as_ref().map_or(After::Nothing, pending);
        self.conclude(facts, &recorded, answer, DecidedBy::Host, after, desk)
    }

    fn on_silence(self, facts: Facts, desk: &mut Desk<'_>) -> Flow {
        if matches!(self.leg, Leg::Credit(_)) {
            return self.on_credit_unknown(facts, desk);
        }
        let answer = Answer::ours(Code::NoAnswer, Outcome::Unknown);
        let is_debit = matches!(self.leg, Leg::Debit(_));
        let duty = match self.mark {
            Some(Mark::Reverse { .. }) => Unknown::Owes(Duty::Reversal),
            // Whatever the source says of it: half a transfer must not be posted.
            _ if is_debit => Unknown::Owes(Duty::Reversal),
            Some(Mark::Confirm) => Unknown::Owes(Duty::Advice),
            None => desk.duty_of_unknown(facts),
        };
        let remaining = match self.mark {
            Some(Mark::Reverse { remaining }) => remaining,
            Some(Mark::Confirm) | None => Amount::default(),
        };
        let owes = match duty {
            Unknown::Owes(duty) => desk.owe(facts, duty, remaining),
            Unknown::Nothing | Unknown::ForAPerson(_) => None,
        };
        let recorded = desk.out.record(Record::TimedOut {
            id: facts.id,
            answer: Remembered::from(&answer),
            owes,
            at: facts.now.wall,
        });
        let after = match (owes, duty) {
            (owes, _) if is_debit => self.undone(facts, owes.as_ref(), desk),
            (Some(forward), _) => pending(&forward),
            (None, Unknown::ForAPerson(why)) => raise(facts, why, desk),
            (None, _) => After::Nothing,
        };
        self.conclude(facts, &recorded, answer, DecidedBy::Silence, after, desk)
    }

    fn on_unsent(self, facts: Facts, code: Code, desk: &mut Desk<'_>) -> Flow {
        if matches!(self.leg, Leg::Credit(_)) {
            return self.on_credit_unsent(facts, code, desk);
        }
        let answer = Answer::ours(code, Outcome::NotSent);
        let recorded = desk.out.record(Record::NotSent {
            id: facts.id,
            answer: Remembered::from(&answer),
            owes: None,
            at: facts.now.wall,
        });
        let after = match self.mark {
            Some(Mark::Confirm) => raise(facts, Reason::ReportUnsent, desk),
            Some(Mark::Reverse { .. }) | None => After::Nothing,
        };
        self.note_part_of_nothing(facts, desk);
        self.conclude(facts, &recorded, answer, DecidedBy::Unsent, after, desk)
    }

    /// Swallows the repeat: a second request to the host could be a second posting. The answer will go to
    /// whoever asked last, because the connection of the first may be why it asked again.
    fn on_repeat(mut self: Box<Self>, facts: Facts, asker: Asker, desk: &mut Desk<'_>) -> Flow {
        let before = core::mem::replace(&mut self.asked_by, asker.asked_by);
        if before.1 != asker.asked_by.1 {
            desk.out.displace(before.1);
        }
        desk.out.tell(Tell::Repeated { id: facts.id, in_flight: true });
        Flow::AwaitingHost(self)
    }

    /// Writes down what the source says now, and acts on it when the host's answer is known.
    fn on_mark(mut self: Box<Self>, facts: Facts, mark: Mark, asker: Asker, desk: &mut Desk<'_>) -> Flow {
        let recorded = match self.mark {
            Some(_) => desk.out.record(said_again(facts, asker.request.stan)),
            None => desk.out.record(Record::Marked { id: facts.id, mark, at: facts.now.wall }),
        };
        // The first word stands. Another one is not lost: a person compares the two.
        match (*self.mark.get_or_insert(mark), mark) {
            (known, mark) if known == mark => {}
            (Mark::Confirm, _) => note(facts, Reason::BackAfterReport, desk),
            (Mark::Reverse { .. }, Mark::Confirm) => note(facts, Reason::ReportAfterBack, desk),
            (Mark::Reverse { .. }, Mark::Reverse { .. }) => note(facts, Reason::OtherPart, desk),
        }
        acknowledge(&recorded, asker, desk);
        Flow::AwaitingHost(self)
    }

    /// The source says that a part of it happened, and none of it did.
    fn note_part_of_nothing(&self, facts: Facts, desk: &mut Desk<'_>) {
        if matches!(self.mark, Some(Mark::Reverse { remaining }) if remaining != Amount::default()) {
            note(facts, Reason::PartOfNothing, desk);
        }
    }

    pub(crate) fn conclude(
        self,
        facts: Facts,
        recorded: &Recorded,
        answer: Answer,
        by: DecidedBy,
        after: After,
        desk: &mut Desk<'_>,
    ) -> Flow {
        let taken_back = desk.owed.filter(|owed| owed.duty == Duty::Reversal).map(|owed| owed.remaining);
        let decision = Decision { answer: Remembered::from(&answer), by, after, taken_back };
        desk.out.tell(Tell::Decided {
            id: facts.id,
            kind: facts.kind,
            link: facts.link,
            outcome: answer.outcome,
            code: answer.code,
            took_us: facts.now.instant.us_since(self.since),
        });
        let taken_back = matches!(self.mark, Some(Mark::Reverse { .. }));
        let told = if taken_back { Answer::ours(Code::Declined, Outcome::Refused) } else { answer };
        let told = facts.dated(told);
        match NoMoney::of(&self.request) {
            Some(no_money) => desk.out.answer_source(no_money, self.asked_by, self.request, told),
            None => desk.out.tell_decision(recorded, facts.id, self.asked_by, self.request, told),
        }
        Flow::Decided(decision)
    }
}

impl Decision {
    /// As decided, and nothing became of it yet.
    pub(crate) const fn made(answer: Remembered, by: DecidedBy) -> Self {
        Self { answer, by, after: After::Nothing, taken_back: None }
    }

    /// The same, and this is owed for it from now on.
    #[must_use]
    pub(crate) const fn owing(self, forward: &Forward) -> Self {
        let taken_back = match forward.duty {
            Duty::Reversal => Some(forward.remaining),
            Duty::Advice => self.taken_back,
        };
        Self { after: pending(forward), taken_back, ..self }
    }

    /// Whatever it says, it changes nothing; it is written down once for the people who compare books.
    fn on_late_answer(self, facts: Facts, reply: &Txn, desk: &mut Desk<'_>) -> Flow {
        let second = self.by == DecidedBy::Host;
        let link = facts.link.unwrap_or_default();
        let kind = if second { Observation::Repeated } else { Observation::Late };
        desk.out.record(observed(facts, kind, link, reply));
        desk.out.tell(if second {
            Tell::SecondAnswer { id: facts.id, link }
        } else {
            let outcome = reply.outcome.unwrap_or(Outcome::Unknown);
            Tell::LateAnswer { id: facts.id, link, outcome }
        });
        Flow::Decided(self)
    }

    /// The stored answer, word for word. It waits for the disk like the first one did: the decision may be
    /// a moment old. What was taken back since is told as declined.
    fn on_repeat(self, facts: Facts, asker: Asker, desk: &mut Desk<'_>) -> Flow {
        let recorded = desk.out.record(said_again(facts, asker.request.stan));
        desk.out.tell(Tell::Repeated { id: facts.id, in_flight: false });
        // Whatever comes of its reversal: that may be a person's, and may have been done.
        let answer = match self.taken_back.is_some() && self.answer.outcome == Outcome::Approved {
            true => Answer::ours(Code::Declined, Outcome::Refused),
            false => self.answer.into(),
        };
        desk.out.answer_source(&recorded, asker.asked_by, asker.request, facts.dated(answer));
        Flow::Decided(self)
    }

    /// Approved and standing: owed back. Anything else was never done, or is being undone already.
    fn on_taken_back(self, facts: Facts, remaining: Amount, asker: Asker, desk: &mut Desk<'_>) -> Flow {
        let stands = match self.after {
            After::Nothing => self.answer.outcome == Outcome::Approved,
            // Whatever the source was told: it was posted since.
            After::Confirmed if self.taken_back.is_none() => true,
            After::Confirmed
            | After::Reversing(_)
            | After::Reversed
            | After::Confirming(_)
            | After::Exception
            | After::Captured(_) => false,
        };
        if let (After::Confirming(advice), None) = (self.after, self.taken_back) {
            return self.on_taken_back_while_posted(facts, advice, remaining, asker, desk);
        }
        if !stands {
            let recorded = desk.out.record(said_again(facts, asker.request.stan));
            match self.after {
                // The money went by its capture: that is what can be taken back.
                After::Captured(_) => note(facts, Reason::BackAfterCapture, desk),
                // The first word is being done, or was. Another one is not lost.
                After::Confirming(_) | After::Reversing(_) | After::Reversed
                    if self.taken_back.is_some_and(|of| of != remaining) =>
                {
                    note(facts, Reason::OtherPart, desk);
                }
                After::Nothing if remaining != Amount::default() && self.by != DecidedBy::Tombstone => {
                    note(facts, Reason::PartOfNothing, desk);
                }
                After::Nothing
                | After::Confirming(_)
                | After::Reversing(_)
                | After::Reversed
                | After::Confirmed
                | After::Exception => {}
            }
            acknowledge(&recorded, asker, desk);
            return Flow::Decided(self);
        }
        let (recorded, decision) = self.owe_reversal(facts, remaining, Why::Asked, desk);
        acknowledge(&recorded, asker, desk);
        Flow::Decided(decision)
    }

    /// It is owed as an advice. One that never left is not sent: of a report nothing is left then, and a host that may
    /// have the request is told to undo it. One that may have arrived goes on, and what it posts is undone.
    fn on_taken_back_while_posted(
        self,
        facts: Facts,
        advice: ForwardId,
        remaining: Amount,
        asker: Asker,
        desk: &mut Desk<'_>,
    ) -> Flow {
        let host_has_it = self.by != DecidedBy::Source;
        let is_whole = remaining == Amount::default();
        let reversal = match facts.never_left && host_has_it {
            true => desk.owe(facts, Duty::Reversal, remaining),
            false => None,
        };
        let withdraws = facts.never_left && (reversal.is_some() || (!host_has_it && is_whole));
        let (id, at) = (facts.id, facts.now.wall);
        let (recorded, decision) = match (withdraws, reversal) {
            (true, owes) => {
                desk.withdrawn = Some(advice);
                let recorded = desk.out.record(Record::Withdrawn { id, forward: advice, owes, at });
                (recorded, self.withdrawn(owes.as_ref()))
            }
            (false, _) => {
                let recorded = desk.out.record(Record::Marked { id, mark: Mark::Reverse { remaining }, at });
                (recorded, Self { taken_back: Some(remaining), ..self })
            }
        };
        acknowledge(&recorded, asker, desk);
        Flow::Decided(decision)
    }

    /// What it is when the advice about it is withdrawn, now or in a replay.
    #[must_use]
    pub(crate) const fn withdrawn(self, owes: Option<&Forward>) -> Self {
        match owes {
            Some(forward) => self.owing(forward),
            None => Self { after: After::Reversed, taken_back: Some(Amount::minor(0)), ..self },
        }
    }

    /// What a report adds to a decision: nothing when the host has posted it or will; a person's work when the
    /// host refused what the source says has happened.
    fn on_report(self, facts: Facts, asker: Asker, desk: &mut Desk<'_>) -> Flow {
        let posted_or_will_be = (self.by == DecidedBy::Source && self.taken_back.is_none())
            || match self.after {
                After::Confirming(_) => self.taken_back.is_none(),
                After::Confirmed => true,
                After::Nothing => self.answer.outcome == Outcome::Approved,
                // Somebody looks at it already; or the report it allows has come.
                After::Exception | After::Captured(_) => true,
                After::Reversing(_) | After::Reversed => false,
            };
        let recorded = desk.out.record(said_again(facts, asker.request.stan));
        let after = match posted_or_will_be {
            true => self.after,
            false => {
                let why = Reason::ReportTooLate;
                match self.after {
                    // A reversal under way goes on: never both. The person finds it with the item.
                    After::Reversing(_) | After::Reversed | After::Confirming(_) => {
                        note(facts, why, desk);
                        self.after
                    }
                    _ => raise(facts, why, desk),
                }
            }
        };
        acknowledge(&recorded, asker, desk);
        Flow::Decided(Decision { after, ..self })
    }

    /// Positive evidence that the customer was never told: an approved withdrawal is given back. A deposit is
    /// not: the cash is in the machine, and the terminal will ask or report.
    fn on_undelivered(self, facts: Facts, desk: &mut Desk<'_>) -> Flow {
        let given_back = match facts.kind {
            Kind::Deposit | Kind::TransferIn => false,
            kind => kind.moves_money() && !matches!(kind, Kind::PinChange | Kind::CardActivation),
        };
        if !given_back || self.answer.outcome != Outcome::Approved || self.after != After::Nothing {
            return Flow::Decided(self);
        }
        let (_, decision) = self.owe_reversal(facts, Amount::default(), Why::Undelivered, desk);
        Flow::Decided(decision)
    }

    /// Undone, or posted. In a transfer whose credit is undone now, the debit follows.
    fn on_paid(self, duty: Duty, then: Option<Forward>, desk: &mut Desk<'_>) -> Flow {
        desk.owed = then;
        Flow::Decided(self.paid(duty, then.as_ref()))
    }

    /// What it is when that debt is paid, now or in a replay.
    #[must_use]
    pub(crate) const fn paid(self, duty: Duty, then: Option<&Forward>) -> Self {
        match (then, duty) {
            (Some(forward), _) => self.owing(forward),
            (None, Duty::Reversal) => Self { after: After::Reversed, ..self },
            (None, Duty::Advice) => Self { after: After::Confirmed, ..self },
        }
    }

    fn owe_reversal(
        self,
        facts: Facts,
        remaining: Amount,
        why: Why,
        desk: &mut Desk<'_>,
    ) -> (Recorded, Self) {
        match desk.owe(facts, Duty::Reversal, remaining) {
            Some(forward) => {
                let owed = Record::Owed { id: facts.id, forward, why, at: facts.now.wall };
                (desk.out.record(owed), self.owing(&forward))
            }
            // Approved without a host: only a report from below is. There is nobody to tell.
            None => {
                note(facts, Reason::BackOfNobodys, desk);
                let resolved = Record::Resolved { id: facts.id, after: After::Exception };
                (desk.out.record(resolved), Self { after: After::Exception, ..self })
            }
        }
    }
}

/// The state an owed message puts its transaction in.
pub(crate) const fn pending(forward: &Forward) -> After {
    match forward.duty {
        Duty::Reversal => After::Reversing(forward.id),
        Duty::Advice => After::Confirming(forward.id),
    }
}

/// Writes an item for a person, whose transaction it is from now on.
pub(crate) fn raise(facts: Facts, why: Reason, desk: &mut Desk<'_>) -> After {
    note(facts, why, desk);
    desk.out.record(Record::Resolved { id: facts.id, after: After::Exception });
    After::Exception
}

/// Writes an item for a person beside whatever goes on; of each matter once, however often the same is said.
pub(crate) fn note(facts: Facts, why: Reason, desk: &mut Desk<'_>) {
    if facts.is_a_persons || facts.noted.contains(why.matter()) || !desk.noted.insert(why.matter()) {
        return;
    }
    let reason = Text::clipped(why.text().as_bytes());
    desk.out.record(Record::Exception { id: facts.id, forward: None, reason, at: facts.now.wall });
    desk.out.tell(Tell::NeedsAPerson { id: facts.id });
}

/// A reversal or a report is acknowledged with "approved", whatever becomes of it: it is ours from now on.
pub(crate) fn acknowledge(recorded: &Recorded, asker: Asker, desk: &mut Desk<'_>) {
    let answer = Answer::ours(Code::Approved, Outcome::Approved);
    desk.out.answer_source(recorded, asker.asked_by, asker.request, answer);
}

/// An answer that decides nothing.
pub(crate) fn observed(facts: Facts, kind: Observation, link: LinkId, reply: &Txn) -> Record {
    let (host_stan, wire_code) = (reply.stan, reply.wire_code);
    Record::Observed(Observed { kind, link, host_stan, id: Some(facts.id), wire_code, at: facts.now.wall })
}

/// A source said again what it had said.
pub(crate) fn asked_again(id: TxnId, link: LinkId, stan: Stan, now: Now) -> Record {
    let (kind, wire_code) = (Observation::AskedAgain, Text::EMPTY);
    Record::Observed(Observed { kind, link, host_stan: stan, id: Some(id), wire_code, at: now.wall })
}

fn said_again(facts: Facts, stan: Stan) -> Record {
    asked_again(facts.id, facts.link.unwrap_or(LinkId(0)), stan, facts.now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LinkState;
    use crate::pairing::Link;
    use crate::reason::Matters;
    use crate::transfer::Debit;
    use crate::{Effect, LinkConfig, Outbox};
    use alloc::string::String;
    use terms::{BusinessDate, ForwardId, LinkId, MessageType, Now, TxnId};

    /// Who is asked in a state, and whether the receiving host could be.
    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Hosts {
        One,
        /// Nothing has left for it yet.
        Away,
        Paying,
        PayingAlone,
        Receiving,
    }
    use Hosts::{Away, One, Paying, PayingAlone, Receiving};

    fn facts(hosts: Hosts) -> Facts {
        let business_date = BusinessDate::from_days(0);
        let kind = if matches!(hosts, One | Away) { Kind::Withdrawal } else { Kind::Transfer };
        let link = Some(LinkId(u16::from(hosts == Receiving)));
        let debit = (hosts == Receiving).then_some(Debit { link: LinkId(0), business_date });
        Facts {
            id: TxnId(1),
            kind,
            link,
            business_date,
            debit,
            told_date: None,
            noted: Matters::default(),
            is_a_persons: false,
            never_left: hosts == Away,
            now: Now::default(),
        }
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
            sent_at: Instant::default(),
            leg: Leg::Only,
            mark: None,
        }))
    }

    fn transferring(leg: Leg, mark: Option<Mark>) -> Flow {
        let Flow::AwaitingHost(mut awaiting) = awaiting() else { unreachable!("it awaits") };
        let request = Txn { kind: Kind::Transfer, ..Txn::clone(&awaiting.request) };
        (awaiting.leg, awaiting.mark, awaiting.request) = (leg, mark, Arc::new(request));
        Flow::AwaitingHost(awaiting)
    }

    fn debit(mark: Option<Mark>) -> Flow {
        transferring(Leg::Debit(Onward { link: LinkId(1), route: Text::EMPTY }), mark)
    }

    fn credit(mark: Option<Mark>) -> Flow {
        transferring(Leg::Credit(Box::default()), mark)
    }

    const UNDO: Option<Mark> = Some(Mark::Reverse { remaining: Amount::minor(0) });
    const POST: Option<Mark> = Some(Mark::Confirm);

    fn decided(by: DecidedBy) -> Flow {
        let answer = match by {
            DecidedBy::Host | DecidedBy::Source => Answer::ours(Code::Approved, Outcome::Approved),
            DecidedBy::Silence => Answer::ours(Code::NoAnswer, Outcome::Unknown),
            DecidedBy::Unsent | DecidedBy::Us => Answer::ours(Code::HostDown, Outcome::NotSent),
            DecidedBy::Tombstone => Answer::ours(Code::Declined, Outcome::Refused),
        };
        Flow::Decided(Decision::made(Remembered::from(&answer), by))
    }

    fn answer(outcome: Outcome) -> Happening {
        let message = MessageType::from_digits([2, 1, 0]).expect("0210");
        let code = Some(Code::Approved);
        Happening::HostAnswered(Box::new(Txn { outcome: Some(outcome), code, ..Txn::new(message) }))
    }

    fn debit_answered() -> Happening {
        Happening::DebitAnswered(Box::new(Txn::new(MessageType::from_digits([2, 1, 0]).expect("0210"))))
    }

    fn of_debit() -> Forward {
        let (id, link) = (ForwardId(10), LinkId(0));
        let business_date = BusinessDate::from_days(0);
        let (host_stan, remaining) = (Stan(2), Amount::minor(0));
        Forward { id, duty: Duty::Reversal, link, host_stan, remaining, business_date }
    }

    fn again() -> Happening {
        let message = MessageType::from_digits([2, 0, 1]).expect("0201");
        Happening::AskedAgain(asker(message))
    }

    fn asker(message: MessageType) -> Asker {
        Asker { asked_by: (SourceId(0), ConnId(2)), request: Arc::new(Txn::new(message)) }
    }

    fn taken_back() -> Happening {
        let message = MessageType::from_digits([4, 2, 0]).expect("0420");
        Happening::TakenBack { asker: asker(message), remaining: Amount::default() }
    }

    fn reported() -> Happening {
        Happening::Reported(asker(MessageType::from_digits([2, 2, 0]).expect("0220")))
    }

    fn marked(mark: Mark) -> Flow {
        let Flow::AwaitingHost(mut awaiting) = awaiting() else { unreachable!("it awaits") };
        awaiting.mark = Some(mark);
        Flow::AwaitingHost(awaiting)
    }

    fn refused() -> Flow {
        let answer = Answer::ours(Code::DoNotHonour, Outcome::Refused);
        Flow::Decided(Decision::made(Remembered::from(&answer), DecidedBy::Host))
    }

    fn to_undo() -> Flow {
        marked(Mark::Reverse { remaining: Amount::default() })
    }

    fn to_post() -> Flow {
        marked(Mark::Confirm)
    }

    fn reported_alone() -> Flow {
        let Flow::Decided(decision) = decided(DecidedBy::Source) else { unreachable!("it is decided") };
        Flow::Decided(Decision { after: After::Confirming(ForwardId(9)), ..decision })
    }

    fn then(after: After) -> Flow {
        let Flow::Decided(decision) = decided(DecidedBy::Host) else { unreachable!("it is decided") };
        Flow::Decided(Decision { after, ..decision })
    }

    /// What a step leaves, in a line: the new state, then what goes out in order.
    fn in_a_line(hosts: Hosts, flow: Flow, happening: Happening) -> String {
        let mut out = Outbox::new();
        let config = || LinkConfig { in_flight_max: 1, ..LinkConfig::retired(Text::EMPTY) };
        let mut links = [Link::new(config()), Link::new(config())];
        links[1].up = hosts != PayingAlone;
        links[1].life.position.state = LinkState::Connected;
        let mut next_forward = ForwardId(1);
        let mut desk = Desk {
            out: &mut out,
            links: &mut links,
            next_forward: &mut next_forward,
            owed: None,
            withdrawn: None,
            credited: None,
            noted: Matters::default(),
        };
        let after = match flow.step(facts(hosts), happening, &mut desk) {
            Flow::AwaitingHost(awaiting) if matches!(awaiting.leg, Leg::Credit(_)) => "crediting",
            Flow::AwaitingHost(awaiting) if matches!(awaiting.leg, Leg::Debit(_)) => "debiting",
            Flow::AwaitingHost(awaiting) if awaiting.mark.is_some() => "marked",
            Flow::AwaitingHost(_) => "awaiting",
            Flow::Decided(Decision { after: After::Reversing(_), .. }) => "reversing",
            Flow::Decided(Decision { after: After::Reversed, .. }) => "reversed",
            Flow::Decided(Decision { after: After::Confirming(_), .. }) => "confirming",
            Flow::Decided(Decision { after: After::Confirmed, .. }) => "confirmed",
            Flow::Decided(Decision { after: After::Exception, .. }) => "a person's",
            Flow::Decided(Decision { after: After::Captured(_), .. }) => "captured",
            Flow::Decided(Decision { by: DecidedBy::Host, .. }) => "by host",
            Flow::Decided(Decision { by: DecidedBy::Silence, .. }) => "by silence",
            Flow::Decided(Decision { by: DecidedBy::Unsent, .. }) => "by proof",
            Flow::Decided(Decision { by: DecidedBy::Us, .. }) => "by us",
            Flow::Decided(Decision { by: DecidedBy::Tombstone, .. }) => "by tombstone",
            Flow::Decided(Decision { by: DecidedBy::Source, .. }) => "by source",
        };
        let mut line = String::from(after);
        for effect in out.drain() {
            line += " | ";
            line += match effect {
                Effect::Record(record) => record.name(),
                Effect::ToHost { .. } => "ask host",
                Effect::ToSource { durable_first: true, .. } => "answer when durable",
                Effect::ToSource { .. } | Effect::ToHostAnswer { .. } => "answer now",
                Effect::Displaced { .. } => "displace",
                Effect::KeysTold { .. } => "keys told",
                Effect::HangUp { .. } => "hang up",
                Effect::Announce { .. } => "announce",
                Effect::Tell(Tell::Meaningless { .. }) => "meaningless",
                Effect::Tell(Tell::NeedsAPerson { .. }) => "call a person",
                Effect::Tell(_) => "tell",
            };
        }
        line
    }

    type States = [(&'static str, Hosts, fn() -> Flow); 29];
    type Happenings = [(&'static str, fn() -> Happening); 15];

    #[rustfmt::skip]
    const STATES: States = [
        ("awaiting",            One, awaiting),
        ("awaiting, to undo",   One, to_undo),
        ("awaiting, to post",   One, to_post),
        ("approved by host",    One, || decided(DecidedBy::Host)),
        ("refused by host",     One, refused),
        ("by silence",          One, || decided(DecidedBy::Silence)),
        ("proved unsent",       One, || decided(DecidedBy::Unsent)),
        ("declined by us",      One, || decided(DecidedBy::Us)),
        ("tombstone",           One, || decided(DecidedBy::Tombstone)),
        ("approved, reversing", One, || then(After::Reversing(ForwardId(9)))),
        ("approved, reversed",  One, || then(After::Reversed)),
        ("confirming",          One, || then(After::Confirming(ForwardId(9)))),
        ("confirmed",           One, || then(After::Confirmed)),
        ("a person's",          One, || then(After::Exception)),
        ("debiting",            Paying, || debit(None)),
        ("debiting, to undo",   Paying, || debit(UNDO)),
        ("debiting, to post",   Paying, || debit(POST)),
        ("debiting, no way on", PayingAlone, || debit(None)),
        ("crediting",           Receiving, || credit(None)),
        ("crediting, to undo",  Receiving, || credit(UNDO)),
        ("crediting, to post",  Receiving, || credit(POST)),
        ("transferred",         Receiving, || decided(DecidedBy::Host)),
        ("credit reversing",    Receiving, || then(After::Reversing(ForwardId(9)))),
        ("credit confirming",   Receiving, || then(After::Confirming(ForwardId(9)))),
        ("credit confirmed",    Receiving, || then(After::Confirmed)),
        ("transfer, a person's", Receiving, || then(After::Exception)),
        ("captured",            One, || then(After::Captured(TxnId(2)))),
        ("confirming, not left", Away, || then(After::Confirming(ForwardId(9)))),
        ("report, not left",    Away, reported_alone),
    ];

    #[rustfmt::skip]
    const HAPPENINGS: Happenings = [
        ("host approves",       || answer(Outcome::Approved)),
        ("host refuses",        || answer(Outcome::Refused)),
        ("host does not know",  || answer(Outcome::Unknown)),
        ("debit answered",      debit_answered),
        ("deadline",            || Happening::Deadline),
        ("proved unsent",       || Happening::Unsent(Code::HostDown)),
        ("asked again",         again),
        ("taken back",          taken_back),
        ("reported",            reported),
        ("undelivered",         || Happening::Undelivered),
        ("reversal paid",       || Happening::Paid { duty: Duty::Reversal, then: None }),
        ("and the debit next",  || Happening::Paid { duty: Duty::Reversal, then: Some(of_debit()) }),
        ("advice paid",         || Happening::Paid { duty: Duty::Advice, then: None }),
        ("handed over",         || Happening::HandedOver),
        ("restarted",           || Happening::Restarted),
    ];

    /// Every state and every happening, the refused pairs too. A line that changes is a rule that changes.
    #[test]
    fn every_state_meets_every_happening_as_written_in_the_table() {
        let mut table = String::new();
        for (state, hosts, make) in STATES {
            for (happening, happen) in HAPPENINGS {
                let line = in_a_line(hosts, make(), happen());
                table += &alloc::format!("{state:20} {happening:18} -> {line}\n");
            }
        }
        let written = include_str!("flow.table");
        for (at, (now, before)) in table.lines().zip(written.lines()).enumerate() {
            assert_eq!(now, before, "line {} of flow.table", at + 1);
        }
        assert_eq!(table.lines().count(), written.lines().count(), "the whole table is now:\n{table}");
    }
}
