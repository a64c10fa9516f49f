//! Captures and completions: an application, or a terminal, turns what it was authorized into money, once.
//!
//! An application asks and may be refused. A terminal reports (0220) what has happened already: that is acknowledged
//! always, and owed to the host or left to a person.

use crate::admit::{Way, admit};
use crate::flow::{Decision, Flow};
use crate::memory::{Slot, Trail};
use crate::owing::trail_of;
use crate::reason::Reason;
use crate::{Lane, NoMoney, Outbox};
use alloc::sync::Arc;
use journal::{After, Record, Ticket};
use terms::{Amount, Answer, Class, Code, ConnId, LinkId, Outcome, SourceId, Text, Txn, TxnId};

/// Why something cannot be captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotCapture {
    /// It is not remembered, or never was.
    #[error("what is to be captured is not remembered")]
    NotRemembered,
    /// It did more than ask whether it may be done, or something else.
    #[error("it is not an authorization: only what was authorized is captured")]
    NotAnAuthorization,
    /// Its host has not answered.
    #[error("its host has not answered yet")]
    NotDecided,
    /// Declined, or nobody knows.
    #[error("it was not approved")]
    NotApproved,
    /// By this transaction.
    #[error("it was captured already")]
    Captured(TxnId),
    /// Its source took it back, or it was never told the answer.
    #[error("it was taken back")]
    TakenBack,
    /// Somebody has to look at it first.
    #[error("a person has to look at it first")]
    APersons,
    /// More than was approved.
    #[error("it is more than was approved")]
    TooMuch,
}

/// What a report means to the request it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Completed {
    /// An approved authorization, which becomes money by it.
    Now,
    /// An authorization that does not, for this reason.
    Not(Reason),
    /// Nothing new: it is the report that completed it, said again, or about no authorization that was approved.
    Else,
}

impl Lane {
    /// Whether an [`crate::Event::Captured`] of that much would do anything.
    pub fn may_capture(&self, of: TxnId, amount: Amount) -> Result<(), CannotCapture> {
        self.to_capture(of, amount).map(drop)
    }

    /// Where the authorization stands that may be captured.
    fn to_capture(&self, of: TxnId, amount: Amount) -> Result<usize, CannotCapture> {
        let key = self.tickets.key_of(of).ok_or(CannotCapture::NotRemembered)?;
        let found = self.memory.find(&key);
        let slot = found.and_then(|at| self.memory.get(at)).filter(|slot| slot.id == of);
        let (at, slot) = found.zip(slot).ok_or(CannotCapture::NotRemembered)?;
        slot.may_be_captured(amount).map(|()| at)
    }

    /// Asked for and done in one step: of two who capture at once, one is refused.
    pub(crate) fn on_captured(
        &mut self,
        now: terms::Now,
        asked_by: (SourceId, ConnId),
        txn: Txn,
        (ticket, of): (Ticket, TxnId),
        out: &mut Outbox,
    ) {
        let trail = trail_of(asked_by.0, &txn);
        let source = self.sources.get(usize::from(asked_by.0.0));
        let is_report = source.is_some_and(|source| matches!(admit(source, &txn), Ok(Way::Report)));
        let is_fresh = is_report && self.memory.follow(&trail, |_| true).is_none();
        let Some(at) = self.to_capture(of, txn.amount).ok().filter(|_| is_fresh) else {
            let answer = Answer::ours(Code::InvalidTransaction, Outcome::NotSent);
            return out.answer_source(NoMoney::of_refusal(), asked_by, Arc::new(txn), answer);
        };
        self.spend(at, of, out);
        self.tickets.presented = Some(ticket);
        self.accept_report(now, trail, asked_by, (txn, self.authorized_by(at)), out);
        self.tickets.presented = None;
    }

    /// What a report means to the request there, which it names.
    pub(crate) fn completed_by(&self, at: usize, source: SourceId, report: &Txn) -> Completed {
        let Some(slot) = self.memory.get(at) else { return Completed::Else };
        let is_authorization =
            slot.sent.as_deref().is_some_and(|sent| sent.message.class == Class::Authorization);
        match &slot.flow {
            _ if !is_authorization => Completed::Else,
            // Before its answer a terminal has nothing to go by. What it has done is not known to be covered.
            Flow::AwaitingHost(_) => Completed::Not(Reason::CompletedEarly),
            Flow::Decided(Decision { after: After::Captured(by), .. }) => {
                let own = self.memory.follow(&Trail::of_request(source, report), |slot| slot.id == *by);
                match own {
                    Some(_) => Completed::Else,
                    None => Completed::Not(Reason::CompletedTwice),
                }
            }
            Flow::Decided(Decision { answer, after: After::Nothing, .. })
                if answer.outcome == Outcome::Approved =>
            {
                Completed::Now
            }
            Flow::Decided(_) => Completed::Else,
        }
    }

    /// A terminal says that it has made what it was authorized to: the host is owed that, under the report's own name.
    /// It may be for less or for more; what has happened is not ours to refuse.
    pub(crate) fn on_completed(
        &mut self,
        now: terms::Now,
        at: usize,
        asked_by: (SourceId, ConnId),
        txn: Txn,
        out: &mut Outbox,
    ) {
        let Some(of) = self.memory.get(at).map(|slot| slot.id) else { return };
        let own = Trail::of_request(asked_by.0, &txn);
        self.spend(at, of, out);
        self.accept_report(now, own, asked_by, (txn, self.authorized_by(at)), out);
    }

    /// The host that holds it, and the route it went by.
    fn authorized_by(&self, at: usize) -> Option<(LinkId, Text<24>)> {
        let sent = self.memory.get(at)?.sent.as_deref()?;
        Some((sent.link, sent.route))
    }

    /// Before the capture itself: nobody can know the capture and not that the authorization is spent.
    fn spend(&mut self, at: usize, of: TxnId, out: &mut Outbox) {
        let after = After::Captured(self.next_id);
        out.record(Record::Resolved { id: of, after });
        self.set_captured(at, after);
    }

    fn set_captured(&mut self, at: usize, after: After) {
        if let Some(Slot { flow: Flow::Decided(decision), .. }) = self.memory.get_mut(at) {
            decision.after = after;
        }
    }

    /// That capture is withdrawn, and its host never heard of it: what it captured stands as before. Cost: the memory is
    /// walked through, and only for what applications submitted.
    pub(crate) fn uncapture(&mut self, capture: TxnId) {
        if self.tickets.key_of(capture).is_none() {
            return;
        }
        let is_its = |slot: &Slot| matches!(slot.flow, Flow::Decided(Decision { after: After::Captured(by), .. }) if by == capture);
        let found = self.memory.iter().find(|(_, slot)| is_its(slot)).map(|(at, _)| at);
        if let Some(at) = found {
            self.set_captured(at, After::Nothing);
        }
    }

    /// In the end of a replay: the power failed between the two records, so these were captured by nothing.
    pub(crate) fn forget_captures_from(&mut self, next: TxnId) {
        let never_were = |slot: &Slot| {
            let after = match &slot.flow {
                Flow::Decided(Decision { after, .. }) => *after,
                Flow::AwaitingHost(_) => After::Nothing,
            };
            matches!(after, After::Captured(by) if by >= next)
        };
        let found: alloc::vec::Vec<usize> =
            self.memory.iter().filter(|(_, slot)| never_were(slot)).map(|(at, _)| at).collect();
        for at in found {
            self.set_captured(at, After::Nothing);
        }
    }
}

impl Slot {
    fn may_be_captured(&self, amount: Amount) -> Result<(), CannotCapture> {
        let sent = self.sent.as_deref().ok_or(CannotCapture::NotApproved)?;
        if sent.message.class != Class::Authorization {
            return Err(CannotCapture::NotAnAuthorization);
        }
        let Flow::Decided(Decision { answer, after, .. }) = &self.flow else {
            return Err(CannotCapture::NotDecided);
        };
        match after {
            After::Captured(by) => Err(CannotCapture::Captured(*by)),
            _ if answer.outcome != Outcome::Approved => Err(CannotCapture::NotApproved),
            After::Reversing(_) | After::Reversed => Err(CannotCapture::TakenBack),
            After::Confirming(_) | After::Confirmed | After::Exception => Err(CannotCapture::APersons),
            After::Nothing if amount > sent.amount => Err(CannotCapture::TooMuch),
            After::Nothing => Ok(()),
        }
    }
}
