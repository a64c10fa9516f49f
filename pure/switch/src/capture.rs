//! Captures: an application turns what it was authorized into money, once.

use crate::admit::{Way, admit};
use crate::flow::{Decision, Flow};
use crate::memory::Slot;
use crate::owing::trail_of;
use crate::{Lane, NoMoney, Outbox};
use alloc::sync::Arc;
use journal::{After, Record, Ticket};
use terms::{Amount, Answer, Class, Code, ConnId, Outcome, SourceId, Txn, TxnId};

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
        // Before the capture itself: nobody can know the capture and not that the authorization is spent.
        let after = After::Captured(self.next_id);
        out.record(Record::Resolved { id: of, after });
        self.set_captured(at, after);
        self.tickets.presented = Some(ticket);
        self.accept_report(now, trail, asked_by, txn, out);
        self.tickets.presented = None;
    }

    fn set_captured(&mut self, at: usize, after: After) {
        if let Some(Slot { flow: Flow::Decided(decision), .. }) = self.memory.get_mut(at) {
            decision.after = after;
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
