//! Exchanges of keys: questions of sources and hosts answered, and those we begin carried through.
//!
//! ```text
//!  asked for keys, or sent some ─▶ keeper: made or taken, written ─▶ answered
//!  an order, or time ─▶ keeper: made, written ─▶ lane asks the host ─▶ keeper: in force, or erased and tried again
//! ```
//! An answer leaves when what it says is written. Whatever is lost on the way leaves the keys in force as they were.

mod asked;
mod glare;

use super::Core;
use crate::run::guard::{Heard, Turn, Whose, Wrong};
use crate::run::keys::{Done, Ended, Errand, NotDone, What};
use asked::Question;
use dialects::{KeyRule, KeyWhat};
use keys::exchange::{Begun, Do, Step};
use keys::{Owner, Start};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use switch::Event;
use terms::{
    Answer, Carried, Class, Code, ConnId, Function, Instant, LinkId, LinkName, Network, Noun, Now, Outcome,
    Txn,
};
use tokio::sync::oneshot;

/// Who waits for the keeper.
pub(super) enum Waiting {
    /// Somebody who asked us.
    Asker { whose: Whose, conn: ConnId, request: Arc<Txn>, rule: KeyRule, at_once: bool },
    /// A message that carries the key its code was made with, and its place in the order of what its sender says.
    Proof(Box<Heard>, Turn),
    /// Nobody: the peer has its answer, and its keys come into force.
    Nobody,
    /// An exchange of ours.
    Ours(LinkId),
}

/// An exchange of ours with one host.
#[derive(Default)]
struct Ours {
    begun: Begun,
    /// When the next begins by itself.
    due: Option<Instant>,
    /// Who wanted it, and why; nobody where time did.
    by: Option<(String, String)>,
    /// The key that is being exchanged, where each travels alone, and those that follow it.
    now: Option<KeyWhat>,
    then: Vec<KeyWhat>,
    ended: u64,
    last: Option<Result<(), String>>,
}

/// All of them.
#[derive(Default)]
pub(crate) struct Exchanges {
    next: u64,
    waiting: BTreeMap<u64, Waiting>,
    /// Whose errands others made us send: one of each owner at a time.
    asked: BTreeMap<u64, Owner>,
    ours: BTreeMap<LinkId, Ours>,
}

/// What a person wants of the exchange with a host.
pub enum ExchangeOrder {
    /// How it stands.
    Show {
        /// With whom.
        name: LinkName,
        /// Hears of it; `None` where there is none with that link.
        answer: oneshot::Sender<Option<ExchangeJson>>,
    },
    /// One is to begin. One that is under way is that one.
    Begin {
        /// With whom.
        name: LinkName,
        /// Who.
        by: String,
        /// Why.
        reason: String,
        /// Hears how it stood before; `None` where there is none with that link.
        answer: oneshot::Sender<Option<ExchangeJson>>,
    },
}

/// How exchanges with a host stand. Fields are added to it, never changed.
#[derive(Clone, Debug, Serialize)]
pub struct ExchangeJson {
    object: &'static str,
    owner: String,
    under_way: bool,
    /// Those that ended since the start.
    ended: u64,
    /// Why the last one came to nothing; nothing where it did not.
    failed: Option<String>,
}

impl Core {
    /// Takes what is about keys, and what cannot be while keys are being replaced. Gives back everything else.
    pub(super) fn about_keys(&mut self, whose: Whose, conn: ConnId, txn: Txn) -> Option<Txn> {
        let rule = self.rule_of(whose);
        let owner = match (whose, rule) {
            (Whose::Source(_), Some(rule)) => Owner::parse(&rule.owner(&txn.terminal_id).0),
            (Whose::Source(_), None) => None,
            (Whose::Host(link), _) => self.exchange_of(link).map(|(owner, _)| owner),
        };
        let Some(owner) = owner else { return Some(txn) };
        let has_codes = rule.is_some_and(|rule| rule.mac.is_some());
        let is_for_anybody = rule.is_some_and(|rule| rule.gives_unauthenticated);
        let begins = matches!(txn.message.class, Class::Authorization | Class::Financial)
            && txn.message.function == Function::Request;
        if begins && self.guard.ring.borrow().awaits_keys(&owner) {
            // Between a new master key and new working keys there are none.
            self.refuse_about_keys(whose, conn, &Arc::new(txn), Code::MacKeyOutOfStep);
            return None;
        }
        let master = txn.network == Network::MasterKey;
        let is_ours = txn.message.class == Class::Network
            && txn.message.asks()
            && (master || txn.network == Network::KeyExchange);
        let dialect = match whose {
            Whose::Source(source) => {
                self.sources.get(usize::from(source.0)).map(|party| party.dialect.clone())
            }
            Whose::Host(link) => self.links.get(usize::from(link.0)).map(|party| party.dialect.clone()),
        };
        let Some((dialect, keys)) =
            dialect.and_then(|dialect| Some((dialect.clone(), dialect.key_exchange()?.clone())))
        else {
            return Some(txn);
        };
        if !is_ours || !self.guard.keeps_keys() {
            return Some(txn);
        }
        let sent = txn
            .carried
            .get(keys.noun)
            .filter(|sent| !sent.is_empty() && !matches!(owner, Owner::Terminal(_)));
        // Where each key travels alone, the message says which it is about.
        let alone = if master { Some(keys) } else { keys.said(txn.carried.get(Noun::SecurityInfo)) };
        let Some(keys) = alone else {
            tracing::error!(%owner, "a message about keys does not say which key it is about: refused");
            self.refuse_about_keys(whose, conn, &Arc::new(txn), Code::FormatError);
            return None;
        };
        if self.is_asked_already(&owner) {
            self.refuse_about_keys(whose, conn, &Arc::new(txn), Code::Busy);
            return None;
        }
        let question = Question {
            owner,
            is_master: master,
            is_authenticated: has_codes && dialect.authenticates(txn.message),
            is_for_anybody,
        };
        if (master || sent.is_none())
            && let Err(code) = self.may_be_given(&question)
        {
            self.refuse_about_keys(whose, conn, &Arc::new(txn), code);
            return None;
        }
        if let (Whose::Host(link), Some(_)) = (whose, &sent)
            && !self.gives_way(link)
        {
            self.refuse_about_keys(whose, conn, &Arc::new(txn), Code::Busy);
            return None;
        }
        let what = match sent {
            Some(sent) => What::Take { contents: sent.to_vec() },
            None if has_codes => What::HandOut { master, start: Start::OnUse },
            None => What::HandOut { master, start: Start::ByOrder },
        };
        let request = Arc::new(txn);
        let waiting = Waiting::Asker { whose, conn, request, rule: keys.clone(), at_once: !has_codes };
        self.send_errand(owner, keys, what, waiting, None);
        None
    }

    pub(super) fn refuse_about_keys(&mut self, whose: Whose, conn: ConnId, request: &Arc<Txn>, code: Code) {
        self.tell_about_keys(whose, conn, request, Answer::ours(code, Outcome::NotSent));
    }

    fn tell_about_keys(&mut self, whose: Whose, conn: ConnId, request: &Arc<Txn>, answer: Answer) {
        match whose {
            Whose::Source(source) => self.answer_source(None, source, conn, request, &answer),
            Whose::Host(link) => {
                let Some(dialect) = self.links.get(usize::from(link.0)).map(|link| link.dialect.clone())
                else {
                    return;
                };
                if !self.seal_answer(whose, None, (conn, &dialect), (request, &answer)) {
                    let _ = self.answer(conn, &dialect, request, &answer);
                }
            }
        }
    }

    pub(super) fn send_errand(
        &mut self,
        owner: Owner,
        rule: KeyRule,
        what: What,
        waiting: Waiting,
        by: Option<(String, String)>,
    ) {
        self.exchanges.next += 1;
        let token = self.exchanges.next;
        if matches!(waiting, Waiting::Asker { .. } | Waiting::Proof(..)) {
            self.exchanges.asked.insert(token, owner);
        }
        self.exchanges.waiting.insert(token, waiting);
        self.guard.exchange(Errand { token, owner, rule, what, by });
    }

    /// Goes on with what the keeper has done, and begins what is due. Cost: a look into a queue and at each link.
    pub(super) fn mind_exchanges(&mut self, now: Now) {
        while let Some(ended) = self.guard.exchange_ended() {
            // What it did is known before it is gone on with: a code may be made with what it made.
            self.guard.mind_keys();
            self.on_keeper(ended);
        }
        for at in 0..self.links.len() {
            let link = LinkId(at as u16);
            let Some(every_ms) = self.links[at].key_exchange.and_then(|config| config.every_ms) else {
                continue;
            };
            let is_open = self.lane.link_is_open(link);
            let ours = self.exchanges.ours.entry(link).or_default();
            let due = *ours.due.get_or_insert(now.instant.plus_ms(every_ms));
            if due <= now.instant && is_open {
                ours.due = Some(now.instant.plus_ms(every_ms));
                self.begin_exchange(link);
            }
        }
    }

    /// Begins an exchange with a host; of one that is under way nothing is begun anew.
    fn begin_exchange(&mut self, link: LinkId) {
        let Some((_, rule)) = self.exchange_of(link) else { return };
        let ours = self.exchanges.ours.entry(link).or_default();
        if ours.begun == Begun::Not {
            let mut keys = rule.each_alone().iter().copied();
            (ours.now, ours.then) = (keys.next(), keys.collect());
        }
        self.step_exchange(link, Step::Begin);
    }

    /// The rule of the message that is due in an exchange of ours, and what it says of its key.
    fn rule_now(&self, link: LinkId) -> Option<(Owner, KeyRule, Option<Vec<u8>>)> {
        let (owner, rule) = self.exchange_of(link)?;
        let now = self.exchanges.ours.get(&link).and_then(|ours| ours.now);
        Some(match now {
            None => (owner, rule, None),
            Some(what) => (owner, rule.of(what), rule.info_of(what)),
        })
    }

    fn on_keeper(&mut self, ended: Ended) {
        let Ended { token, owner, end } = ended;
        self.exchanges.asked.remove(&token);
        if let Err(why) = &end
            && self.log.allows(self.clock.now().wall)
        {
            tracing::error!(%owner, %why, "exchange of keys: nothing was changed");
        }
        match (self.exchanges.waiting.remove(&token), end) {
            (None | Some(Waiting::Nobody), _) => {}
            (Some(Waiting::Asker { whose, conn, request, rule, at_once }), end) => {
                let answer = match end {
                    Ok(Done::Drawn(set, contents)) => {
                        if at_once {
                            // Without codes nobody can tell when it is used: from the answer on.
                            self.send_errand(owner, rule.clone(), What::Accepted(set), Waiting::Nobody, None);
                        }
                        let mut carried = Carried::default();
                        carried.push(rule.noun, &contents);
                        // Which key it is was said by whoever asked.
                        if let Some(info) =
                            request.carried.get(Noun::SecurityInfo).filter(|_| rule.info.is_some())
                        {
                            carried.push(Noun::SecurityInfo, info);
                        }
                        Answer { carried, ..Answer::ours(Code::Approved, Outcome::Approved) }
                    }
                    Ok(Done::InForce | Done::Erased | Done::Proven) => {
                        Answer::ours(Code::Approved, Outcome::Approved)
                    }
                    Err(why) => Answer::ours(code_of(&why), Outcome::Refused),
                };
                self.tell_about_keys(whose, conn, &request, answer);
            }
            (Some(Waiting::Ours(link)), Ok(Done::Drawn(set, contents))) => {
                self.outgoing_keys(link, set, Some(contents));
            }
            (Some(Waiting::Proof(heard, turn)), end) => {
                let found = match end {
                    Ok(_) => Ok(true),
                    Err(NotDone::Code) => Err(Wrong::Code),
                    Err(_) => Err(Wrong::Unproven),
                };
                self.hear_in_turn(self.clock.now(), Heard { found: Some(found), ..*heard }, Some(turn));
            }
            (Some(Waiting::Ours(link)), Ok(Done::InForce)) => self.end_exchange(link, Ok(())),
            (Some(Waiting::Ours(_)), Ok(Done::Erased | Done::Proven)) => {}
            (Some(Waiting::Ours(link)), Err(why)) => {
                self.step_exchange(link, Step::NotMade);
                self.end_exchange(link, Err(why.to_string()));
            }
        }
    }

    /// The keys are made: the lane asks the host.
    fn outgoing_keys(&mut self, link: LinkId, set: u32, contents: Option<Vec<u8>>) {
        self.step_exchange(link, Step::Made(set));
        if !self.is_sent(link, set) {
            // It gave way while they were made: nobody has them.
            if let Some((owner, rule)) = self.exchange_of(link).filter(|_| set != 0) {
                self.send_errand(owner, rule, What::Abandoned(set), Waiting::Nobody, None);
            }
            return;
        }
        let mut carried = Carried::default();
        if let Some((_, rule, info)) = self.rule_now(link) {
            contents.iter().for_each(|contents| carried.push(rule.noun, contents));
            info.iter().for_each(|info| carried.push(Noun::SecurityInfo, info));
        }
        self.step(Event::AskKeys { link, carried });
    }

    /// A host answered, or did not.
    pub(super) fn on_keys_told(&mut self, link: LinkId, reply: Option<Txn>) {
        let Some((owner, rule, _)) = self.rule_now(link) else { return };
        let sent = reply.as_ref().filter(|reply| reply.outcome == Some(Outcome::Approved));
        match sent {
            None => {
                let outcome = reply.as_ref().and_then(|reply| reply.outcome);
                let said = reply.map(|reply| reply.wire_code.to_string());
                tracing::warn!(
                    link = self.link_name(link),
                    code = said.as_deref().unwrap_or("none"),
                    "exchange of keys not accepted"
                );
                // What it may have taken is not erased: its yes may be what was lost.
                let is_no =
                    outcome.is_some_and(|outcome| matches!(outcome, Outcome::Refused | Outcome::NotSent));
                self.step_exchange(link, if is_no { Step::Refused } else { Step::Silent });
            }
            Some(reply) => {
                let contents =
                    reply.carried.get(rule.noun).filter(|sent| !sent.is_empty()).map(<[u8]>::to_vec);
                let ours = self.exchanges.ours.entry(link).or_default();
                match ours.begun {
                    Begun::Sent(0, _) => {}
                    Begun::Sent(..) => return self.step_exchange(link, Step::Accepted),
                    // It gave way, or is over.
                    Begun::Not | Begun::Making(_) => return,
                }
                // Asked for its own: in the answer, or in a message of its own that follows.
                ours.begun = Begun::Not;
                match contents {
                    Some(contents) => {
                        self.send_errand(owner, rule, What::Take { contents }, Waiting::Ours(link), None);
                    }
                    None => self.end_exchange(link, Ok(())),
                }
            }
        }
    }

    fn step_exchange(&mut self, link: LinkId, step: Step) {
        let Some((owner, rule, _)) = self.rule_now(link) else { return };
        let draws = self.links[usize::from(link.0)].key_exchange.is_some_and(|config| config.we_draw);
        let ours = self.exchanges.ours.entry(link).or_default();
        let (after, act) = ours.begun.step(step);
        ours.begun = after;
        let by = ours.by.clone();
        // The host may use them before its answer has reached us, on another connection.
        let make = What::HandOut { master: false, start: Start::OnUse };
        match act {
            Do::Nothing | Do::Send => {}
            Do::Make if draws => self.send_errand(owner, rule, make, Waiting::Ours(link), by),
            Do::LeaveAndMake if draws => self.send_errand(owner, rule, make, Waiting::Ours(link), by),
            Do::Make | Do::LeaveAndMake => self.outgoing_keys(link, 0, None),
            Do::LeaveAndCall => {
                self.end_exchange(link, Err("the host did not answer keys, three times".into()));
            }
            Do::PutInForce(set) => {
                self.send_errand(owner, rule, What::Accepted(set), Waiting::Ours(link), None);
            }
            Do::EraseAndMake(0) => self.outgoing_keys(link, 0, None),
            Do::EraseAndMake(set) => {
                self.send_errand(owner, rule.clone(), What::Abandoned(set), Waiting::Nobody, None);
                self.send_errand(owner, rule, make, Waiting::Ours(link), by);
            }
            Do::EraseAndCall(set) => {
                if set != 0 {
                    self.send_errand(owner, rule, What::Abandoned(set), Waiting::Nobody, None);
                }
                self.end_exchange(link, Err("the host did not accept keys, three times".into()));
            }
            Do::Call => {}
        }
    }

    fn end_exchange(&mut self, link: LinkId, end: Result<(), String>) {
        let ours = self.exchanges.ours.entry(link).or_default();
        if end.is_ok() && !ours.then.is_empty() {
            // The next key travels in a message of its own.
            (ours.begun, ours.now) = (Begun::Not, Some(ours.then.remove(0)));
            return self.step_exchange(link, Step::Begin);
        }
        match &end {
            Ok(()) => tracing::info!(link = self.link_name(link), "keys exchanged"),
            Err(why) => tracing::error!(
                link = self.link_name(link),
                why,
                "exchange of keys failed: a person is needed. sekisho key exchange"
            ),
        }
        let ours = self.exchanges.ours.entry(link).or_default();
        (ours.ended, ours.last, ours.by) = (ours.ended + 1, Some(end), None);
    }

    /// Owner and layout, where keys are exchanged with that link at all.
    pub(super) fn exchange_of(&self, link: LinkId) -> Option<(Owner, KeyRule)> {
        let party = self.links.get(usize::from(link.0)).filter(|party| party.key_exchange.is_some())?;
        Some((Owner::Link(party.name), party.dialect.key_exchange()?.clone()))
    }

    /// Shows how an exchange stands, or begins one.
    pub(crate) fn on_exchange_order(&mut self, order: ExchangeOrder) {
        // Whoever asked may be gone by now, and misses nothing.
        match order {
            ExchangeOrder::Show { name, answer } => drop(answer.send(self.exchange_json(name))),
            ExchangeOrder::Begin { name, by, reason, answer } => {
                drop(answer.send(self.exchange_json(name)));
                let Some(link) = self.link_named(name).filter(|link| self.exchange_of(*link).is_some())
                else {
                    return;
                };
                let ours = self.exchanges.ours.entry(link).or_default();
                if ours.begun == Begun::Not {
                    ours.by = Some((by, reason));
                }
                self.begin_exchange(link);
            }
        }
    }

    fn exchange_json(&self, name: LinkName) -> Option<ExchangeJson> {
        let link = self.link_named(name)?;
        let (owner, _) = self.exchange_of(link)?;
        let ours = self.exchanges.ours.get(&link);
        Some(ExchangeJson {
            object: "key_exchange",
            owner: owner.to_string(),
            under_way: ours.is_some_and(|ours| ours.begun != Begun::Not) || self.awaits_keeper(link),
            ended: ours.map_or(0, |ours| ours.ended),
            failed: ours.and_then(|ours| ours.last.clone()?.err()),
        })
    }

    fn awaits_keeper(&self, link: LinkId) -> bool {
        self.exchanges.waiting.values().any(|waiting| matches!(waiting, Waiting::Ours(of) if *of == link))
    }
}

/// What the peer is told of it.
fn code_of(why: &NotDone) -> Code {
    if why.is_peers() { Code::SecurityFailure } else { Code::Malfunction }
}
