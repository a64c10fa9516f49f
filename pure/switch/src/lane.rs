use crate::admit::{Refusal, Way, admit, at_home, fingerprint, key_of};
use crate::flow::{Awaiting, Decision, Facts, Flow, Happening, owed_for};
use crate::memory::{Memory, Slot};
use crate::pairing::{Link, belongs, link_mut, outgoing};
use crate::{BreakerState, Event, LaneConfig, LinkConfig, NoMoney, Outbox, Routes, SourceConfig, Tell};
use alloc::{boxed::Box, collections::BTreeSet, sync::Arc, vec::Vec};
use journal::{Card, DecidedBy, Declined, Named, Observation, Observed, Owed, Record, Remembered};
use terms::{
    Answer, Code, ConnId, Instant, LinkId, LinkName, Now, Outcome, SourceId, Stan, Text, Txn, TxnId,
};

/// One single-threaded state machine with one journal: the unit of order.
///
/// Every source belongs to exactly one lane, whose messages are handled in order, so a repeat always meets
/// its first and no lock is ever needed.
pub struct Lane {
    sources: Vec<SourceConfig>,
    links: Vec<Link>,
    routes: Routes,
    memory: Memory,
    /// When which transaction in flight runs out of time.
    deadlines: BTreeSet<(Instant, u32)>,
    next_id: TxnId,
    /// Keys the digests of requests, so that they can be written down.
    fingerprint_secret: [u8; 16],
    counts: Counts,
}

/// Counters since the lane was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    approved: u64,
    refused: u64,
    unknown: u64,
    not_sent: u64,
    repeats: u64,
    owed: u64,
}

impl Lane {
    /// A lane that remembers nothing yet. `fingerprint_secret` must be the same for the life of the journal.
    pub fn new(config: LaneConfig, fingerprint_secret: [u8; 16]) -> Self {
        Self {
            sources: config.sources,
            links: config.links.into_iter().map(Link::new).collect(),
            routes: config.routes,
            memory: Memory::new(config.remembered_max),
            deadlines: BTreeSet::new(),
            next_id: TxnId(1),
            fingerprint_secret,
            counts: Counts::default(),
        }
    }

    /// Takes over what a configuration may change: routes, timers and limits. Links and sources keep their
    /// places for the life of the journal; those behind the ones it knows are new, and their names are
    /// recorded.
    pub fn reconfigure(&mut self, config: LaneConfig, out: &mut Outbox) {
        for (at, changed) in config.links.into_iter().enumerate() {
            let Some(link) = self.links.get_mut(at) else {
                out.record(named(Named::Link, at, changed.name));
                self.links.push(Link::new(changed));
                continue;
            };
            if link.config.breaker != changed.breaker {
                link.breaker = crate::Breaker::new(changed.breaker);
            }
            link.config = changed;
        }
        for (at, changed) in config.sources.into_iter().enumerate() {
            let Some(source) = self.sources.get_mut(at) else {
                out.record(named(Named::Source, at, changed.name));
                self.sources.push(changed);
                continue;
            };
            *source = changed;
        }
        self.routes = config.routes;
    }

    /// The names of links and of sources, at the places the journal knows them by.
    pub fn names(&self) -> (Vec<LinkName>, Vec<LinkName>) {
        let links = self.links.iter().map(|link| link.config.name).collect();
        (links, self.sources.iter().map(|source| source.name).collect())
    }

    /// Advances the lane by one event at one moment. Pure: everything the world should do is left in `out`.
    pub fn step(&mut self, now: Now, event: Event, out: &mut Outbox) {
        match event {
            Event::Asked { source, conn, txn } => self.on_asked(now, (source, conn), txn, out),
            Event::HostSaid { link, conn, txn } if txn.message.asks() => on_host_asks((link, conn), txn, out),
            Event::HostSaid { link, txn, .. } => self.on_host_answer(now, link, txn, out),
            Event::Unsent { link, host_stan, id } => self.on_unsent(now, link, host_stan, id, out),
            Event::LinkUp { link } => self.set_up(link, true),
            Event::LinkDown { link } => self.set_up(link, false),
            Event::Tick => self.on_tick(now, out),
        }
    }

    /// When the next deadline passes: a [`Event::Tick`] is wanted then, and not before.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|&(at, _)| at)
    }

    /// Requests whose host has not answered yet.
    pub fn in_flight(&self) -> usize {
        self.deadlines.len()
    }

    /// Numbers for people and for metrics.
    pub fn status(&self) -> LaneStatus {
        LaneStatus {
            in_flight: self.in_flight(),
            remembered: self.memory.finished_len(),
            transactions: self.next_id.0 - 1,
            approved: self.counts.approved,
            refused: self.counts.refused,
            unknown: self.counts.unknown,
            not_sent: self.counts.not_sent,
            repeats: self.counts.repeats,
            owed: self.counts.owed,
            links: self.links.iter().map(LinkStatus::of).collect(),
        }
    }

    fn on_asked(&mut self, now: Now, asked_by: (SourceId, ConnId), txn: Txn, out: &mut Outbox) {
        let unknown_source = SourceConfig::default();
        let source = self.sources.get(usize::from(asked_by.0.0)).unwrap_or(&unknown_source);
        match admit(source, &txn) {
            Ok(Way::Onward) => self.on_request(now, asked_by, txn, out),
            Ok(Way::AnsweredHere(code, outcome)) => {
                answer_here(asked_by, txn, Answer::ours(code, outcome), out)
            }
            Err(refusal) => self.decline(now, asked_by, txn, refusal, Remember::No, out),
        }
    }

    fn on_request(&mut self, now: Now, asked_by: (SourceId, ConnId), txn: Txn, out: &mut Outbox) {
        let key = key_of(asked_by.0, &txn);
        let digest = fingerprint(&self.fingerprint_secret, &txn);
        if let Some(at) = self.memory.find(&key) {
            return self.on_known_key(now, at, asked_by, digest, txn, out);
        }
        let Some(route) = self.routes.choose(asked_by.0, &txn) else {
            let refusal = Refusal::not_sent(Code::NoRoute, "no route");
            return self.decline(now, asked_by, txn, refusal, Remember::Yes, out);
        };
        let (link, route) = (route.link, route.name);
        match self.way_to(now, link) {
            Ok(stan) => self.send(now, asked_by, txn, digest, Leg { link, stan, route }, out),
            Err(refusal) => self.decline(now, asked_by, txn, refusal, Remember::Yes, out),
        }
    }

    /// The same key again: the same request is a repeat, another one is refused and changes nothing.
    fn on_known_key(
        &mut self,
        now: Now,
        at: usize,
        asked_by: (SourceId, ConnId),
        digest: u64,
        txn: Txn,
        out: &mut Outbox,
    ) {
        if self.memory.get(at).is_some_and(|slot| slot.fingerprint != digest) {
            let refusal = Refusal::not_sent(Code::Duplicate, "same identity, other content");
            return self.decline(now, asked_by, txn, refusal, Remember::No, out);
        }
        self.counts.repeats += 1;
        self.advance(now, at, Happening::AskedAgain { asked_by, request: Arc::new(txn) }, out);
    }

    /// Whether a link takes one more request now, and under which trace number.
    fn way_to(&mut self, now: Now, id: LinkId) -> Result<Stan, Refusal> {
        let memory = &self.memory;
        let Some(link) = link_mut(&mut self.links, id) else {
            return Err(Refusal::not_sent(Code::NoRoute, "no such link"));
        };
        if !link.up {
            return Err(Refusal::not_sent(Code::HostDown, "host down"));
        }
        if link.in_flight >= link.config.in_flight_max {
            return Err(Refusal::not_sent(Code::Busy, "host in-flight limit"));
        }
        if !link.breaker.allows(now.instant) {
            return Err(Refusal::not_sent(Code::HostDown, "circuit breaker open"));
        }
        let in_flight = |at| memory.get(at).is_some_and(|slot| matches!(slot.flow, Flow::AwaitingHost(_)));
        link.draw_stan(in_flight).ok_or(Refusal::not_sent(Code::Busy, "no free trace number"))
    }

    fn send(
        &mut self,
        now: Now,
        asked_by: (SourceId, ConnId),
        txn: Txn,
        digest: u64,
        leg: Leg,
        out: &mut Outbox,
    ) {
        let id = self.draw_id();
        let Some(link) = link_mut(&mut self.links, leg.link) else { return };
        let deadline = now.instant.plus_ms(link.config.reply_timeout_ms);
        let awaiting = Awaiting {
            asked_by,
            ours: outgoing(now, &link.config, &txn, leg.stan),
            request: Arc::new(txn),
            deadline,
            since: now.instant,
            business_date: now.local().date,
            route: leg.route,
            at: now.wall,
        };
        let sent = awaiting.sent(id, digest, leg.link);
        let (key, kind, request) = (sent.key, sent.kind, awaiting.request.clone());
        match NoMoney::of(&request) {
            Some(no_money) => {
                out.record(Record::Inquired(sent));
                out.ask_host(no_money, leg.link, id, request, awaiting.ours);
            }
            None => {
                let recorded = out.record(Record::Sent(sent));
                out.ask_host(&recorded, leg.link, id, request, awaiting.ours);
            }
        }
        link.asked += 1;
        self.put_back(Slot {
            id,
            key,
            fingerprint: digest,
            kind,
            asked_host: Some((leg.link, leg.stan)),
            flow: Flow::AwaitingHost(Box::new(awaiting)),
        });
    }

    /// Says no before anything was sent. The refusal is a decision like any other: durable before it is told.
    fn decline(
        &mut self,
        now: Now,
        asked_by: (SourceId, ConnId),
        txn: Txn,
        refusal: Refusal,
        remember: Remember,
        out: &mut Outbox,
    ) {
        let id = self.draw_id();
        let answer = Answer::ours(refusal.code, refusal.outcome);
        let remembered = Remembered::from(&answer);
        let key = key_of(asked_by.0, &txn);
        let digest = fingerprint(&self.fingerprint_secret, &txn);
        self.counts.not_sent += 1;
        out.tell(Tell::Decided {
            id,
            kind: txn.kind,
            link: None,
            outcome: answer.outcome,
            code: answer.code,
            took_us: 0,
        });
        let recorded = out.record(Record::Declined(Declined {
            id,
            key,
            fingerprint: digest,
            takes_key: remember == Remember::Yes,
            message: txn.message,
            kind: txn.kind,
            pan: Card::from(txn.pan.clone()),
            amount: txn.amount,
            currency: txn.currency,
            answer: remembered,
            reason: Text::clipped(refusal.why.as_bytes()),
            at: now.wall,
        }));
        if remember == Remember::Yes {
            let flow = Flow::Decided(Decision { answer: remembered, by: DecidedBy::Us });
            self.put_back(Slot { id, key, fingerprint: digest, kind: txn.kind, asked_host: None, flow });
        }
        match NoMoney::of(&txn) {
            Some(no_money) => out.answer_source(no_money, asked_by, Arc::new(txn), answer),
            None => out.answer_source(&recorded, asked_by, Arc::new(txn), answer),
        }
    }

    fn on_host_answer(&mut self, now: Now, link_id: LinkId, reply: Txn, out: &mut Outbox) {
        let Some(link) = link_mut(&mut self.links, link_id) else { return };
        let Some(at) = link.find(reply.stan) else {
            return self.on_stranger(now, link_id, &reply, false, out);
        };
        let pairing = link.config.pairing;
        let is_ours = match self.memory.get(at).map(|slot| &slot.flow) {
            Some(Flow::AwaitingHost(awaiting)) => belongs(pairing, &awaiting.request, &awaiting.ours, &reply),
            // The request is gone; its terminal is what is left to compare by.
            Some(Flow::Decided(_)) => self.memory.get(at).is_some_and(|slot| {
                !pairing.terminal_id
                    || reply.terminal_id.is_empty()
                    || reply.terminal_id.as_bytes().trim_ascii_end()
                        == slot.key.terminal_id.as_bytes().trim_ascii_end()
            }),
            None => false,
        };
        if !is_ours {
            return self.on_stranger(now, link_id, &reply, true, out);
        }
        self.advance(now, at, Happening::HostAnswered(Box::new(reply)), out);
    }

    /// An answer to nothing we asked: written down, told, and otherwise ignored.
    fn on_stranger(&mut self, now: Now, link: LinkId, reply: &Txn, stan_known: bool, out: &mut Outbox) {
        if let Some(state) = link_mut(&mut self.links, link) {
            state.strange += 1;
        }
        out.record(Record::Observed(Observed {
            kind: Observation::Stranger,
            link,
            host_stan: reply.stan,
            id: None,
            wire_code: reply.wire_code,
            at: now.wall,
        }));
        out.tell(Tell::StrangeAnswer { link, stan_known });
    }

    fn on_unsent(&mut self, now: Now, link: LinkId, host_stan: Stan, id: TxnId, out: &mut Outbox) {
        let found = link_mut(&mut self.links, link).and_then(|link| link.find(host_stan));
        match found {
            Some(at) if self.memory.get(at).is_some_and(|slot| slot.id == id) => {
                self.advance(now, at, Happening::Unsent, out);
            }
            _ => out.tell(Tell::Meaningless { id }),
        }
    }

    fn on_tick(&mut self, now: Now, out: &mut Outbox) {
        while let Some(&(deadline, at)) = self.deadlines.first()
            && deadline <= now.instant
        {
            self.advance(now, at as usize, Happening::Deadline, out);
        }
    }

    /// Gives one happening to one transaction and keeps the books around it.
    pub(crate) fn advance(&mut self, now: Now, at: usize, happening: Happening, out: &mut Outbox) {
        let Some(slot) = self.memory.get_mut(at) else { return };
        let answered = matches!(happening, Happening::HostAnswered(_));
        // What a dead process left unanswered says nothing about the host.
        let judges_host = !matches!(happening, Happening::Restarted);
        let link = slot.asked_host.map_or(LinkId::default(), |(link, _)| link);
        let facts = Facts { id: slot.id, kind: slot.kind, link, now };
        let placeholder = Flow::Decided(Decision {
            answer: Remembered::from(&Answer::ours(Code::Malfunction, Outcome::Unknown)),
            by: DecidedBy::Us,
        });
        let before = core::mem::replace(&mut slot.flow, placeholder);
        let deadline = match &before {
            Flow::AwaitingHost(awaiting) => Some(awaiting.deadline),
            Flow::Decided(_) => None,
        };
        let after = before.step(facts, happening, out);
        let decided = match (deadline, &after) {
            (Some(deadline), Flow::Decided(decision)) => Some((deadline, *decision)),
            (None, _) | (Some(_), Flow::AwaitingHost(_)) => None,
        };
        slot.flow = after;
        match decided {
            Some((deadline, decision)) => {
                self.deadlines.remove(&(deadline, at as u32));
                self.memory.finish(at);
                self.count(decision.answer.outcome, facts.kind);
                self.note_on_link(now, link, decision.by, judges_host, out);
                self.forget();
            }
            None if answered => {
                if let Some(link) = link_mut(&mut self.links, link) {
                    link.late += 1;
                }
            }
            None => {}
        }
    }

    fn count(&mut self, outcome: Outcome, kind: terms::Kind) {
        match outcome {
            Outcome::Approved => self.counts.approved += 1,
            Outcome::Refused => self.counts.refused += 1,
            Outcome::NotSent => self.counts.not_sent += 1,
            Outcome::Unknown => {
                self.counts.unknown += 1;
                self.counts.owed += u64::from(owed_for(kind) != Owed::Nothing);
            }
        }
    }

    fn note_on_link(&mut self, now: Now, id: LinkId, by: DecidedBy, judges_host: bool, out: &mut Outbox) {
        let Some(link) = link_mut(&mut self.links, id) else { return };
        link.in_flight = link.in_flight.saturating_sub(1);
        match by {
            _ if !judges_host => {}
            DecidedBy::Host => {
                link.answered += 1;
                if link.breaker.answered() {
                    out.tell(Tell::BreakerClosed { link: id });
                }
            }
            DecidedBy::Silence => {
                link.unanswered += 1;
                if link.breaker.unanswered(now.instant) {
                    out.tell(Tell::BreakerOpened { link: id });
                }
            }
            DecidedBy::Unsent => link.breaker.unsent(now.instant),
            DecidedBy::Us => {}
        }
    }

    /// Puts a transaction into memory and everything else that must know of it.
    pub(crate) fn put_back(&mut self, slot: Slot) -> usize {
        let asked_host = slot.asked_host;
        let deadline = match &slot.flow {
            Flow::AwaitingHost(awaiting) => Some(awaiting.deadline),
            Flow::Decided(_) => None,
        };
        let at = self.memory.insert(slot);
        if let Some(deadline) = deadline {
            self.deadlines.insert((deadline, at as u32));
        }
        if let Some((link, stan)) = asked_host
            && let Some(link) = link_mut(&mut self.links, link)
        {
            link.assign(stan, at);
            link.in_flight += u32::from(deadline.is_some());
        }
        self.forget();
        at
    }

    /// Finished transactions, the oldest first, then those in flight by their deadlines.
    pub(crate) fn known(&self) -> impl Iterator<Item = &Slot> {
        let in_flight = self.deadlines.iter().filter_map(|&(_, at)| self.memory.get(at as usize));
        self.memory.finished().chain(in_flight)
    }

    /// A link or source of the journal, at the place it has there.
    pub(crate) fn note_name(&mut self, what: Named, number: u16, name: LinkName) {
        let at = usize::from(number);
        match what {
            Named::Link if at == self.links.len() => self.links.push(Link::new(LinkConfig::retired(name))),
            Named::Source if at == self.sources.len() => {
                self.sources.push(SourceConfig { name, terminal_required: true });
            }
            // Known already: a snapshot and the records behind it both say it.
            Named::Link | Named::Source => {}
        }
    }

    /// Names and the numbers given out last, as records.
    pub(crate) fn numbers(&self, keep: &mut impl FnMut(Record)) {
        for (at, link) in self.links.iter().enumerate() {
            keep(named(Named::Link, at, link.config.name));
        }
        for (at, source) in self.sources.iter().enumerate() {
            keep(named(Named::Source, at, source.name));
        }
        let next_id = self.next_id;
        keep(Record::Numbers { next_id, link: None, last_stan: Stan(0) });
        for (at, link) in self.links.iter().enumerate() {
            keep(Record::Numbers { next_id, link: Some(LinkId(at as u16)), last_stan: link.last_stan });
        }
    }

    pub(crate) fn note_numbers(&mut self, next_id: TxnId, link: Option<LinkId>, last_stan: Stan) {
        self.next_id = self.next_id.max(next_id);
        if let Some(link) = link.and_then(|link| link_mut(&mut self.links, link)) {
            link.last_stan = last_stan;
        }
    }

    pub(crate) fn note_id(&mut self, id: TxnId) {
        self.next_id = self.next_id.max(TxnId(id.0 + 1));
    }

    pub(crate) fn note_owed(&mut self, owes: Owed) {
        self.counts.owed += u64::from(owes != Owed::Nothing);
    }

    fn forget(&mut self) {
        let links = &mut self.links;
        self.memory.forget_oldest(|at, slot| {
            if let Some((link, stan)) = slot.asked_host
                && let Some(link) = link_mut(links, link)
            {
                link.release(stan, at);
            }
        });
    }

    fn set_up(&mut self, link: LinkId, up: bool) {
        if let Some(link) = link_mut(&mut self.links, link) {
            link.up = up;
        }
    }

    fn draw_id(&mut self) -> TxnId {
        let id = self.next_id;
        self.next_id = TxnId(id.0 + 1);
        id
    }
}

fn named(what: Named, at: usize, name: LinkName) -> Record {
    Record::Named { what, number: at as u16, name }
}

/// The way to a host: which, under which trace number of ours, and why.
struct Leg {
    link: LinkId,
    stan: Stan,
    route: Text<24>,
}

/// Whether a declined request keeps its key occupied: not when the key is somebody else's, or nobody's.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Remember {
    Yes,
    No,
}

/// A network message of a source: nothing of it moves money, and each gets an answer.
fn answer_here(asked_by: (SourceId, ConnId), txn: Txn, answer: Answer, out: &mut Outbox) {
    let permit = NoMoney::of(&txn).unwrap_or(NoMoney::of_refusal());
    out.answer_source(permit, asked_by, Arc::new(txn), answer);
}

/// A host asks us: an echo is answered, anything else is refused by name.
fn on_host_asks(from: (LinkId, ConnId), txn: Txn, out: &mut Outbox) {
    let answer = match (txn.message.class, at_home(txn.network)) {
        (terms::Class::Network, Way::AnsweredHere(code, outcome)) => Answer::ours(code, outcome),
        _ => Answer::ours(Code::NotSupported, Outcome::Refused),
    };
    out.answer_host(NoMoney::of_refusal(), from, Arc::new(txn), answer);
}

/// Numbers of a lane since it was made (`transactions`, `owed`: since its journal began).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaneStatus {
    /// Requests whose host has not answered yet.
    pub in_flight: usize,
    /// Finished transactions still known.
    pub remembered: usize,
    /// Transactions numbered in the life of the journal.
    pub transactions: u64,
    /// Approved by a host.
    pub approved: u64,
    /// Refused by a host.
    pub refused: u64,
    /// Unanswered in time.
    pub unknown: u64,
    /// Declined or proved unsent.
    pub not_sent: u64,
    /// Requests that came again.
    pub repeats: u64,
    /// Unknown outcomes that oblige us to something.
    pub owed: u64,
    /// Link by link.
    pub links: Vec<LinkStatus>,
}

/// Numbers of one link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkStatus {
    /// Its name.
    pub name: LinkName,
    /// Whether it has a usable connection.
    pub up: bool,
    /// Requests unanswered now.
    pub in_flight: u32,
    /// Whether its host is asked at all.
    pub breaker: BreakerState,
    /// Requests sent.
    pub asked: u64,
    /// Answered in time.
    pub answered: u64,
    /// Not answered in time.
    pub unanswered: u64,
    /// Answers that came late or twice.
    pub late: u64,
    /// Answers to nothing we asked.
    pub strange: u64,
}

impl LinkStatus {
    fn of(link: &Link) -> Self {
        Self {
            name: link.config.name,
            up: link.up,
            in_flight: link.in_flight,
            breaker: link.breaker.state(),
            asked: link.asked,
            answered: link.answered,
            unanswered: link.unanswered,
            late: link.late,
            strange: link.strange,
        }
    }
}
