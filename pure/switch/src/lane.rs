use crate::admit::{Refusal, Way, admit, fingerprint, key_of, sheds};
use crate::day::{Calendar, Own};
use crate::desk::{Desk, Facts};
use crate::flow::{Asker, Awaiting, Decision, Flow, Happening, Leg};
use crate::forward::{Forwards, Item};
use crate::management::LinkWatch;
use crate::memory::{Memory, Place, Room, Slot, Trail};
use crate::pairing::{Link, Owner, belongs, link_mut, outgoing};
use crate::reason::{Matters, Reason};
use crate::reconcile::EndedDays;
use crate::status::Counts;
use crate::submission::Tickets;
use crate::transfer::{self, Legs};
use crate::{DayConfig, Demands, Event, LaneConfig, LinkConfig, NoMoney, Outbox, Routes, SourceConfig, Tell};
use alloc::{boxed::Box, collections::BTreeSet, sync::Arc, vec::Vec};
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use journal::{
    Card, CutStage, DayRecord, Debited, DecidedBy, Declined, Key, Named, Observation, Observed, Onward,
    Record, Remembered, Sent, Vault,
};
use terms::{
    Answer, BusinessDate, Class, Code, ConnId, ForwardId, Instant, LinkId, LinkName, Now, Outcome, SourceId,
    Stan, TerminalId, Text, Txn, TxnId,
};

/// One single-threaded state machine with one journal: the unit of order.
///
/// Every source belongs to exactly one lane, whose messages are handled in order, so a repeat always meets
/// its first, a reversal its original, and no lock is ever needed.
///
/// A copy of a lane is another lane with the same past: for those who want to see every future of one.
#[derive(Clone)]
pub struct Lane {
    pub(crate) sources: Vec<SourceConfig>,
    pub(crate) links: Vec<Link>,
    pub(crate) routes: Routes,
    pub(crate) memory: Memory,
    pub(crate) forwards: Forwards,
    /// When which transaction in flight runs out of time.
    pub(crate) deadlines: BTreeSet<(Instant, u32)>,
    /// Requests under way, terminal by terminal.
    per_terminal: HashMap<(SourceId, TerminalId), u32, FixedState>,
    in_flight_max: u32,
    /// Why no request may begin now. What ends, repeats or takes back one that has begun is taken all the same.
    takes_nothing_new: Option<Code>,
    /// Nothing owed is sent and nothing new is taken before a person says so.
    pub(crate) recovery_waits: bool,
    pub(crate) next_id: TxnId,
    pub(crate) next_forward: ForwardId,
    pub(crate) secrets: Secrets,
    pub(crate) counts: Counts,
    pub(crate) link_watch: LinkWatch,
    pub(crate) tickets: Tickets,
    /// What is counted: every record of ours goes through it.
    pub(crate) book: book::Book,
    /// How many effects of this step's outbox it has seen.
    pub(crate) counted_upto: usize,
    /// Transactions the book may forget once what was recorded of them is counted.
    forgotten: Vec<TxnId>,
    /// Days of hosts that ended, and what became of comparing them.
    pub(crate) ended_days: EndedDays,
    pub(crate) day: Option<DayConfig>,
    /// Our own day.
    pub(crate) own: Own,
    pub(crate) calendar: Calendar,
    /// The last trace number under which sources were told of a day.
    pub(crate) announced: Stan,
    /// Links whose gate has opened in this step.
    pub(crate) recovered: Vec<LinkId>,
    forgets_early: Early,
    /// Finished transactions remembered, as the journal says.
    pub(crate) remembers: u64,
}

/// What people were told of transactions that are forgotten before their time.
#[derive(Clone, Copy, Debug, Default)]
struct Early {
    told: u64,
    again_from: Instant,
}

/// What keeps cards out of the lane's memory and out of its records.
#[derive(Clone)]
pub struct Secrets {
    /// Keys the digests of requests. The same for the life of the journal.
    pub fingerprint: [u8; 16],
    /// Seals card numbers.
    pub vault: Arc<Vault>,
}

/// A repeat of another day's request is one this long after it; and what says no time at all, of itself or of its
/// request, is about requests of that long.
pub(crate) const REPEATED_WITHIN_MS: i64 = 6 * 3_600_000;
/// From one telling that transactions are forgotten before their time to the next. Reason: each is one too many,
/// and there would be as many tellings as transactions.
const TELL_OF_FORGETTING_MS: u32 = 60_000;

fn room_of(config: &LaneConfig) -> Room {
    Room::All { most: config.remembered_max, kept_ms: i64::from(config.remembered_min_s) * 1_000 }
}

impl Lane {
    /// A lane that remembers nothing yet.
    pub fn new(config: LaneConfig, secrets: Secrets) -> Self {
        let room = room_of(&config);
        Self {
            sources: config.sources,
            links: config.links.into_iter().map(Link::new).collect(),
            routes: config.routes,
            memory: Memory::new(room, secrets.fingerprint),
            forwards: Forwards::default(),
            deadlines: BTreeSet::new(),
            per_terminal: HashMap::with_hasher(FixedState::with_seed(0)),
            in_flight_max: config.in_flight_max,
            takes_nothing_new: None,
            recovery_waits: false,
            next_id: TxnId(1),
            next_forward: ForwardId(1),
            secrets,
            counts: Counts::default(),
            link_watch: LinkWatch::default(),
            tickets: Tickets::default(),
            book: book::Book::new(),
            counted_upto: 0,
            forgotten: Vec::new(),
            ended_days: EndedDays::new(),
            day: config.day,
            own: Own::default(),
            calendar: Calendar::default(),
            announced: Stan(0),
            recovered: Vec::new(),
            forgets_early: Early::default(),
            remembers: 0,
        }
    }

    /// Takes over what a configuration may change: routes, timers and limits. Links and sources keep their
    /// places for the life of the journal; those behind the ones it knows are new, and their names are
    /// recorded.
    pub fn reconfigure(&mut self, config: LaneConfig, out: &mut Outbox) {
        self.make_room(&config, out);
        for (at, changed) in config.links.into_iter().enumerate() {
            let Some(link) = self.links.get_mut(at) else {
                out.record(named(Named::Link, at, changed.name));
                self.links.push(Link::new(changed));
                continue;
            };
            if link.config.breaker != changed.breaker {
                link.breaker = crate::Breaker::new(changed.breaker);
            }
            link.life.reconfigure(&link.config.management, &changed.management);
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
        self.watch_links();
        self.routes = config.routes;
        self.in_flight_max = config.in_flight_max;
        self.day = config.day;
        self.calendar.forget();
    }

    /// The journal says how much is remembered: whoever reads it has to remember as much.
    fn make_room(&mut self, config: &LaneConfig, out: &mut Outbox) {
        let most = config.remembered_max as u64;
        if self.remembers != most {
            self.remembers = most;
            out.record(Record::Remembers { most });
        }
        self.memory.make_room(room_of(config));
    }

    /// The names of links and of sources, at the places the journal knows them by.
    pub fn names(&self) -> (Vec<LinkName>, Vec<LinkName>) {
        let links = self.links.iter().map(|link| link.config.name).collect();
        (links, self.sources.iter().map(|source| source.name).collect())
    }

    /// Advances the lane by one event at one moment. Pure: everything the world should do is left in `out`.
    pub fn step(&mut self, now: Now, event: Event, out: &mut Outbox) {
        self.counted_upto = out.len();
        self.memory.tell_time(now.wall);
        // First of all, so that nothing is stamped with a day that is over.
        self.follow_the_calendar(now, out);
        match event {
            Event::Asked { source, conn, txn } => self.on_asked(now, (source, conn), txn, out),
            Event::Submitted { source, conn, txn, ticket } => {
                self.on_submitted(now, (source, conn), txn, ticket, out);
            }
            Event::Captured { source, conn, txn, ticket, of } => {
                self.on_captured(now, (source, conn), txn, (ticket, of), out);
            }
            Event::HostSaid { link, conn, txn } if txn.message.asks() => {
                self.on_host_asks(now, (link, conn), txn, out);
            }
            Event::HostSaid { link, txn, .. } => self.on_host_answer(now, link, txn, out),
            Event::Unsent { link, host_stan, id } => {
                self.on_unsent(now, (link, host_stan), id, Code::HostDown, out);
            }
            Event::Withheld { link, host_stan, id, code } => {
                self.on_unsent(now, (link, host_stan), id, code, out);
            }
            Event::Undelivered { source, request, id } => self.on_undelivered(now, source, &request, id, out),
            Event::HostDate { link, date } => drop(self.on_host_date(now, link, date, out)),
            Event::Ruled { forward, ruling, by, reason } => {
                self.on_ruling(now, forward, ruling, by, reason, out);
            }
            Event::Settled { forward, ended, by, reason } => {
                self.on_settled(now, forward, Some(ended), (by, reason), out);
            }
            Event::LinkOrdered { link, order, by } => self.on_link_ordered(now, link, order, by, out),
            Event::OwnCutover { by } => self.on_own_cutover(now, by, out),
            Event::ReconcileOrdered { link, date, by } => {
                self.on_reconcile_ordered(now, link, date, by, out);
            }
            Event::Recover => {
                self.recovery_waits = false;
                self.look_at_links();
            }
            Event::LinkUp { link } => self.on_link_up(now, link, out),
            Event::AskKeys { link, carried } => self.ask_keys(now, link, carried, out),
            Event::LinkDown { link } => self.on_link_down(now, link, out),
            Event::Tick => self.on_tick(now, out),
        }
        if self.link_watch.is_due(now.instant) {
            self.mind_links(now, out);
        }
        if !self.forwards.is_empty() {
            self.send_what_is_due(now, out);
            self.raise_alarms(now, out);
        }
        self.recovered.drain(..).for_each(|link| out.tell(Tell::Recovered { link }));
        if self.memory.forgotten_early() > self.forgets_early.told {
            self.tell_of_forgetting(now, out);
        }
        self.count(now, out);
        self.forget_what_is_counted();
    }

    /// Counts what was recorded in this step and is not counted yet: at its end, and before anybody reads a total.
    pub(crate) fn count(&mut self, now: Now, out: &mut Outbox) {
        loop {
            let from = core::mem::replace(&mut self.counted_upto, out.len());
            out.recorded_since(from).for_each(|record| self.book.apply(record));
            let late = self.book.take_late();
            if late.is_empty() {
                return;
            }
            for id in late {
                self.on_late_result(now, id, out);
            }
        }
    }

    /// Of what is not remembered any more nothing will be heard.
    pub(crate) fn forget_what_is_counted(&mut self) {
        self.forgotten.drain(..).for_each(|id| self.book.forget(id));
    }

    /// The totals of its day were told without it: somebody has to know, once.
    pub(crate) fn on_late_result(&mut self, now: Now, id: TxnId, out: &mut Outbox) {
        let Some((at, _)) = self.memory.iter().find(|(_, slot)| slot.id == id) else { return };
        out.tell(Tell::LateResult { id });
        let Some(slot) = self.memory.get_mut(at) else { return };
        if slot.is_news(Reason::ToldLate) {
            self.raise(now, id, None, Reason::ToldLate.text(), out);
        }
    }

    fn tell_of_forgetting(&mut self, now: Now, out: &mut Outbox) {
        if now.instant >= self.forgets_early.again_from {
            let told = self.memory.forgotten_early();
            out.tell(Tell::ForgetsEarly { count: told - self.forgets_early.told });
            self.forgets_early = Early { told, again_from: now.instant.plus_ms(TELL_OF_FORGETTING_MS) };
        }
    }

    /// When something happens by itself: an [`Event::Tick`] is wanted then, and not before.
    pub fn next_deadline(&self) -> Option<Instant> {
        let deadline = self.deadlines.first().map(|&(at, _)| at);
        let (forward, alarm) = match self.forwards.is_empty() {
            true => (None, None),
            false => (self.forwards.next_moment(|link| self.room_on(link)), self.next_alarm()),
        };
        [deadline, forward, alarm, self.link_watch.moment()].into_iter().flatten().min()
    }

    /// Whether requests may begin: `None`, or what those who try are told. For whoever runs the lane, who alone
    /// knows that it is to end, or that its disk is full.
    pub fn take_nothing_new(&mut self, code: Option<Code>) {
        self.takes_nothing_new = code;
    }

    /// Whether recovery waits for a person, and no request is sent to any host before.
    pub fn waits_for_recovery(&self) -> bool {
        self.recovery_waits
    }

    /// Requests whose host has not answered yet.
    pub fn in_flight(&self) -> usize {
        self.deadlines.len()
    }

    /// Messages owed to hosts.
    pub fn pending(&self) -> usize {
        self.forwards.len()
    }

    pub(crate) fn on_asked(&mut self, now: Now, asked_by: (SourceId, ConnId), txn: Txn, out: &mut Outbox) {
        if !txn.message.asks() && txn.message.class == Class::Network {
            // The answer to what sources were told of our day: whoever got it has it.
            return;
        }
        let unknown_source = SourceConfig::default();
        let source = self.sources.get(usize::from(asked_by.0.0)).unwrap_or(&unknown_source);
        match admit(source, &txn) {
            Ok(Way::Onward) => self.on_request(now, asked_by, txn, out),
            Ok(Way::Back) => self.on_taken_back(now, asked_by, txn, out),
            Ok(Way::Report) => self.on_report(now, asked_by, txn, out),
            Ok(Way::AnsweredHere(code, outcome)) => {
                answer_here(asked_by, txn, Answer::ours(code, outcome), out)
            }
            Err(refusal) => self.decline(now, asked_by, txn, refusal, Remember::No, out),
        }
    }

    fn on_request(&mut self, now: Now, asked_by: (SourceId, ConnId), txn: Txn, out: &mut Outbox) {
        let key = key_of(asked_by.0, &txn, now.local().date);
        let digest = fingerprint(&self.secrets.fingerprint, &txn);
        let known =
            self.memory.find(&key).or_else(|| self.first_of_repeat(now, asked_by.0, &txn, &key, digest));
        if let Some(at) = known {
            return self.on_known_key(now, at, asked_by, digest, txn, out);
        }
        if let Some(at) = self.tombstone_for(now, asked_by.0, &txn) {
            if self.memory.get(at).is_some_and(|slot| is_another(slot, &txn, digest)) {
                let refusal = Refusal::not_sent(Code::Duplicate, "same identity, other content");
                return self.decline(now, asked_by, txn, refusal, Remember::No, out);
            }
            // Its reversal came first: it is refused for ever, and the host never hears of it.
            let asker = Asker { asked_by, request: Arc::new(txn) };
            return self.advance(now, at, Happening::AskedAgain(asker), out);
        }
        if let Some(code) = self.takes_nothing_new {
            // Nothing of it is written down, because nothing happens.
            self.counts.turned_away += 1;
            let answer = Answer::ours(code, Outcome::NotSent);
            return out.answer_source(NoMoney::of_refusal(), asked_by, Arc::new(txn), answer);
        }
        let load = self.deadlines.len();
        if sheds(txn.kind, load, self.in_flight_max) {
            let refusal = Refusal::not_sent(Code::Busy, "too much under way");
            return self.decline(now, asked_by, txn, refusal, Remember::Yes, out);
        }
        if self.terminal_is_busy(asked_by.0, &txn) {
            let refusal = Refusal::not_sent(Code::Busy, "terminal has one under way");
            return self.decline(now, asked_by, txn, refusal, Remember::Yes, out);
        }
        let Some(route) = self.routes.choose(asked_by.0, &txn) else {
            let refusal = Refusal::not_sent(Code::NoRoute, "no route");
            return self.decline(now, asked_by, txn, refusal, Remember::Yes, out);
        };
        let (link, route) = (route.link, route.name);
        let onward = self.onward(asked_by.0, &txn, link);
        let may_credit = onward.map_or(Ok(()), |to| transfer::would_take(&self.links, now.instant, to.link));
        match may_credit.and_then(|()| self.way_to(now, link)) {
            Ok(stan) => self.send(now, asked_by, txn, digest, Path { link, stan, route, onward }, out),
            Err(refusal) => self.decline(now, asked_by, txn, refusal, Remember::Yes, out),
        }
    }

    /// What a message that calls itself a repeat repeats, when its time of day is not the first's: the same
    /// request of the same terminal, trace number and day.
    ///
    /// Around midnight the same request is one of another day where its message says no day: so one of the last
    /// hours is the first as well.
    fn first_of_repeat(
        &self,
        now: Now,
        source: SourceId,
        txn: &Txn,
        key: &Key,
        digest: u64,
    ) -> Option<usize> {
        let trail = Trail { local_time: None, ..Trail::of_request(source, txn) };
        let day = |key: &Key| key.local_time.map(|time| time.date);
        let is_recent = |slot: &Slot| now.wall.as_unix_ms() - slot.at.as_unix_ms() < REPEATED_WITHIN_MS;
        let is_first =
            |slot: &Slot| slot.fingerprint == digest && (day(&slot.key) == day(key) || is_recent(slot));
        if txn.message.is_repeat() { self.memory.follow(&trail, is_first) } else { None }
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
        let Some(slot) = self.memory.get(at) else { return };
        if is_another(slot, &txn, digest) {
            let refusal = Refusal::not_sent(Code::Duplicate, "same identity, other content");
            return self.decline(now, asked_by, txn, refusal, Remember::No, out);
        }
        self.counts.repeats += 1;
        let asker = Asker { asked_by, request: Arc::new(txn) };
        self.advance(now, at, Happening::AskedAgain(asker), out);
    }

    fn terminal_is_busy(&self, source: SourceId, txn: &Txn) -> bool {
        let most = self.sources.get(usize::from(source.0)).map_or(0, |source| source.per_terminal_max);
        let under_way = self.per_terminal.get(&(source, txn.terminal_id)).copied().unwrap_or(0);
        most > 0 && under_way >= most
    }

    /// Whether a link takes one more request now, and under which trace number.
    fn way_to(&mut self, now: Now, id: LinkId) -> Result<Stan, Refusal> {
        let Some(link) = link_mut(&mut self.links, id) else {
            return Err(Refusal::not_sent(Code::NoRoute, "no such link"));
        };
        if self.recovery_waits {
            return Err(Refusal::not_sent(Code::HostDown, "recovery is needed"));
        }
        link.take(now.instant)
    }

    fn send(
        &mut self,
        now: Now,
        asked_by: (SourceId, ConnId),
        txn: Txn,
        digest: u64,
        path: Path,
        out: &mut Outbox,
    ) {
        let id = self.draw_id();
        let business_date = self.business_date(now, path.link);
        let demands = self.demands(path.link, path.onward);
        let Some(link) = link_mut(&mut self.links, path.link) else { return };
        let ours = outgoing(now, &link.config, &txn, path.stan);
        let deadline = now.instant.plus_ms(link.config.reply_timeout_of(txn.message.class));
        link.asked += 1;
        let request = Arc::new(txn);
        let sent = Sent {
            id,
            key: key_of(asked_by.0, &request, now.local().date),
            fingerprint: digest,
            message: request.message,
            kind: request.kind,
            processing_code: request.processing_code,
            pan: self.sealed(id, &request),
            amount: request.amount,
            currency: request.currency,
            rrn: request.rrn,
            acquirer_id: request.acquirer_id,
            transmitted_at: request.transmitted_at,
            link: path.link,
            host_stan: path.stan,
            host_rrn: ours.rrn,
            host_transmitted_at: ours.transmitted_at,
            business_date,
            own_date: self.own_date(),
            route: path.route,
            to_account: transfer::sealed_account(&self.secrets.vault, id, &request),
            kept: demands.pick(&request.carried),
            at: now.wall,
        };
        self.claim(now, id, sent.key, out);
        match NoMoney::of(&request) {
            Some(no_money) => {
                out.record(Record::Inquired(sent.clone()));
                out.ask_host(no_money, path.link, id, request.clone(), ours);
            }
            None => {
                let (record, asked) = match path.onward {
                    None => (Record::Sent(sent.clone()), request.clone()),
                    Some(onward) => (
                        Record::Debited(Debited { sent: sent.clone(), onward }),
                        Arc::new(transfer::debit_of(&request)),
                    ),
                };
                let recorded = out.record(record);
                out.ask_host(&recorded, path.link, id, asked, ours);
            }
        }
        let leg = path.onward.map_or(Leg::Only, Leg::Debit);
        let (since, sent_at, mark) = (now.instant, now.instant, None);
        let awaiting = Awaiting { asked_by, request, ours, deadline, since, sent_at, leg, mark };
        self.put_back(Slot {
            id,
            key: sent.key,
            fingerprint: digest,
            kind: sent.kind,
            transmitted_at: sent.transmitted_at,
            sent: Some(Box::new(sent)),
            legs: path.onward.map(|onward| Box::new(Legs { onward, credit: None })),
            at: now.wall,
            flow: Flow::AwaitingHost(Box::new(awaiting)),
            told_again: false,
            noted: Matters::default(),
            place: Place::default(),
        });
    }

    /// What the hosts a request goes to demand of whatever they may come to be owed for it.
    pub(crate) fn demands(&self, link: LinkId, onward: Option<Onward>) -> Demands {
        let of = |link: LinkId| self.links.get(usize::from(link.0)).map(|link| link.config.host.demands);
        let credit = onward.and_then(|onward| of(onward.link)).unwrap_or_default();
        of(link).unwrap_or_default().and(credit)
    }

    /// The card of a request as it is kept: sealed.
    pub(crate) fn sealed(&self, id: TxnId, request: &Txn) -> Card {
        match request.pan.is_none() {
            true => Card::None,
            false => Card::Sealed(self.secrets.vault.seal(id, &request.pan)),
        }
    }

    /// The day money of that host is counted under now: the host's, or ours where it is not known.
    pub(crate) fn business_date(&self, now: Now, link: LinkId) -> BusinessDate {
        let known = self.links.get(usize::from(link.0)).and_then(|link| link.date);
        known.unwrap_or_else(|| now.local().date)
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
        let key = key_of(asked_by.0, &txn, now.local().date);
        let digest = fingerprint(&self.secrets.fingerprint, &txn);
        self.counts.not_sent += 1;
        out.tell(Tell::Decided {
            id,
            kind: txn.kind,
            link: None,
            outcome: answer.outcome,
            code: answer.code,
            took_us: 0,
        });
        if remember == Remember::Yes {
            self.claim(now, id, key, out);
        }
        let recorded = out.record(Record::Declined(Declined {
            id,
            key,
            fingerprint: digest,
            takes_key: remember == Remember::Yes,
            message: txn.message,
            kind: txn.kind,
            pan: self.sealed(id, &txn),
            amount: txn.amount,
            currency: txn.currency,
            answer: remembered,
            reason: Text::clipped(refusal.why.as_bytes()),
            at: now.wall,
        }));
        if remember == Remember::Yes {
            self.put_back(Slot {
                id,
                key,
                fingerprint: digest,
                kind: txn.kind,
                transmitted_at: txn.transmitted_at,
                sent: None,
                legs: None,
                at: now.wall,
                flow: Flow::Decided(Decision::made(remembered, DecidedBy::Us)),
                told_again: false,
                noted: Matters::default(),
                place: Place::default(),
            });
        }
        match NoMoney::of(&txn) {
            Some(no_money) => out.answer_source(no_money, asked_by, Arc::new(txn), answer),
            None => out.answer_source(&recorded, asked_by, Arc::new(txn), answer),
        }
    }

    fn on_host_answer(&mut self, now: Now, link_id: LinkId, reply: Txn, out: &mut Outbox) {
        let Some(link) = link_mut(&mut self.links, link_id) else { return };
        link.life.heard(now.instant);
        let pairing = link.config.pairing;
        let at = match link.find(reply.stan) {
            Some(Owner::Management) => return self.on_network_answer(now, link_id, reply, out),
            Some(Owner::Totals(date, currency)) => {
                return self.on_totals_answered(now, link_id, (date, currency), &reply, out);
            }
            None => return self.on_stranger(now, link_id, &reply, false, out),
            Some(Owner::Forward(forward)) => {
                return self.on_forward_answer(now, link_id, forward, reply, out);
            }
            Some(Owner::InFlight(at) | Owner::Finished(at)) => at as usize,
        };
        let names = Some((link_id, reply.stan));
        let of_debit =
            self.memory.get(at).is_some_and(|slot| slot.credited().is_some() && slot.asked_host() == names);
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
        let reply = Box::new(reply);
        let happening =
            if of_debit { Happening::DebitAnswered(reply) } else { Happening::HostAnswered(reply) };
        self.advance(now, at, happening, out);
    }

    /// An answer to nothing we asked: written down, told, and otherwise ignored.
    pub(crate) fn on_stranger(
        &mut self,
        now: Now,
        link: LinkId,
        reply: &Txn,
        stan_known: bool,
        out: &mut Outbox,
    ) {
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

    fn on_unsent(
        &mut self,
        now: Now,
        (link, host_stan): (LinkId, Stan),
        id: TxnId,
        code: Code,
        out: &mut Outbox,
    ) {
        match link_mut(&mut self.links, link).and_then(|link| link.find(host_stan)) {
            Some(Owner::Forward(forward)) => self.try_again_soon(now, forward),
            Some(Owner::Management) => self.on_network_unsent(now, link, host_stan, out),
            Some(Owner::Totals(date, currency)) => self.on_totals_unsent(now, link, date, currency),
            Some(Owner::InFlight(at) | Owner::Finished(at))
                if self
                    .memory
                    .get(at as usize)
                    .is_some_and(|slot| slot.id == id && slot.asked_last() == Some((link, host_stan))) =>
            {
                self.advance(now, at as usize, Happening::Unsent(code), out);
            }
            _ => out.tell(Tell::Meaningless { id }),
        }
    }

    fn on_undelivered(&mut self, now: Now, source: SourceId, request: &Txn, id: TxnId, out: &mut Outbox) {
        let trail = Trail { local_time: None, ..Trail::of_request(source, request) };
        match self.memory.follow(&trail, |slot| slot.id == id) {
            Some(at) => self.advance(now, at, Happening::Undelivered, out),
            None => out.tell(Tell::Meaningless { id }),
        }
    }

    fn on_tick(&mut self, now: Now, out: &mut Outbox) {
        while let Some(&(deadline, at)) = self.deadlines.first()
            && deadline <= now.instant
        {
            self.advance(now, at as usize, Happening::Deadline, out);
        }
        self.give_up_overdue(now, out);
    }

    /// Gives one happening to one transaction and keeps the books around it.
    pub(crate) fn advance(&mut self, now: Now, at: usize, happening: Happening, out: &mut Outbox) {
        let Some(slot) = self.memory.get_mut(at) else { return };
        match (&slot.flow, &happening) {
            (Flow::Decided(_), Happening::AskedAgain(_)) => slot.told_again = true,
            (Flow::Decided(_), Happening::Undelivered) if slot.told_again => {
                return out.tell(Tell::Meaningless { id: slot.id });
            }
            _ => {}
        }
        let answered = match &happening {
            Happening::HostAnswered(_) => slot.asked_last(),
            Happening::DebitAnswered(_) => slot.asked_host(),
            _ => None,
        };
        // What a dead process left unanswered says nothing about the host.
        let judges_host = !matches!(happening, Happening::Restarted);
        let facts = Facts {
            id: slot.id,
            kind: slot.kind,
            link: slot.asked_last().map(|(link, _)| link),
            business_date: slot.business_date().unwrap_or_else(|| now.local().date),
            debit: slot.debit(),
            told_date: slot.sent.as_ref().and_then(|sent| sent.own_date),
            noted: slot.noted,
            is_a_persons: slot.is_a_persons(),
            never_left: slot.owed_message().is_some_and(|id| self.forwards.never_left(id)),
            now,
        };
        let nothing = Remembered::from(&Answer::ours(Code::Malfunction, Outcome::Unknown));
        let placeholder = Flow::Decided(Decision::made(nothing, DecidedBy::Us));
        let was_owed = slot.is_owed();
        let before = core::mem::replace(&mut slot.flow, placeholder);
        let awaited = match &before {
            Flow::AwaitingHost(awaiting) => Some((awaiting.deadline, awaiting.sent_at)),
            Flow::Decided(_) => None,
        };
        let mut desk = Desk {
            out,
            links: &mut self.links,
            next_forward: &mut self.next_forward,
            owed: None,
            withdrawn: None,
            credited: None,
            noted: Matters::default(),
        };
        let after = before.step(facts, happening, &mut desk);
        let (owed, credited, noted, withdrawn) = (desk.owed, desk.credited, desk.noted, desk.withdrawn);
        self.counts.exceptions += noted.iter().count() as u64;
        let decided = match (awaited, &after) {
            (Some((deadline, _)), Flow::Decided(decision)) => Some((deadline, *decision)),
            (None, _) | (Some(_), Flow::AwaitingHost(_)) => None,
        };
        let deadlines = match (awaited, &after) {
            (Some((was_due, _)), Flow::AwaitingHost(awaiting)) => Some((was_due, awaiting.deadline)),
            _ => None,
        };
        slot.flow = after;
        slot.noted = slot.noted.and(noted);
        let is_paid = was_owed && !slot.is_owed();
        if decided.is_some() {
            slot.at = now.wall;
        }
        if is_paid {
            self.memory.finish(at);
        }
        if let Some(forward) = withdrawn {
            let _ = self.end(forward);
            if owed.is_none() {
                self.uncapture(facts.id);
            }
        }
        if let Some(forward) = owed {
            self.counts.owed += 1;
            let original_sent = awaited.map_or(now.instant, |(_, since)| since);
            self.enqueue(Item::new(forward, at, original_sent, now));
        }
        match (decided, credited.zip(deadlines), answered) {
            (Some((deadline, decision)), ..) => {
                self.settle(now, at, deadline, decision, (facts.link, judges_host), out);
            }
            (None, Some((credited, deadlines)), _) => self.on_credit_sent(now, at, deadlines, credited, out),
            (None, None, Some((link, _))) => {
                if let Some(link) = link_mut(&mut self.links, link) {
                    link.late += 1;
                }
            }
            (None, None, None) => {}
        }
    }

    /// The books of a transaction that was just decided.
    fn settle(
        &mut self,
        now: Now,
        at: usize,
        deadline: Instant,
        decision: Decision,
        (link, judges_host): (Option<LinkId>, bool),
        out: &mut Outbox,
    ) {
        self.deadlines.remove(&(deadline, at as u32));
        self.memory.finish(at);
        match decision.answer.outcome {
            Outcome::Approved => self.counts.approved += 1,
            Outcome::Refused => self.counts.refused += 1,
            Outcome::NotSent => self.counts.not_sent += 1,
            Outcome::Unknown => self.counts.unknown += 1,
        }
        if let Some(slot) = self.memory.get(at) {
            let terminal = (slot.key.source, slot.key.terminal_id);
            if let Some((link, stan)) = slot.asked_last()
                && let Some(link) = link_mut(&mut self.links, link)
            {
                link.finish(stan, at);
            }
            if let Some(under_way) = self.per_terminal.get_mut(&terminal) {
                *under_way -= 1;
                if *under_way == 0 {
                    self.per_terminal.remove(&terminal);
                }
            }
        }
        if let Some(link) = link {
            self.note_on_link(now, link, decision.by, judges_host, out);
        }
        self.forget();
    }

    pub(crate) fn note_on_link(
        &mut self,
        now: Now,
        id: LinkId,
        by: DecidedBy,
        judges_host: bool,
        out: &mut Outbox,
    ) {
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
            DecidedBy::Us | DecidedBy::Tombstone | DecidedBy::Source => {}
        }
    }

    /// Puts a transaction into memory and everything else that must know of it; the oldest may be forgotten.
    pub(crate) fn put_back(&mut self, slot: Slot) -> usize {
        let at = self.put_in(slot);
        self.forget();
        at
    }

    /// The same, and nothing is forgotten: in a snapshot it is not known yet which of them are owed something.
    pub(crate) fn put_in(&mut self, slot: Slot) -> usize {
        let (debit, asked_last) = (slot.asked_host(), slot.asked_last());
        let terminal = (slot.key.source, slot.key.terminal_id);
        let deadline = match &slot.flow {
            Flow::AwaitingHost(awaiting) => Some(awaiting.deadline),
            Flow::Decided(_) => None,
        };
        let at = self.memory.insert(slot);
        if let Some(deadline) = deadline {
            self.deadlines.insert((deadline, at as u32));
            *self.per_terminal.entry(terminal).or_default() += 1;
        }
        if let Some((link, stan)) = debit.filter(|_| debit != asked_last)
            && let Some(link) = link_mut(&mut self.links, link)
        {
            link.assign(stan, Owner::Finished(at as u32));
        }
        if let Some((link, stan)) = asked_last
            && let Some(link) = link_mut(&mut self.links, link)
        {
            let owner = if deadline.is_some() { Owner::InFlight } else { Owner::Finished };
            link.assign(stan, owner(at as u32));
            link.in_flight += u32::from(deadline.is_some());
        }
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
                self.sources.push(SourceConfig { name, ..SourceConfig::default() });
            }
            // Known already: a snapshot and the records behind it both say it.
            Named::Link | Named::Source => {}
        }
    }

    /// Names and the numbers given out last, as records.
    pub(crate) fn numbers(&self, keep: &mut impl FnMut(Record)) {
        keep(Record::Remembers { most: self.remembers });
        for (at, link) in self.links.iter().enumerate() {
            keep(named(Named::Link, at, link.config.name));
        }
        for (at, source) in self.sources.iter().enumerate() {
            keep(named(Named::Source, at, source.name));
        }
        let (next_id, next_forward) = (self.next_id, self.next_forward);
        keep(Record::Numbers { next_id, next_forward, link: None, last_stan: Stan(0) });
        for (at, link) in self.links.iter().enumerate() {
            let id = LinkId(at as u16);
            keep(Record::Numbers { next_id, next_forward, link: Some(id), last_stan: link.last_stan });
            if let Some(date) = link.date {
                let at = terms::Timestamp::default();
                keep(Record::HostDate { link: id, date, compares: false, at });
                if link.cut.stage == CutStage::Begun {
                    keep(Record::Cutover { link: id, stage: CutStage::Begun, date, at });
                }
            }
            link.cut_said.keep(id, keep);
            if let Some(asked) = link.asked_for_day {
                self.keep_asked_for_day(id, asked.at, keep);
            }
            link.life.keep(id, keep);
        }
        if let Some(date) = self.own.date {
            let (by, at) = (self.own.by, self.own.since);
            keep(Record::Day(DayRecord::Own { date, by, at }));
        }
    }

    pub(crate) fn note_numbers(&mut self, next_id: TxnId, link: Option<LinkId>, last_stan: Stan) {
        self.next_id = self.next_id.max(next_id);
        if let Some(link) = link.and_then(|link| link_mut(&mut self.links, link)) {
            // Repeats and snapshots name old numbers behind newer ones: the count never goes back.
            let ahead = (last_stan.0 + 999_999 - link.last_stan.0) % 999_999;
            if link.last_stan == Stan(0) || ahead < 500_000 {
                link.last_stan = last_stan;
            }
        }
    }

    pub(crate) fn note_forward_id(&mut self, id: ForwardId) {
        self.next_forward = self.next_forward.max(ForwardId(id.0 + 1));
    }

    pub(crate) fn note_id(&mut self, id: TxnId) {
        self.next_id = self.next_id.max(TxnId(id.0 + 1));
    }

    /// In the end of a replay: down to what there is room for.
    pub(crate) fn forget_the_rest(&mut self) {
        let mut before = usize::MAX;
        while self.memory.finished_len() < before {
            before = self.memory.finished_len();
            self.forget();
        }
    }

    fn forget(&mut self) {
        let (links, forgotten) = (&mut self.links, &mut self.forgotten);
        self.memory.forget_some(|at, slot| {
            forgotten.push(slot.id);
            for (link, stan) in [slot.asked_host(), slot.credited()].into_iter().flatten() {
                if let Some(link) = link_mut(links, link) {
                    link.release(stan, Owner::Finished(at as u32));
                }
            }
        });
    }

    pub(crate) fn draw_id(&mut self) -> TxnId {
        let id = self.next_id;
        self.next_id = TxnId(id.0 + 1);
        id
    }
}

/// Whether a request is another than the one its identity stands for.
///
/// A tombstone knows only the reversal. A report need not repeat every word of its request, but what it was answered
/// for is that kind, that amount, and no other.
fn is_another(slot: &Slot, txn: &Txn, digest: u64) -> bool {
    match (&slot.flow, &slot.sent) {
        (Flow::Decided(Decision { by: DecidedBy::Source, .. }), Some(sent)) => {
            (sent.kind, sent.amount, sent.currency) != (txn.kind, txn.amount, txn.currency)
        }
        (Flow::Decided(Decision { by: DecidedBy::Tombstone | DecidedBy::Source, .. }), _) => false,
        (Flow::Decided(_) | Flow::AwaitingHost(_), _) => slot.fingerprint != digest,
    }
}

fn named(what: Named, at: usize, name: LinkName) -> Record {
    Record::Named { what, number: at as u16, name }
}

/// The way to a host: which, under which trace number of ours, why, and where a transfer goes on to.
struct Path {
    link: LinkId,
    stan: Stan,
    route: Text<24>,
    onward: Option<Onward>,
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
