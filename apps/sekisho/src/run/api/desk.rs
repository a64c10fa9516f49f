//! The lane's side of the door applications come in by: submissions given to the lane, its answers handed back.

use super::orders::{ApiOrder, Shown, Submitted, Submitting, TakenBack, Which};
use crate::run::core::Core;
use journal::After;
use std::collections::HashMap;
use switch::{Event, Submission};
use terms::{Answer, ConnId, LinkId, SourceId, Stan, Txn, TxnId};
use tokio::sync::oneshot;

/// Connections of the network never have this bit: it would take centuries of them.
const OURS: u64 = 1 << 63;

/// Who waits for the lane.
#[derive(Default)]
pub(crate) struct Desk {
    /// The source that applications are, where they may ask.
    source: Option<SourceId>,
    waiting: HashMap<u64, Waiting>,
    next: u64,
    last_stan: u32,
}

/// Somebody who waits for an answer.
enum Waiting {
    /// To a submission of that ticket.
    Submitted(journal::Ticket, oneshot::Sender<Submitted>),
    /// To the reversal of that transaction.
    TakenBack(TxnId, oneshot::Sender<TakenBack>),
}

/// What is said to an application, when it is durable.
pub(crate) enum Word {
    Submitted(oneshot::Sender<Submitted>, Submitted),
    TakenBack(oneshot::Sender<TakenBack>, TakenBack),
    Shown(oneshot::Sender<Option<Shown>>, Box<Option<Shown>>),
}

impl Word {
    /// Says it. Whoever asked may be gone: nothing hangs on that.
    pub(crate) fn say(self) {
        match self {
            Self::Submitted(to, what) => drop(to.send(what)),
            Self::TakenBack(to, what) => drop(to.send(what)),
            Self::Shown(to, what) => drop(to.send(*what)),
        }
    }
}

impl Desk {
    /// For applications that are that source.
    pub(crate) fn of(source: Option<SourceId>, seed: u64) -> Self {
        Self { source, last_stan: (seed % 999_999) as u32, ..Self::default() }
    }

    /// Whether answers to this source are for applications.
    pub(crate) fn is_for(&self, source: SourceId) -> bool {
        self.source == Some(source)
    }

    fn sit(&mut self, who: Waiting) -> ConnId {
        self.next += 1;
        self.waiting.insert(self.next, who);
        ConnId(OURS | self.next)
    }

    /// A trace number for whoever leaves it to us. Together with the second it is asked in it is fresh.
    fn draw_stan(&mut self) -> Stan {
        self.last_stan = self.last_stan % 999_999 + 1;
        Stan(self.last_stan)
    }
}

impl Core {
    /// Does what an application wants.
    pub(crate) fn on_api_order(&mut self, order: ApiOrder) {
        match order {
            ApiOrder::Submit { submitting, answer } => self.on_submit(*submitting, answer),
            ApiOrder::Known { caller, name, contents, answer } => {
                let ticket = self.lane.ticket(caller.as_bytes(), name.as_bytes(), &contents);
                match self.lane.submitted(&ticket) {
                    Some(known) => self.on_known_name(known, &ticket, answer),
                    None => drop(answer.send(Submitted::NotKnown)),
                }
            }
            ApiOrder::Show { which, caller, answer } => {
                let submission = match which {
                    Which::Id(id) => self.lane.submission(id),
                    Which::Name(name) => {
                        self.lane.submitted(&self.lane.ticket(caller.as_bytes(), name.as_bytes(), &[0; 32]))
                    }
                };
                let shown = submission.filter(|one| self.may_see(&caller, one)).map(|one| self.shown(one));
                // The lane's memory is ahead of the disk: what it shows may still be lost.
                self.say_to_application(Word::Shown(answer, Box::new(shown)));
                self.on_durable();
            }
            ApiOrder::TakeBack { id, caller, answer } => self.on_take_back(id, &caller, answer),
        }
    }

    fn on_submit(&mut self, submitting: Submitting, answer: oneshot::Sender<Submitted>) {
        let Submitting { caller, name, contents, mut txn, of } = submitting;
        let now = self.clock.now();
        let Some(source) = self.desk.source else { return drop(answer.send(Submitted::NoApplications)) };
        let ticket = self.lane.ticket(caller.as_bytes(), name.as_bytes(), &contents);
        if let Some(known) = self.lane.submitted(&ticket) {
            return self.on_known_name(known, &ticket, answer);
        }
        if let Some(of) = of {
            let original = self.lane.submission(of).filter(|one| self.may_see(&caller, one));
            let Some(whole) = original.and_then(|original| about(txn, &original)) else {
                return drop(answer.send(Submitted::NoOriginal));
            };
            txn = whole;
            if let Err(why) = self.lane.may_capture(of, txn.amount) {
                self.say_to_application(Word::Submitted(answer, Submitted::CannotCapture(of, why)));
                return self.on_durable();
            }
        }
        let local = now.local();
        txn.local_time.get_or_insert(local);
        if txn.stan == Stan(0) {
            txn.stan = self.desk.draw_stan();
        }
        if let Some(id) = self.lane.identity_of(now, source, &txn) {
            return drop(answer.send(Submitted::SameIdentity(id)));
        }
        let conn = self.desk.sit(Waiting::Submitted(ticket, answer));
        self.lane.take_nothing_new(self.takes_nothing_new());
        self.step(match of {
            Some(of) => Event::Captured { source, conn, txn, ticket, of },
            None => Event::Submitted { source, conn, txn, ticket },
        });
        self.on_durable();
    }

    /// The same name again: the decision as it was told, once it is durable.
    fn on_known_name(
        &mut self,
        known: Submission,
        ticket: &journal::Ticket,
        answer: oneshot::Sender<Submitted>,
    ) {
        if known.ticket.contents != ticket.contents {
            return drop(answer.send(Submitted::OtherContents(known.id)));
        }
        let under_way = known.seen.as_ref().is_some_and(|seen| seen.answer.is_none());
        let shown = Box::new(self.shown(known));
        let word = if under_way { Submitted::UnderWay(shown) } else { Submitted::Replayed(shown) };
        self.say_to_application(Word::Submitted(answer, word));
        self.on_durable();
    }

    fn on_take_back(&mut self, id: TxnId, caller: &str, answer: oneshot::Sender<TakenBack>) {
        let (Some(source), Some(known)) =
            (self.desk.source, self.lane.submission(id).filter(|one| self.may_see(caller, one)))
        else {
            return drop(answer.send(TakenBack::NoSuch));
        };
        let stands_in_the_way = match known.seen.as_ref().map(|seen| seen.after) {
            Some(After::Captured(by)) => Some(TakenBack::Captured(by)),
            Some(After::Exception) => Some(TakenBack::APersons),
            _ => None,
        };
        if let Some(refusal) = stands_in_the_way {
            self.say_to_application(Word::TakenBack(answer, refusal));
            return self.on_durable();
        }
        let Some(txn) = self.lane.taking_back(&known) else {
            let was_sent = known.seen.as_ref().is_none_or(|seen| seen.sent.is_some());
            // What never went to a host is as good as taken back.
            let word = if was_sent {
                TakenBack::Forgotten
            } else {
                TakenBack::Accepted(Box::new(self.shown(known)))
            };
            return self.say_to_application(Word::TakenBack(answer, word));
        };
        let conn = self.desk.sit(Waiting::TakenBack(id, answer));
        self.step(Event::Asked { source, conn, txn });
        self.on_durable();
    }

    /// The lane's answer, when it is durable.
    pub(crate) fn answer_application(&mut self, conn: ConnId, answer: Answer) {
        let Some(waiting) = self.desk.waiting.remove(&(conn.0 & !OURS)) else { return };
        match waiting {
            Waiting::Submitted(ticket, to) => {
                let known = self.lane.submitted(&ticket);
                Word::Submitted(
                    to,
                    match known {
                        Some(known) => Submitted::Answered(Box::new(self.shown(known)), answer.carried),
                        None => Submitted::Refused(Box::new(answer)),
                    },
                )
                .say();
            }
            Waiting::TakenBack(id, to) => {
                let known =
                    self.lane.submission(id).map(|known| TakenBack::Accepted(Box::new(self.shown(known))));
                Word::TakenBack(to, known.unwrap_or(TakenBack::NoSuch)).say();
            }
        }
    }

    /// Those on this machine who may write to the socket see everything; whoever has a key sees what is theirs.
    fn may_see(&self, caller: &str, submission: &Submission) -> bool {
        caller == super::callers::LOCAL
            || self.lane.ticket(caller.as_bytes(), b"", &[0; 32]).caller == submission.ticket.caller
    }

    fn shown(&self, submission: Submission) -> Shown {
        let seen = submission.seen.as_ref();
        let link = seen.and_then(|seen| seen.sent.as_ref()).and_then(|sent| self.name_of_link(sent.link));
        let now = self.clock.now().instant;
        let left_ms = seen.and_then(|seen| seen.deadline).map(|deadline| deadline.us_since(now) / 1_000);
        Shown { link, left_ms, submission }
    }

    fn name_of_link(&self, id: LinkId) -> Option<String> {
        self.links.get(usize::from(id.0)).map(|link| link.name.to_string())
    }
}

/// A capture: card, terminal, currency and reference number of what it captures; of its own the amount and the
/// trace number.
fn about(txn: Txn, original: &Submission) -> Option<Txn> {
    let seen = original.seen.as_ref()?;
    let sent = seen.sent.as_ref()?;
    Some(Txn {
        kind: seen.kind,
        pan: sent.pan.clone(),
        amount: if txn.amount.minor_units() == 0 { sent.amount } else { txn.amount },
        currency: sent.currency,
        rrn: sent.rrn,
        terminal_id: original.key.terminal_id,
        acquirer_id: if txn.acquirer_id.is_empty() { sent.acquirer_id } else { txn.acquirer_id },
        ..txn
    })
}
