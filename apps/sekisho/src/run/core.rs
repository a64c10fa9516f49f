//! The loop around one lane: bytes in, decisions, records, bytes out, all on one thread.
//!
//! ```text
//!  net ─▶ dialect ─▶ lane ─▶ records ─▶ batch ─▶ (sync thread) ─▶ durable
//!                      └──▶ sends ────▶ held ◀───────────────────────┘ ─▶ dialect ─▶ net
//! ```
//! A send marked `durable_first` waits in `held` until the sync that covers everything recorded before it has
//! returned. While one sync runs, the next batch gathers.

use super::api::desk::{Desk, Word};
use super::api::event::Event as News;
use super::api::events::Bulletin;
use super::days::{CountedDay, CountedJson, DayCommand, DaysJson, ReconJson};
use super::figures::Figures;
use super::guard::{Guard, Whose};
use super::journaling::Journaling;
use super::links::{LineJson, LinkCommand, LinkJson, Ordered};
use super::log_budget::LogBudget;
use super::owed::{OwedOrder, Ruled};
use super::parties::{Link, Source};
use super::specimens::Specimens;
use clock::Clock;
use dialects::{Dialect, ReadRefusal, WriteError};
use journal::{LinkOrder, Ruling, Seq};
use net::{CloseReason, Conn, Handler, LinkHandle, Net, Role, SendError};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use switch::{CannotOrder, CannotReconcile, CannotRule, Cause, Effect, Event, Lane, MayLeave, Outbox, Tell};
use terms::{Answer, Code, ConnId, LinkId, LinkName, Noun, Now, Outcome, Outgoing, SourceId, Txn, TxnId};
use tokio::sync::oneshot;
use wire::Framing;

mod exchanges;
mod guarded;
mod lines;
mod proving;

pub(crate) use exchanges::ExchangeOrder;
pub(crate) use guarded::ModuleLines;

/// Settled messages remembered since the start.
const SETTLED_MAX: usize = 256;

/// Something to say, and where to.
enum Speech {
    Request {
        link: LinkId,
        id: TxnId,
        request: Arc<Txn>,
        ours: Outgoing,
    },
    Answer {
        decision: Option<TxnId>,
        source: SourceId,
        conn: ConnId,
        request: Arc<Txn>,
        answer: Answer,
    },
    AnswerToHost {
        link: LinkId,
        conn: ConnId,
        request: Arc<Txn>,
        answer: Answer,
    },
    /// To everybody who is connected as that source.
    Announcement {
        source: SourceId,
        message: Arc<Txn>,
        ours: Outgoing,
    },
    /// To a person, what became of an order.
    Done {
        answer: oneshot::Sender<Ruled>,
        ruled: Ruled,
    },
    /// To a person, whatever it is.
    ToPerson(Box<dyn FnOnce()>),
    /// To an application.
    Word(Word),
    /// To all of them.
    News(Box<News>),
    /// To a person, what became of an order to a link.
    Ordered {
        answer: oneshot::Sender<Ordered>,
        ordered: Ordered,
    },
}

/// Why no request may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shut {
    /// We are going.
    Draining,
    /// The disk is full, and what is left of the journal belongs to what has begun.
    NoRoom,
    /// A person has to begin recovery.
    RecoveryNeeded,
}

impl Shut {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Draining => "draining",
            Self::NoRoom => "no_room",
            Self::RecoveryNeeded => "recovery_needed",
        }
    }
}

/// What became of an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Handed {
    /// Its bytes wait in a connection that stands. What becomes of them there, nobody knows.
    ToConnection,
    /// Not one byte of it was handed to anybody.
    Nobody,
}

/// Everything the lane's thread owns.
pub(crate) struct Core {
    pub(crate) clock: Clock,
    pub(crate) lane: Lane,
    pub(crate) journaling: Journaling,
    pub(crate) net: Net,
    pub(crate) sources: Vec<Source>,
    pub(crate) links: Vec<Link>,
    pub(crate) figures: Figures,
    pub(crate) specimens: Specimens,
    pub(crate) guard: Guard,
    exchanges: exchanges::Exchanges,
    /// Whether PINs of any source or link are moved from one key to another.
    moves_pins: bool,
    /// Applications that wait for us.
    pub(crate) desk: Desk,
    /// What happened, for whoever listens.
    pub(crate) bulletin: Bulletin,
    log: LogBudget,
    /// No new requests any more.
    pub(crate) draining: bool,
    /// What people settled last, so that the same order again is no mistake.
    settled: VecDeque<switch::Owed>,
    /// Whether the disk was full when it was last looked at, and how many requests were turned away before it was.
    without_room: Option<u64>,
    outbox: Outbox,
    held: VecDeque<(Seq, Speech)>,
}

impl Core {
    pub(crate) fn new(
        clock: Clock,
        lane: Lane,
        journaling: Journaling,
        net: Net,
        (sources, links): (Vec<Source>, Vec<Link>),
        guard: Guard,
    ) -> Self {
        let mut core = Self {
            moves_pins: false,
            guard,
            exchanges: exchanges::Exchanges::default(),
            clock,
            lane,
            journaling,
            net,
            sources,
            links,
            figures: Figures::default(),
            specimens: Specimens::default(),
            desk: Desk::default(),
            bulletin: Bulletin::default(),
            log: LogBudget::default(),
            draining: false,
            settled: VecDeque::new(),
            without_room: None,
            outbox: Outbox::new(),
            held: VecDeque::new(),
        };
        core.note_guards();
        core
    }

    /// Sources and links are others: looks whether PINs of any are moved from one key to another.
    pub(crate) fn note_guards(&mut self) {
        let of_sources = self.sources.iter().map(|source| &source.guard);
        let mut rules = of_sources.chain(self.links.iter().map(|link| &link.guard)).flatten();
        self.moves_pins = rules.any(|rule| rule.pin.is_some());
        let sources = self.sources.iter().map(|source| (&source.dialect, &source.guard));
        let links = self.links.iter().map(|link| (&link.dialect, &link.guard));
        let guarded =
            sources.chain(links).filter(|(_, guard)| guard.as_ref().is_some_and(|rule| rule.mac.is_some()));
        let weak = guarded.filter(|(dialect, _)| dialect.mac().is_some_and(|mac| !mac.tells_types_apart()));
        for dialect in weak.map(|(dialect, _)| dialect.name()).collect::<BTreeSet<_>>() {
            tracing::warn!(
                dialect,
                "the authentication codes of this contract leave out the message type: the code of a request is good \
                 for its reversal"
            );
        }
    }

    /// Gives the lane one event and does what it wants done.
    pub(crate) fn step(&mut self, event: Event) {
        self.step_at(self.clock.now(), event);
    }

    fn step_at(&mut self, now: Now, event: Event) {
        let mut outbox = std::mem::take(&mut self.outbox);
        self.lane.step(now, event, &mut outbox);
        self.carry_out(&mut outbox);
        self.outbox = outbox;
    }

    /// Does what an outbox wants done, in its order.
    pub(crate) fn carry_out(&mut self, outbox: &mut Outbox) {
        for effect in outbox.drain() {
            match effect {
                Effect::Record(record) => self.journaling.record(&record),
                Effect::Tell(tell) => self.tell(tell),
                Effect::Displaced { conn } => {
                    self.net.conn(conn).iter().for_each(Conn::leave_unanswered);
                }
                Effect::HangUp { link } => self.hang_up(link),
                Effect::Announce { source, message, ours, durable_first } => {
                    self.say(durable_first, Speech::Announcement { source, message, ours });
                }
                Effect::ToHost { link, id, request, ours, durable_first } => {
                    self.say(durable_first, Speech::Request { link, id, request, ours });
                }
                Effect::ToSource { decision, source, conn, request, answer, durable_first } => {
                    self.say(durable_first, Speech::Answer { decision, source, conn, request, answer });
                }
                Effect::KeysTold { link, reply } => self.on_keys_told(link, reply.map(|reply| *reply)),
                Effect::ToHostAnswer { link, conn, request, answer, durable_first } => {
                    self.say(durable_first, Speech::AnswerToHost { link, conn, request, answer });
                }
            }
        }
    }

    fn tell(&mut self, tell: Tell) {
        self.figures.count(tell);
        self.publish_told(tell);
        // The usual is counted only: a line for each decision would cost more than the decision.
        if is_alarm(tell) || is_news(tell) && self.log.allows(self.clock.now().wall) {
            self.figures.say(tell, &self.links);
        }
    }

    /// Shows what is owed, or does what a person decided about it.
    pub(crate) fn on_owed_order(&mut self, order: OwedOrder) {
        let now = self.clock.now();
        // Whoever asked may be gone by now, and misses nothing.
        match order {
            // The lane's memory is ahead of the disk: what is shown of it is told when it is durable.
            OwedOrder::List { from, most, answer } => {
                let owed = self.lane.owed(now.instant, from, most);
                self.tell_a_person(move || {
                    let _ = answer.send(owed);
                });
            }
            OwedOrder::Show { forward, answer } => {
                let owed = self.lane.owed_one(now.instant, forward);
                self.tell_a_person(move || {
                    let _ = answer.send(owed);
                });
            }
            OwedOrder::Rule { forward, ruling, ended, by, reason, answer } => {
                let settled = self.settled.iter().find(|owed| owed.forward.id == forward).copied();
                let settled = settled.filter(|_| ruling == Ruling::Settle);
                let before = self.lane.owed_one(now.instant, forward).or(settled);
                let may = match settled {
                    Some(_) => Err(CannotRule::IsSo),
                    None => self.lane.may_rule(forward, ruling),
                };
                if let (Ok(()), Ruling::Settle, Some(owed)) = (may, ruling, &before) {
                    self.settled.truncate(SETTLED_MAX - 1);
                    self.settled.push_front(*owed);
                }
                self.step_at(
                    now,
                    match ended.filter(|_| ruling == Ruling::Settle) {
                        Some(ended) => Event::Settled { forward, ended, by, reason },
                        None => Event::Ruled { forward, ruling, by, reason },
                    },
                );
                let after = self.lane.owed_one(now.instant, forward);
                let ruled = Ruled { may, before, after };
                // Told when it is durable, as everything that is decided.
                self.say(true, Speech::Done { answer, ruled });
                self.on_durable();
            }
        }
    }

    /// Shows links, or gives one of them an order.
    pub(crate) fn on_link_command(&mut self, command: LinkCommand) {
        // Whoever asked may be gone by now, and misses nothing.
        match command {
            LinkCommand::List { answer } => {
                let ids = (0..self.links.len()).map(|at| LinkId(at as u16));
                let _ = answer.send(ids.filter_map(|id| self.link_json(id)).collect());
            }
            LinkCommand::Show { name, answer } => {
                let _ = answer.send(self.link_named(name).and_then(|id| self.link_json(id)));
            }
            LinkCommand::Lines { name, answer } => {
                let _ = answer.send(self.handle_named(name).map(LineJson::all));
            }
            LinkCommand::Cut { name, number, answer } => {
                let _ = answer.send(self.handle_named(name).map(|handle| LineJson::cut(handle, number)));
            }
            LinkCommand::Do { name, order, by, answer } => {
                let Some(link) = self.link_named(name) else {
                    let nowhere = Ordered { may: Err(CannotOrder::NoSuchLink), link: None };
                    return drop(answer.send(nowhere));
                };
                let may = self.may_order(link, order);
                if may.is_ok() {
                    self.step(Event::LinkOrdered { link, order, by });
                }
                let ordered = Ordered { may, link: self.link_json(link) };
                // Told when it is durable, as everything that is decided.
                self.say(true, Speech::Ordered { answer, ordered });
                self.on_durable();
            }
        }
    }

    /// Whether it would be carried out. A peer is not asked for a day that would be refused when it comes.
    fn may_order(&self, link: LinkId, order: LinkOrder) -> Result<bool, CannotOrder> {
        match self.lane.may_order(link, order)? {
            false if order == LinkOrder::AskCutover && !self.lane.takes_next_day(self.clock.now(), link) => {
                Err(CannotOrder::DayIsAhead)
            }
            already => Ok(already),
        }
    }

    /// Shows days and totals, or does something about a day.
    pub(crate) fn on_day_command(&mut self, command: DayCommand) {
        let now = self.clock.now();
        // Whoever asked may be gone by now, and misses nothing.
        match command {
            // The lane's memory is ahead of the disk here too.
            DayCommand::Show { answer } => {
                let days = DaysJson::of(&self.lane, now);
                self.tell_a_person(move || drop(answer.send(days)));
            }
            DayCommand::Reconciliations { answer } => {
                let seen = ReconJson::all(&self.lane, now);
                self.tell_a_person(move || drop(answer.send(seen)));
            }
            DayCommand::CutOver { by, answer } => {
                let may = self.lane.may_cut_over(now);
                self.step_at(now, Event::OwnCutover { by });
                let days = may.map(|_| DaysJson::of(&self.lane, now));
                self.tell_a_person(move || drop(answer.send(days)));
            }
            DayCommand::Reconcile { link, date, by, answer } => {
                let may = self.link_named(link).ok_or(CannotReconcile::NoSuchLink);
                let may = may.and_then(|link| self.lane.may_reconcile(link, date).map(|()| link));
                if let Ok(link) = may {
                    self.step_at(now, Event::ReconcileOrdered { link, date, by });
                }
                let seen = may.map(|_| ReconJson::all(&self.lane, now));
                self.tell_a_person(move || drop(answer.send(seen)));
            }
            DayCommand::Totals { answer } => {
                let (names, _) = self.lane.names();
                let name =
                    |link: LinkId| names.get(usize::from(link.0)).copied().unwrap_or_default().to_string();
                let data = CountedDay::all(self.lane.book(), name);
                let upto = self.journaling.last().0;
                let counted = CountedJson { object: "totals".into(), upto, data };
                self.tell_a_person(move || drop(answer.send(counted)));
            }
        }
    }

    /// Told when it is durable, as everything that is decided.
    fn tell_a_person(&mut self, say: impl FnOnce() + 'static) {
        self.say(true, Speech::ToPerson(Box::new(say)));
        self.on_durable();
    }

    /// A link the configuration has; names of the journal alone are nobody's.
    fn link_named(&self, name: LinkName) -> Option<LinkId> {
        let at = self.links.iter().position(|link| link.name == name && link.handle.is_some())?;
        Some(LinkId(at as u16))
    }

    fn handle_named(&self, name: LinkName) -> Option<&LinkHandle> {
        self.links.iter().find(|link| link.name == name)?.handle.as_ref()
    }

    fn link_json(&self, id: LinkId) -> Option<LinkJson> {
        let link = self.links.get(usize::from(id.0)).filter(|link| link.handle.is_some())?;
        let seen = self.lane.link_seen(self.clock.now().instant, id)?;
        let date = seen.date.map(|date| date.to_string());
        Some(LinkJson::of(&seen, link, date))
    }

    /// Releases what the disk has caught up with, and gives it the next batch.
    pub(crate) fn on_durable(&mut self) {
        let durable = self.journaling.durable();
        while self.held.front().is_some_and(|(after, _)| *after <= durable) {
            let Some((_, speech)) = self.held.pop_front() else { break };
            self.speak(speech);
        }
        self.journaling.pump(&self.lane);
        self.net.flush();
    }

    /// Time has passed: deadlines, and whatever waits for a quiet moment.
    pub(crate) fn on_tick(&mut self) {
        let now = self.clock.now();
        let wanted = [self.lane.next_deadline(), self.lane.next_look_at_the_calendar()];
        if wanted.into_iter().flatten().any(|moment| moment <= now.instant) {
            self.step_at(now, Event::Tick);
        }
        self.mind_modules();
        self.mind_room();
        self.journaling.pump(&self.lane);
        self.net.flush();
    }

    /// Whether nothing is under way: nothing in flight, nothing held, nothing unwritten.
    pub(crate) fn is_quiet(&self) -> bool {
        self.lane.in_flight() == 0
            && self.held.is_empty()
            && self.guard.under_way() == 0
            && self.journaling.is_idle()
    }

    /// Says something to an application as soon as everything decided so far is durable.
    pub(crate) fn say_to_application(&mut self, word: Word) {
        self.say(true, Speech::Word(word));
    }

    /// Tells all applications, as soon as everything decided so far is durable.
    pub(crate) fn publish(&mut self, news: News) {
        if self.held.is_empty() && self.journaling.last() <= self.journaling.durable() {
            return self.bulletin.post(news);
        }
        self.say(true, Speech::News(Box::new(news)));
    }

    fn say(&mut self, durable_first: bool, speech: Speech) {
        if durable_first {
            self.held.push_back((self.journaling.last(), speech));
        } else {
            self.speak(speech);
        }
    }

    fn speak(&mut self, speech: Speech) {
        match speech {
            Speech::Request { link, id, request, ours } => self.ask_host(link, id, &request, &ours),
            Speech::Answer { source, conn, answer, .. } if self.desk.is_for(source) => {
                // Nobody need hear it: an application looks up what became of its submission.
                self.answer_application(conn, answer);
            }
            Speech::Answer { decision, source, conn, request, answer } => {
                self.answer_source(decision, source, conn, &request, &answer);
            }
            Speech::AnswerToHost { link, conn, request, answer } => {
                let Some(dialect) = self.links.get(usize::from(link.0)).map(|link| link.dialect.clone())
                else {
                    return;
                };
                if !self.seal_answer(Whose::Host(link), None, (conn, &dialect), (&request, &answer)) {
                    let _ = self.answer(conn, &dialect, &request, &answer);
                }
            }
            Speech::Announcement { source, message, ours } => self.announce(source, &message, &ours),
            Speech::ToPerson(say) => say(),
            Speech::Word(word) => word.say(),
            Speech::News(news) => self.bulletin.post(*news),
            Speech::Done { answer, ruled } => drop(answer.send(ruled)),
            Speech::Ordered { answer, ordered } => drop(answer.send(ordered)),
        }
    }

    fn ask_host(&mut self, link: LinkId, id: TxnId, request: &Arc<Txn>, ours: &Outgoing) {
        match self.lane.may_leave(self.clock.now().instant, link, ours.stan, id) {
            MayLeave::Yes if self.must_guard(link, request) => self.guard_request(link, id, request, ours),
            MayLeave::Yes => {
                let Some(dialect) = self.links.get(usize::from(link.0)).map(|link| link.dialect.clone())
                else {
                    return;
                };
                self.send_to_host(link, id, ours, |out| dialect.write_request(request, ours, out));
            }
            // The disk was slower than the deadline, or we stood still: nobody waits for it any more.
            MayLeave::TooLate => self.step(Event::Unsent { link, host_stan: ours.stan, id }),
            // The customer has been told, so the host never hears of it.
            MayLeave::No => {}
        }
    }

    /// Hands a request to a connection of its link, its body by `write`.
    fn send_to_host(
        &mut self,
        link_id: LinkId,
        id: TxnId,
        ours: &Outgoing,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), WriteError>,
    ) {
        let conn = self.conn_to_ask(link_id, ours.stan);
        let sent = conn.ok_or(Unsent::NoConnection).and_then(|conn| {
            let header = conn.framing().request_header();
            conn.send(header.as_bytes(), write).map_err(Unsent::from)
        });
        let Some(link) = self.links.get(usize::from(link_id.0)) else { return };
        if let Err(why) = sent {
            // Not one byte of it left, and that is certain: the frame was never queued.
            if self.log.allows(self.clock.now().wall) {
                tracing::warn!(link = %link.name, txn = id.0, %why, "request not sent");
            }
            self.step(Event::Unsent { link: link_id, host_stan: ours.stan, id });
        }
    }

    /// Answers a source, with a code where it has agreed on one; `told` is the decision it hears of for the first
    /// time.
    fn answer_source(
        &mut self,
        told: Option<TxnId>,
        source: SourceId,
        conn: ConnId,
        request: &Arc<Txn>,
        answer: &Answer,
    ) {
        let Some(dialect) = self.sources.get(usize::from(source.0)).map(|source| source.dialect.clone())
        else {
            return;
        };
        if self.seal_answer(Whose::Source(source), told, (conn, &dialect), (request, answer)) {
            return;
        }
        let handed = self.answer(conn, &dialect, request, answer);
        if let (Handed::Nobody, Some(id)) = (handed, told) {
            // Proof, not silence: not a byte of it was handed to anybody.
            self.step(Event::Undelivered { source, request: request.clone(), id });
        }
    }

    fn answer(&mut self, conn: ConnId, dialect: &Dialect, request: &Txn, answer: &Answer) -> Handed {
        let Some(conn) = self.asker(conn) else { return Handed::Nobody };
        let header = answer_header(conn.framing(), request);
        let write =
            |answer: &Answer| conn.send(header.as_bytes(), |out| dialect.write_answer(request, answer, out));
        let sent = match write(answer) {
            // What the host added does not fit here: the decision is told without it.
            Err(SendError::Frame(_)) if !answer.carried.is_empty() => {
                write(&Answer { carried: terms::Carried::default(), ..answer.clone() })
            }
            sent => sent,
        };
        self.handed(&conn, sent)
    }

    /// The connection of whoever asked; where it has gone, that is counted.
    fn asker(&mut self, conn: ConnId) -> Option<Conn> {
        let conn = self.net.conn(conn);
        self.figures.undelivered += u64::from(conn.is_none());
        conn
    }

    /// What became of an answer that was written to that connection.
    fn handed(&mut self, conn: &Conn, sent: Result<(), impl std::fmt::Display>) -> Handed {
        let Err(error) = sent else { return Handed::ToConnection };
        self.figures.undelivered += 1;
        if self.log.allows(self.clock.now().wall) {
            tracing::warn!(source = %conn.name(), %error, "answer not delivered");
        }
        conn.leave_unanswered();
        Handed::Nobody
    }

    fn on_source_frame(&mut self, source: SourceId, conn: &Conn, header: &[u8], body: &[u8]) {
        let now = self.clock.now();
        let Some(dialect) = self.sources.get(usize::from(source.0)).map(|source| source.dialect.clone())
        else {
            return conn.close();
        };
        match dialect.read(body, now.local().date) {
            Ok(mut txn) => {
                // A good message makes up for a bad one: only a source that sends little else is cut off.
                conn.set_tag(conn.tag().saturating_sub(1));
                if !header.is_empty() {
                    txn.carried.push(Noun::Header, header);
                }
                self.figures.asked_at = Some(now.instant);
                self.admit(now, Whose::Source(source), conn.id(), &dialect, body, txn);
            }
            Err(refusal) => self.on_unreadable_request(source, conn, header, body, *refusal),
        }
    }

    /// Why no request may begin now.
    pub(crate) fn shut(&self) -> Option<Shut> {
        if self.draining {
            Some(Shut::Draining)
        } else if !self.journaling.has_room() {
            Some(Shut::NoRoom)
        } else {
            self.lane.waits_for_recovery().then_some(Shut::RecoveryNeeded)
        }
    }

    /// What a request is declined with that may not begin now. Nothing of it is recorded, because nothing happens;
    /// of a recovery the lane knows itself.
    pub(crate) fn takes_nothing_new(&self) -> Option<Code> {
        match self.shut()? {
            Shut::Draining => Some(Code::HostDown),
            Shut::NoRoom => Some(Code::Malfunction),
            Shut::RecoveryNeeded => None,
        }
    }

    /// Says when the disk has become full, and when it has room again.
    fn mind_room(&mut self) {
        match (self.without_room, self.journaling.has_room()) {
            (None, false) => {
                self.without_room = Some(self.lane.status().turned_away);
                tracing::error!(
                    "the disk is full: every new request is declined (malfunction) until there is room for the \
                     journal; what has begun is finished. Next: sekisho check disk"
                );
            }
            (Some(before), true) => {
                self.without_room = None;
                let turned_away = self.lane.status().turned_away - before;
                tracing::error!(turned_away, "there is room for the journal again: requests are taken");
            }
            (None, true) | (Some(_), false) => {}
        }
    }

    /// A source sent what its dialect does not allow: it is told so where that is possible, a specimen is
    /// kept, and a connection that does it again and again is closed.
    fn on_unreadable_request(
        &mut self,
        source: SourceId,
        conn: &Conn,
        header: &[u8],
        body: &[u8],
        refusal: ReadRefusal,
    ) {
        let Some(state) = self.sources.get(usize::from(source.0)) else { return };
        let (dialect, unreadable_max) = (state.dialect.clone(), state.unreadable_max);
        self.figures.unreadable += 1;
        let now = self.clock.now().wall;
        let may_log = self.log.allows(now);
        if may_log {
            tracing::warn!(source = %conn.name(), peer = %conn.peer(), error = %refusal.error, "message refused");
            self.announce_unreadable(None, conn.name().as_str(), &refusal.error);
        }
        self.specimens.keep(now, *conn.name(), &dialect, body, &refusal.error);
        if let Some(mut partial) = refusal.partial.filter(|partial| partial.message.asks()) {
            if !header.is_empty() {
                partial.carried.push(Noun::Header, header);
            }
            let answer = Answer::ours(Code::FormatError, Outcome::NotSent);
            self.answer_source(None, source, conn.id(), &Arc::new(partial), &answer);
        }
        conn.set_tag(conn.tag() + 1);
        if conn.tag() >= u64::from(unreadable_max) {
            if may_log {
                tracing::warn!(source = %conn.name(), peer = %conn.peer(), "closed: too many unreadable messages");
            }
            conn.close();
        }
        conn.leave_unanswered();
    }

    fn on_host_frame(&mut self, link: LinkId, conn: &Conn, header: &[u8], body: &[u8]) {
        let now = self.clock.now();
        let Some(Link { dialect, lines, .. }) = self.links.get_mut(usize::from(link.0)) else { return };
        let dialect = dialect.clone();
        match dialect.read(body, now.local().date) {
            Ok(mut txn) => {
                if !txn.message.asks() {
                    lines.answered(txn.stan);
                } else if !header.is_empty() {
                    txn.carried.push(Noun::Header, header);
                }
                self.admit(now, Whose::Host(link), conn.id(), &dialect, body, txn);
            }
            Err(refusal) => {
                // Whatever it was meant to answer goes on waiting for its deadline.
                self.figures.garbled += 1;
                if self.log.allows(now.wall) {
                    tracing::warn!(link = %conn.name(), error = %refusal.error, "host sent what cannot be read");
                    self.announce_unreadable(Some(link), conn.name().as_str(), &refusal.error);
                }
                self.specimens.keep(now.wall, *conn.name(), &dialect, body, &refusal.error);
            }
        }
    }
}

/// Whether people should read of it, beyond the figures.
const fn is_news(tell: Tell) -> bool {
    match tell {
        Tell::Decided { outcome, .. } => matches!(outcome, Outcome::Unknown),
        Tell::Repeated { .. } | Tell::Meaningless { .. } | Tell::Forwarded { .. } | Tell::Settled { .. } => {
            false
        }
        Tell::OwnDate { .. }
        | Tell::TotalsSent { .. }
        | Tell::TotalsUnanswered { .. }
        | Tell::TotalsOverdue { .. }
        | Tell::Compared { .. }
        | Tell::LateResult { .. } => true,
        Tell::LateAnswer { .. }
        | Tell::SecondAnswer { .. }
        | Tell::StrangeAnswer { .. }
        | Tell::BreakerOpened { .. }
        | Tell::BreakerClosed { .. }
        | Tell::Recovered { .. }
        | Tell::NeedsAPerson { .. }
        | Tell::ForgetsEarly { .. }
        | Tell::ForwardAlarm { .. }
        | Tell::EchoMissed { .. }
        | Tell::Cutover { .. }
        | Tell::CutoverRefused { .. }
        | Tell::CutoverOverdue { .. }
        | Tell::Link { .. }
        | Tell::HostDate { .. } => true,
    }
}

/// What people must read of even during a flood of other lines.
const fn is_alarm(tell: Tell) -> bool {
    matches!(
        tell,
        Tell::BreakerOpened { .. }
            | Tell::BreakerClosed { .. }
            | Tell::Recovered { .. }
            | Tell::NeedsAPerson { .. }
            | Tell::ForgetsEarly { .. }
            | Tell::ForwardAlarm { .. }
            | Tell::HostDate { .. }
            | Tell::CutoverOverdue { .. }
            | Tell::OwnDate { .. }
            | Tell::TotalsOverdue { .. }
            | Tell::Compared { .. }
    ) || matches!(tell, Tell::Link { cause, .. } if !is_peers(cause))
}

/// Whether a peer may cause it as often as it likes.
const fn is_peers(cause: Cause) -> bool {
    matches!(cause, Cause::PeerSignedOn | Cause::PeerSignedOff)
}

/// The header an answer carries: what the request's header asks for.
fn answer_header(framing: &Framing, request: &Txn) -> wire::HeaderBytes {
    framing.answer_header(request.carried.get(Noun::Header).unwrap_or_default())
}

/// Why a request did not leave. In each case not one byte of it did.
#[derive(Debug, thiserror::Error)]
enum Unsent {
    #[error("no connection stands")]
    NoConnection,
    #[error(transparent)]
    Send(#[from] SendError<WriteError>),
}

/// What net calls: a shared hold on the core.
pub(crate) struct Switchboard(pub(crate) RefCell<Option<Core>>);

impl Switchboard {
    /// A hold on a core that is not there yet: the network is made first.
    pub(crate) fn empty() -> Rc<Self> {
        Rc::new(Self(RefCell::new(None)))
    }

    /// Does something with the core, once it is there.
    pub(crate) fn with<R>(&self, act: impl FnOnce(&mut Core) -> R) -> Option<R> {
        self.0.borrow_mut().as_mut().map(act)
    }
}

impl Handler for Switchboard {
    fn opened(&self, conn: &Conn) {
        self.with(|core| core.on_opened(conn));
    }

    fn frame(&self, conn: &Conn, header: &[u8], body: &[u8]) {
        self.with(|core| match conn.role() {
            Role::Source(source) => core.on_source_frame(source, conn, header, body),
            Role::Link { link, .. } => core.on_host_frame(link, conn, header, body),
        });
    }

    fn turn_ended(&self) {
        self.with(|core| core.journaling.pump(&core.lane));
    }

    fn closed(&self, conn: &Conn, why: &CloseReason) {
        self.with(|core| core.on_closed(conn, why));
    }
}
