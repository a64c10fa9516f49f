//! What people see of owed messages, and what they may do about them.

use crate::flow::Flow;
use crate::forward::{Item, State};
use crate::reason::Reason;
use crate::{Ended, Lane, Outbox, Tell};
use alloc::vec::Vec;
use journal::{After, Duty, Forward, Record, Ruling, Why};
use terms::{Amount, Currency, ForwardId, Instant, Kind, LinkName, Now, Text, Timestamp, TxnId};

/// An owed message as people see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owed {
    /// The message itself.
    pub forward: Forward,
    /// The transaction it is about.
    pub txn: TxnId,
    /// What that wanted.
    pub kind: Kind,
    /// Its amount.
    pub amount: Amount,
    /// Its currency.
    pub currency: Currency,
    /// Whose it is.
    pub link: LinkName,
    /// Whether that link has a connection.
    pub link_is_up: bool,
    /// How often it was sent.
    pub attempts: u32,
    /// Where it stands.
    pub standing: Standing,
    /// Since when it is owed.
    pub since: Timestamp,
}

/// Where an owed message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is sent in so many milliseconds, or as soon as its link has a connection and room.
    Due {
        /// 0 where it is due already.
        in_ms: u64,
    },
    /// It was sent; its answer is awaited for so many milliseconds more.
    InFlight {
        /// 0 where the time is over.
        for_ms: u64,
    },
    /// A person holds it.
    Held,
}

/// Why a person cannot have that done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotRule {
    /// It was paid, or ended otherwise, or never was.
    #[error("no such message is owed")]
    NotOwed,
    /// Nothing would change.
    #[error("it is so already")]
    IsSo,
    /// It is under way.
    #[error("it was sent, and its answer is still awaited")]
    AwaitsAnswer,
    /// It has to be released first.
    #[error("it is held; release it")]
    IsHeld,
    /// Its host would do it twice.
    #[error("it may have arrived, and this host must not get it twice; settle it")]
    MayHaveArrived,
}

impl Lane {
    /// What is owed, the oldest first: at most `most` of the messages numbered from `from` on.
    pub fn owed(&self, now: Instant, from: ForwardId, most: usize) -> Vec<Owed> {
        self.forwards.from(from).filter_map(|item| self.seen(now, item)).take(most).collect()
    }

    /// One owed message; `None` where no such message is owed (any more).
    pub fn owed_one(&self, now: Instant, id: ForwardId) -> Option<Owed> {
        self.seen(now, self.forwards.get(id)?)
    }

    /// Whether an [`crate::Event::Ruled`] would do this.
    pub fn may_rule(&self, id: ForwardId, ruling: Ruling) -> Result<(), CannotRule> {
        let item = self.forwards.get(id).ok_or(CannotRule::NotOwed)?;
        match (ruling, item.state) {
            (Ruling::Settle, _) | (Ruling::Hold, State::Due(_) | State::InFlight(_)) => Ok(()),
            (Ruling::Hold, State::Held) | (Ruling::Release, State::Due(_) | State::InFlight(_)) => {
                Err(CannotRule::IsSo)
            }
            (Ruling::Retry, State::InFlight(_)) => Err(CannotRule::AwaitsAnswer),
            (Ruling::Retry, State::Held) => Err(CannotRule::IsHeld),
            (Ruling::Retry, State::Due(_)) | (Ruling::Release, State::Held) => self.may_send(item),
        }
    }

    fn may_send(&self, item: &Item) -> Result<(), CannotRule> {
        let link = self.links.get(usize::from(item.forward.link.0));
        let may_repeat = link.is_none_or(|link| item.may_be_repeated(&link.config.host));
        if item.may_have_arrived && !may_repeat { Err(CannotRule::MayHaveArrived) } else { Ok(()) }
    }

    fn seen(&self, now: Instant, item: &Item) -> Option<Owed> {
        let slot = self.memory.get(item.at)?;
        let sent = slot.sent.as_ref()?;
        let link = self.links.get(usize::from(item.forward.link.0))?;
        Some(Owed {
            forward: item.forward,
            txn: slot.id,
            kind: slot.kind,
            amount: sent.amount,
            currency: sent.currency,
            link: link.config.name,
            link_is_up: link.up,
            attempts: item.attempts,
            standing: match item.state {
                State::Due(at) => Standing::Due { in_ms: at.us_since(now) / 1_000 },
                State::InFlight(until) => Standing::InFlight { for_ms: until.us_since(now) / 1_000 },
                State::Held => Standing::Held,
            },
            since: item.since,
        })
    }

    /// A person decided something about an owed message. What cannot be done is not written down.
    pub(crate) fn on_ruling(
        &mut self,
        now: Now,
        id: ForwardId,
        ruling: Ruling,
        by: Text<24>,
        reason: Text<64>,
        out: &mut Outbox,
    ) {
        if ruling == Ruling::Settle {
            return self.on_settled(now, id, None, (by, reason), out);
        }
        if self.may_rule(id, ruling).is_ok() {
            out.record(Record::Ruled { forward: id, ruling, by, reason, at: now.wall });
            self.rule(now.instant, id, ruling);
        }
    }

    /// A person settled it by hand, and may have said how that ended. Whoever waits for the last word hears it.
    pub(crate) fn on_settled(
        &mut self,
        now: Now,
        forward: ForwardId,
        ended: Option<Ended>,
        (by, reason): (Text<24>, Text<64>),
        out: &mut Outbox,
    ) {
        let Some(item) = self.forwards.get(forward).cloned() else { return };
        out.record(Record::Ruled { forward, ruling: Ruling::Settle, by, reason, at: now.wall });
        self.rule(now.instant, forward, Ruling::Settle);
        if ended != Some(Ended::Done) {
            self.go_on_from(now, &item, out);
        }
        let Some(slot) = self.memory.get_mut(item.at) else { return };
        let after = match ended {
            Some(Ended::Done) => Some(After::Confirmed),
            Some(Ended::Undone) => Some(After::Reversed),
            None => None,
        };
        let id = slot.id;
        if let Flow::Decided(decision) = &mut slot.flow
            && let Some(after) = after.filter(|_| decision.after == After::Exception)
        {
            decision.after = after;
            out.record(Record::Resolved { id, after });
        }
        out.tell(Tell::Settled { forward, link: item.forward.link, id });
    }

    /// The host has undone by hand the credit of a transfer that was taken back: its debit is given back, as behind
    /// the host's own word.
    fn go_on_from(&mut self, now: Now, item: &Item, out: &mut Outbox) {
        let Some(slot) = self.memory.get(item.at) else { return };
        let (id, credited) = (slot.id, slot.credited().map(|(link, _)| link));
        if item.forward.duty != Duty::Reversal || credited != Some(item.forward.link) {
            return;
        }
        let Some(forward) = self.owed_next(item) else {
            self.raise(now, id, None, Reason::DebitStands.text(), out);
            return;
        };
        out.record(Record::Owed { id, forward, why: Why::OtherLeg, at: now.wall });
        self.counts.owed += 1;
        if let Some(slot) = self.memory.get_mut(item.at)
            && let Flow::Decided(decision) = &mut slot.flow
        {
            *decision = decision.owing(&forward);
        }
        self.enqueue(Item::new(forward, item.at, now.instant, now));
    }

    /// Does what was ruled, now or in a replay.
    pub(crate) fn rule(&mut self, now: Instant, id: ForwardId, ruling: Ruling) {
        match ruling {
            Ruling::Hold => {
                self.forwards.change(id, |item| item.state = State::Held);
                if let Some(link) = self.forwards.get(id).map(|item| item.forward.link) {
                    self.end_at_gate(link, id);
                }
            }
            Ruling::Release | Ruling::Retry => self.forwards.change(id, |item| item.state = State::Due(now)),
            Ruling::Settle => {
                let Some(item) = self.end(id) else { return };
                if let Some(slot) = self.memory.get_mut(item.at)
                    && let Flow::Decided(decision) = &mut slot.flow
                {
                    decision.after = After::Exception;
                    self.memory.finish(item.at);
                }
            }
        }
    }
}
