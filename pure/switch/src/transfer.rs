//! A transfer between two hosts: the debit first, then the credit, and one decision for both.
//!
//! ```text
//!   asked ─▶ debit in flight ── approved: one record ──▶ credit in flight ── approved ──▶ decided: approved
//!              │ refused: declined                          │ refused: declined; the debit is given back
//!              │ no answer: unknown; the debit              │ never left: the same
//!              │   is given back                            │ no answer: a credit advice is owed, and the
//!              │ approved, and the credit cannot            │   debit stands; told by the receiving host's
//!              │   be sent: declined, given back            │   contract, approved unless it says otherwise
//!              ▼                                            ▼
//!            decided                                      decided
//! ```
//! - **Nobody is credited before the debit is known.** What a debit or a credit that failed makes us owe stands in
//!   the record of that decision, so no crash can come between.
//! - **A credit that nobody answered is not undone.** It may have been posted, and the other customer may have
//!   spent it. It is owed as an advice (0220) until its host has it, and the debit stands. Told as approved,
//!   because that is what it comes to: a terminal that is told *unknown* takes back what we go on to post.
//!   A host that may refuse its advices should be told of as unknown (`unknown_credits_approved`).
//! - **Undone in the opposite order.** Taken back, or provably never told, an approved transfer loses its credit
//!   first; only when that is gone does the record of its going owe the debit back. A credit that cannot be
//!   undone any more leaves both standing, and a person.
//! - **A source that takes it back** while the debit is in flight prevents the credit; while the credit is in
//!   flight, both are undone when the answer, or none, has come. While an advice is owed, the credit is undone
//!   instead where the advice never left, and otherwise as soon as it is posted; then the debit.
//! - **A death** decides the leg in flight by silence. What was approved and not yet written is silence too: the
//!   credit leaves only behind the record that the debit was approved.
//! - **The two links differ, always**: that is what makes a transfer one of two hosts, and what tells the answers
//!   and debts of one leg from those of the other.
//!
//! What is tried before the debit: whether the credit could be sent now. A customer who is declined before
//! anything was sent costs nobody anything.

use crate::admit::Refusal;
use crate::desk::{Desk, Facts};
use crate::flow::{Awaiting, Decision, Flow, Leg, note, observed, pending, raise};
use crate::pairing::{Link, transmitted_at};
use crate::reason::Reason;
use crate::{Lane, Tell};
use alloc::boxed::Box;
use alloc::sync::Arc;
use journal::{
    Account, After, Credited, DecidedBy, Duty, Forward, Mark, Observation, Onward, Record, Remembered, Sent,
    Vault, VaultError,
};
use terms::{
    Amount, Answer, BusinessDate, Carried, Code, Instant, Kind, LinkId, Noun, Now, Outcome, Outgoing, Stan,
    Text, Txn,
};

/// What makes a transaction a transfer between two hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Legs {
    /// Where the credit is to go.
    pub(crate) onward: Onward,
    /// The credit, once it was sent.
    pub(crate) credit: Option<Credited>,
}

/// What the paying host said with its approval: the customer is told it with the decision.
#[derive(Clone, Debug, Default)]
pub(crate) struct DebitSaid {
    pub(crate) approval_code: Text<6>,
    pub(crate) settlement_date: Option<BusinessDate>,
    pub(crate) carried: Carried,
}

/// The debit of a transfer whose credit was sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Debit {
    pub(crate) link: LinkId,
    pub(crate) business_date: BusinessDate,
}

/// One leg as its host saw it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LegSeen {
    pub(crate) kind: Kind,
    pub(crate) host_stan: Stan,
    pub(crate) host_transmitted_at: Text<10>,
}

impl LegSeen {
    /// The leg that went over that link.
    pub(crate) fn of(sent: &Sent, legs: Option<&Legs>, link: LinkId) -> Self {
        match legs.map(|legs| legs.credit.filter(|credit| credit.link == link)) {
            Some(Some(credit)) => Self {
                kind: Kind::TransferIn,
                host_stan: credit.host_stan,
                host_transmitted_at: credit.host_transmitted_at,
            },
            is_transfer => Self {
                kind: if is_transfer.is_some() { Kind::TransferOut } else { sent.kind },
                host_stan: sent.host_stan,
                host_transmitted_at: sent.host_transmitted_at,
            },
        }
    }
}

impl Awaiting {
    /// The debit is done: the credit goes out with the record that says so, or is proved unsent with the
    /// record that gives the debit back.
    pub(crate) fn on_debited(
        mut self: Box<Self>,
        facts: Facts,
        onward: Onward,
        reply: Txn,
        desk: &mut Desk<'_>,
    ) -> Flow {
        let stan = match desk.way_to(facts.now, onward.link) {
            Ok(stan) => stan,
            Err(refusal) => return self.on_no_way_to_credit(facts, refusal, &reply, desk),
        };
        let Some(link) = desk.links.get(usize::from(onward.link.0)) else { return Flow::AwaitingHost(self) };
        let credited = Credited {
            id: facts.id,
            wire_code: reply.wire_code,
            approval_code: reply.approval_code,
            link: onward.link,
            host_stan: stan,
            host_transmitted_at: transmitted_at(facts.now, &link.config),
            business_date: link.date.unwrap_or_else(|| facts.now.local().date),
            at: facts.now.wall,
        };
        let deadline = facts.now.instant.plus_ms(link.config.reply_timeout_ms);
        let recorded = desk.out.record(Record::Credited(credited));
        self.ours = Outgoing { stan, transmitted_at: credited.host_transmitted_at, ..self.ours };
        desk.out.ask_host(&recorded, onward.link, facts.id, Arc::new(credit_of(&self.request)), self.ours);
        desk.credited = Some(credited);
        (self.deadline, self.sent_at) = (deadline, facts.now.instant);
        self.leg = Leg::Credit(Box::new(DebitSaid {
            approval_code: reply.approval_code,
            settlement_date: reply.settlement_date,
            carried: reply.carried,
        }));
        Flow::AwaitingHost(self)
    }

    /// Not one byte of the credit left: declined, and the debit is given back, in one record.
    fn on_no_way_to_credit(self, facts: Facts, refusal: Refusal, reply: &Txn, desk: &mut Desk<'_>) -> Flow {
        let owes = desk.owe(facts, Duty::Reversal, Amount::default());
        let answer = Answer::ours(refusal.code, Outcome::Refused);
        let recorded = desk.out.record(Record::Decided {
            id: facts.id,
            answer: Remembered::from(&answer),
            wire_code: reply.wire_code,
            owes,
            approved: None,
            at: facts.now.wall,
        });
        let after = self.undone(facts, owes.as_ref(), desk);
        self.conclude(facts, &recorded, answer, DecidedBy::Host, after, desk)
    }

    /// The receiving host said no: nothing was credited, so the debit is given back in the same record.
    pub(crate) fn on_credit_refused(self, facts: Facts, reply: &Txn, desk: &mut Desk<'_>) -> Flow {
        let owes = desk.owe_debit(facts);
        let code = reply.code.map_or(Code::Declined, about_the_receiver);
        let answer = Answer::ours(code, Outcome::Refused);
        let recorded = desk.out.record(Record::Decided {
            id: facts.id,
            answer: Remembered::from(&answer),
            wire_code: reply.wire_code,
            owes,
            approved: None,
            at: facts.now.wall,
        });
        let after = self.undone(facts, owes.as_ref(), desk);
        self.conclude(facts, &recorded, answer, DecidedBy::Host, after, desk)
    }

    /// Not a byte of the credit left us after all.
    pub(crate) fn on_credit_unsent(self, facts: Facts, code: Code, desk: &mut Desk<'_>) -> Flow {
        let owes = desk.owe_debit(facts);
        let answer = Answer::ours(code, Outcome::Refused);
        let recorded = desk.out.record(Record::NotSent {
            id: facts.id,
            answer: Remembered::from(&answer),
            owes,
            at: facts.now.wall,
        });
        let after = self.undone(facts, owes.as_ref(), desk);
        self.conclude(facts, &recorded, answer, DecidedBy::Unsent, after, desk)
    }

    /// Nobody knows whether it was credited: the credit is owed, and the debit stands. Where the source has
    /// taken it back meanwhile, the credit is undone instead, and then the debit.
    pub(crate) fn on_credit_unknown(self, facts: Facts, desk: &mut Desk<'_>) -> Flow {
        let is_taken_back = matches!(self.mark, Some(Mark::Reverse { .. }));
        let duty = if is_taken_back { Duty::Reversal } else { Duty::Advice };
        let answer = match !is_taken_back && desk.unknown_credits_approved(facts) {
            true => self.approval(Code::Approved, &Txn::new(self.request.message)),
            false => Answer::ours(Code::NoAnswer, Outcome::Unknown),
        };
        let owes = desk.owe(facts, duty, Amount::default());
        let recorded = desk.out.record(Record::TimedOut {
            id: facts.id,
            answer: Remembered::from(&answer),
            owes,
            at: facts.now.wall,
        });
        let after = owes.as_ref().map_or(After::Nothing, pending);
        self.conclude(facts, &recorded, answer, DecidedBy::Silence, after, desk)
    }

    /// What the customer is told of a transfer that was done: the paying host's words, because the account is
    /// his, and the receiving host's reference number.
    pub(crate) fn approval(&self, code: Code, reply: &Txn) -> Answer {
        let Leg::Credit(debit) = &self.leg else { return Answer::ours(code, Outcome::Approved) };
        Answer {
            approval_code: debit.approval_code,
            rrn: reply.rrn,
            settlement_date: debit.settlement_date,
            carried: debit.carried.clone(),
            ..Answer::ours(code, Outcome::Approved)
        }
    }

    /// It is being undone; what a source says it has done all the same is a person's to compare.
    pub(crate) fn undone(&self, facts: Facts, owes: Option<&Forward>, desk: &mut Desk<'_>) -> After {
        let Some(forward) = owes else {
            return raise(facts, Reason::DebitStands, desk);
        };
        if self.mark == Some(Mark::Confirm) {
            note(facts, Reason::ReportUndone, desk);
        }
        pending(forward)
    }

    /// An answer of the paying host, who had answered before: or there would be no credit.
    pub(crate) fn on_debit_answered_again(
        self: Box<Self>,
        facts: Facts,
        reply: &Txn,
        desk: &mut Desk<'_>,
    ) -> Flow {
        debit_answered_again(facts, reply, desk);
        Flow::AwaitingHost(self)
    }
}

impl Decision {
    /// As on the transfer under way: it changes nothing.
    pub(crate) fn on_debit_answered_again(self, facts: Facts, reply: &Txn, desk: &mut Desk<'_>) -> Flow {
        debit_answered_again(facts, reply, desk);
        Flow::Decided(self)
    }
}

fn debit_answered_again(facts: Facts, reply: &Txn, desk: &mut Desk<'_>) {
    let link = facts.debit.map_or(LinkId(0), |debit| debit.link);
    desk.out.record(observed(facts, Observation::Repeated, link, reply));
    desk.out.tell(Tell::SecondAnswer { id: facts.id, link });
}

/// What the paying host is asked: the same, as a debit.
pub(crate) fn debit_of(request: &Txn) -> Txn {
    Txn { kind: Kind::TransferOut, ..request.clone() }
}

/// What the receiving host is asked: the same, as a credit, without what only the paying customer's own host
/// may see. A card that was named in a track alone is named in words now.
pub(crate) fn credit_of(request: &Txn) -> Txn {
    let mut carried = Carried::default();
    for (number, contents) in request.carried.iter() {
        match Noun::numbered(number) {
            Some(noun) if !noun.is_secret() && noun != Noun::IccData => carried.push(noun, contents),
            _ => {}
        }
    }
    Txn { kind: Kind::TransferIn, pan_in_track: false, carried, ..request.clone() }
}

/// A refusal about the account that receives, in words that say nothing of the card in the machine: it must not
/// be retained for what somebody else's host says of somebody else's account.
const fn about_the_receiver(code: Code) -> Code {
    match code {
        Code::PickUpCard
        | Code::PinTriesExceededPickUp
        | Code::LostCard
        | Code::StolenCard
        | Code::SuspectedFraud
        | Code::PinTriesExceeded
        | Code::WrongPin => Code::Declined,
        code => code,
    }
}

/// The account that receives as it is kept: sealed.
pub(crate) fn sealed_account(vault: &Vault, id: terms::TxnId, request: &Txn) -> Account {
    match request.to_account.is_empty() {
        true => Account::None,
        false => Account::Sealed(vault.seal_account(id, &request.to_account)),
    }
}

/// Names in a message made from what was kept the account that receives, and whatever else the host demands.
pub(crate) fn name_account(txn: &mut Txn, sent: &Sent, vault: &Vault) -> Result<(), VaultError> {
    txn.carried = sent.kept.clone();
    txn.to_account = sent.to_account.open(vault)?;
    if !txn.to_account.is_empty() {
        txn.carried.push(Noun::Account2, txn.to_account.as_bytes());
    }
    Ok(())
}

/// Whether a link would take one more request now; nothing is taken.
pub(crate) fn would_take(links: &[Link], now: Instant, id: LinkId) -> Result<(), Refusal> {
    let Some(link) = links.get(usize::from(id.0)) else {
        return Err(Refusal::not_sent(Code::NoRoute, "no such link"));
    };
    match link.is_ready(now) {
        Err(_) if !link.up => Err(Refusal::not_sent(Code::HostDown, "receiving host down")),
        Err(refusal) if refusal.code == Code::Busy => {
            Err(Refusal::not_sent(Code::Busy, "receiving host limit"))
        }
        Err(_) if !link.gate.is_open() => Err(Refusal::not_sent(Code::HostDown, "receiving host recovers")),
        Err(_) => Err(Refusal::not_sent(Code::HostDown, "receiving breaker open")),
        Ok(()) => Ok(()),
    }
}

impl Lane {
    /// Where the credit of this request goes, when its account is not at the host that pays.
    pub(crate) fn onward(&self, source: terms::SourceId, txn: &Txn, pays: LinkId) -> Option<Onward> {
        let receiver = self.routes.receiver(source, txn)?;
        (receiver.link != pays).then_some(Onward { link: receiver.link, route: receiver.name })
    }

    /// The books of a transfer whose debit was just approved and whose credit is in flight from now on.
    pub(crate) fn on_credit_sent(
        &mut self,
        now: Now,
        at: usize,
        before: (Instant, Instant),
        credited: Credited,
        out: &mut crate::Outbox,
    ) {
        let (was_due, is_due) = before;
        self.deadlines.remove(&(was_due, at as u32));
        self.deadlines.insert((is_due, at as u32));
        let Some(slot) = self.memory.get_mut(at) else { return };
        if let Some(legs) = &mut slot.legs {
            legs.credit = Some(credited);
        }
        let debit = slot.asked_host();
        if let Some((link, stan)) = debit {
            if let Some(link) = crate::pairing::link_mut(&mut self.links, link) {
                link.finish(stan, at);
            }
            self.note_on_link(now, link, DecidedBy::Host, true, out);
        }
        if let Some(link) = crate::pairing::link_mut(&mut self.links, credited.link) {
            link.assign(credited.host_stan, crate::pairing::Owner::InFlight(at as u32));
            link.in_flight += 1;
            link.asked += 1;
        }
    }
}
