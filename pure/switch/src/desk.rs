use crate::Outbox;
use crate::admit::Refusal;
use crate::pairing::{Link, link_mut};
use crate::reason::{Matters, Reason};
use crate::transfer::Debit;
use journal::{Credited, Duty, Forward};
use terms::{Amount, Answer, BusinessDate, Code, ForwardId, Kind, LinkId, Now, Stan, TxnId};

/// What does not change about a transaction while it takes one step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    pub(crate) id: TxnId,
    pub(crate) kind: Kind,
    /// The host that was asked, in a transfer between two the one that was asked last; `None` where none was.
    pub(crate) link: Option<LinkId>,
    /// The host's day when it was asked.
    pub(crate) business_date: BusinessDate,
    /// In a transfer whose credit was sent: its debit.
    pub(crate) debit: Option<Debit>,
    /// Our own day when it was sent, where we keep one: what its source is told.
    pub(crate) told_date: Option<BusinessDate>,
    /// Of which matters there is an item for a person about it already.
    pub(crate) noted: Matters,
    /// A person has it.
    pub(crate) is_a_persons: bool,
    /// A message is owed for it, and no attempt was made at it yet.
    pub(crate) never_left: bool,
    pub(crate) now: Now,
}

impl Facts {
    /// What its source is told, under our own day where we keep one: it is ours that the source goes by.
    pub(crate) fn dated(&self, answer: Answer) -> Answer {
        Answer { settlement_date: self.told_date.or(answer.settlement_date), ..answer }
    }
}

/// What one transaction may take from the lane while it takes one step: numbers, and the outbox.
pub(crate) struct Desk<'a> {
    pub(crate) out: &'a mut Outbox,
    pub(crate) links: &'a mut [Link],
    pub(crate) next_forward: &'a mut ForwardId,
    /// The message this step came to owe. One step owes at most one.
    pub(crate) owed: Option<Forward>,
    /// The message that is owed no more.
    pub(crate) withdrawn: Option<ForwardId>,
    /// The credit this step sent.
    pub(crate) credited: Option<Credited>,
    /// The matters of which this step wrote items for people.
    pub(crate) noted: Matters,
}

impl Desk<'_> {
    /// Draws a message that is owed from now on. `None` where no host was ever asked.
    pub(crate) fn owe(&mut self, facts: Facts, duty: Duty, remaining: Amount) -> Option<Forward> {
        self.owe_to(facts.link?, facts.business_date, duty, remaining)
    }

    /// Draws the reversal of a transfer's debit, whose credit came to nothing.
    pub(crate) fn owe_debit(&mut self, facts: Facts) -> Option<Forward> {
        let Debit { link, business_date } = facts.debit?;
        self.owe_to(link, business_date, Duty::Reversal, Amount::default())
    }

    fn owe_to(
        &mut self,
        link_id: LinkId,
        business_date: BusinessDate,
        duty: Duty,
        remaining: Amount,
    ) -> Option<Forward> {
        let host_stan = link_mut(self.links, link_id)?.draw_stan()?;
        let forward =
            Forward { id: *self.next_forward, duty, link: link_id, host_stan, remaining, business_date };
        *self.next_forward = ForwardId(forward.id.0 + 1);
        self.owed = Some(forward);
        Some(forward)
    }

    /// A trace number on that link, when it takes one more request now.
    pub(crate) fn way_to(&mut self, now: Now, link: LinkId) -> Result<Stan, Refusal> {
        let known = link_mut(self.links, link).ok_or(Refusal::not_sent(Code::NoRoute, "no such link"));
        known?.take(now.instant)
    }

    /// Whether a customer whose credit that host did not answer is told *approved*.
    pub(crate) fn unknown_credits_approved(&mut self, facts: Facts) -> bool {
        let link = facts.link.and_then(|link| link_mut(self.links, link));
        link.is_some_and(|link| link.config.host.unknown_credits_approved)
    }

    /// What an unknown outcome obliges us to, by kind and by what the host's contract says of deposits.
    pub(crate) fn duty_of_unknown(&mut self, facts: Facts) -> Unknown {
        let Some(link) = facts.link.and_then(|link| link_mut(self.links, link)) else {
            return Unknown::Nothing;
        };
        match facts.kind {
            Kind::BalanceInquiry
            | Kind::PinChange
            | Kind::CardStatus
            | Kind::CardActivation
            | Kind::History
            | Kind::BillInquiry
            | Kind::CardType => Unknown::Nothing,
            // The cash is in the machine: what is owed is the posting, and only on the day it belongs to.
            Kind::Deposit if link.date.is_some_and(|date| date != facts.business_date) => {
                Unknown::ForAPerson(Reason::DepositOfOtherDay)
            }
            Kind::Deposit if link.config.host.deposits_are_posted => Unknown::Owes(Duty::Advice),
            Kind::TransferIn => Unknown::Owes(Duty::Advice),
            Kind::Deposit
            | Kind::Purchase
            | Kind::Withdrawal
            | Kind::Transfer
            | Kind::TransferOut
            | Kind::BillPayment
            | Kind::Refund => Unknown::Owes(Duty::Reversal),
        }
    }
}

/// What an unknown outcome obliges us to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unknown {
    Nothing,
    Owes(Duty),
    ForAPerson(Reason),
}
