//! Network management: the messages, answers and times around the life of each link ([`crate::link`]).

use crate::admit::{Way, at_home};
use crate::link::{Act, CannotOrder, Facts, Happening, LinkState, Position, Wish};
use crate::pairing::{Link, Owner, link_mut, transmitted_at};
use crate::reconcile::asks_for_totals;
use crate::{Lane, Management, NoMoney, Outbox, SignOn, Tell};
use alloc::{collections::VecDeque, sync::Arc, vec::Vec};
use core::hash::{Hash, Hasher};
use journal::{CutStage, LinkOrder, Record};
use terms::{
    Answer, BusinessDate, Carried, Class, Code, ConnId, Instant, LinkId, LinkName, Network, Noun, Now,
    Outcome, Outgoing, Stan, Text, Timestamp, Txn, TxnId,
};

/// Changes of state remembered for people, link by link. Cost: some 60 bytes each.
const HISTORY_MAX: usize = 64;

/// Why a link came to another state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It is how a link begins.
    Beginning,
    /// A connection stands.
    Connected,
    /// The last connection is gone.
    Lost,
    /// A person wanted it.
    Ordered(LinkOrder),
    /// The peer signed on.
    PeerSignedOn,
    /// The peer signed off.
    PeerSignedOff,
    /// The peer accepted.
    Accepted,
    /// The peer refused, with this code.
    Refused(Code),
    /// The peer did not answer in time, or our question could not be sent.
    Unanswered,
    /// Nothing was in flight any more.
    Quiet,
    /// A sign-on that had failed was tried again.
    Retried,
    /// Nobody answered our echoes.
    EchoesMissed,
}

impl Cause {
    /// What happened, in words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Beginning => "the switch was started",
            Self::Connected => "a connection stands",
            Self::Lost => "the last connection was lost",
            Self::Ordered(order) => order.name(),
            Self::PeerSignedOn => "the peer signed on",
            Self::PeerSignedOff => "the peer signed off",
            Self::Accepted => "the peer accepted",
            Self::Refused(_) => "the peer refused",
            Self::Unanswered => "no answer came in time",
            Self::Quiet => "nothing is in flight any more",
            Self::Retried => "tried again",
            Self::EchoesMissed => "echoes went unanswered",
        }
    }
}

/// One change of a link's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// The how manyeth of this link since the start, from 1.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// What it came to.
    pub state: LinkState,
    /// Why.
    pub cause: Cause,
    /// Who wanted it; empty where nobody did.
    pub by: Text<24>,
}

/// A question of ours about the link that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What was asked.
    pub about: Network,
    /// When it failed.
    pub at: Timestamp,
    /// What the peer said; `None` for nothing.
    pub code: Option<Code>,
    /// In the peer's own characters.
    pub wire_code: Text<4>,
}

/// A link as people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkSeen {
    /// Its name.
    pub name: LinkName,
    /// Where it stands.
    pub state: LinkState,
    /// Since when.
    pub since: Timestamp,
    /// Whether a connection stands.
    pub connected: bool,
    /// Whether new business may pass.
    pub is_open: bool,
    /// Whether it signs on, and who begins.
    pub sign_on: SignOn,
    /// Requests and owed messages in flight on it.
    pub in_flight: u32,
    /// Messages owed to its host.
    pub pending: usize,
    /// The host's business day, where it is known.
    pub date: Option<BusinessDate>,
    /// How far its change to the next is.
    pub cutover: CutStage,
    /// The last sign-on, sign-off or cutover request of ours that failed.
    pub last_failure: Option<Failure>,
    /// Echoes of ours that were answered.
    pub echoes_answered: u64,
    /// Echoes of ours that were not, since the start.
    pub echoes_missed: u64,
    /// Microseconds the last answered echo took.
    pub echo_us: Option<u64>,
    /// Since the peer last said anything, in milliseconds; `None` for never.
    pub silent_ms: Option<u64>,
    /// Until the answer that is awaited counts as not coming, in milliseconds.
    pub awaited_ms: Option<u64>,
    /// What it came to, the newest last.
    pub history: Vec<Change>,
}

/// A question of ours about the link, on its way.
#[derive(Clone, Copy, Debug)]
struct Question {
    about: Network,
    stan: Stan,
    since: Instant,
    until: Instant,
}

/// Everything of a link's life that [`Position`] does not decide.
#[derive(Clone, Debug)]
pub(crate) struct Life {
    pub(crate) position: Position,
    pub(crate) since: Timestamp,
    /// Sign-on, sign-off or a request for cutover.
    asked: Option<Question>,
    echo: Option<Question>,
    /// An exchange of keys.
    keys: Option<Question>,
    misses: u32,
    heard: Option<Instant>,
    /// From here on the peer's silence is counted.
    quiet_from: Instant,
    retry_at: Option<Instant>,
    /// Our sign-off was not answered: see [`Facts`].
    pub(crate) unsure: bool,
    history: VecDeque<Change>,
    changes: u64,
    last_failure: Option<Failure>,
    echoes_answered: u64,
    echoes_missed: u64,
    echo_us: Option<u64>,
}

/// When the links want to be looked at.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LinkWatch {
    /// At that moment.
    at: Option<Instant>,
    /// After every event: one of them waits for what is in flight.
    always: bool,
}

impl LinkWatch {
    /// At the next event.
    pub(crate) const LOOK: Self = Self { at: None, always: true };

    pub(crate) fn is_due(self, now: Instant) -> bool {
        self.always || self.at.is_some_and(|at| at <= now)
    }

    pub(crate) const fn moment(self) -> Option<Instant> {
        self.at
    }
}

impl Life {
    pub(crate) fn new(management: &Management) -> Self {
        Self {
            position: first(management),
            since: Timestamp::default(),
            asked: None,
            echo: None,
            keys: None,
            misses: 0,
            heard: None,
            quiet_from: Instant::default(),
            retry_at: None,
            unsure: false,
            history: VecDeque::new(),
            changes: 0,
            last_failure: None,
            echoes_answered: 0,
            echoes_missed: 0,
            echo_us: None,
        }
    }

    /// The peer said something.
    pub(crate) fn heard(&mut self, now: Instant) {
        (self.heard, self.quiet_from, self.misses) = (Some(now), now, 0);
    }

    /// Takes over a changed configuration. What a person took out of service stays out.
    pub(crate) fn reconfigure(&mut self, before: &Management, now: &Management) {
        let taken_out = matches!(self.position.wish, Wish::Drain | Wish::Maintenance);
        if before.sign_on == now.sign_on || taken_out {
            return;
        }
        match self.position.state {
            LinkState::Disconnected => self.position = first(now),
            // In use until now, and to be signed on from now on.
            LinkState::Connected if before.sign_on == SignOn::None => {
                self.position.wish = first(now).wish;
                self.retry_at = Some(Instant::default());
            }
            LinkState::Connected if now.sign_on == SignOn::Automatic => {
                self.position.wish = Wish::Business;
                self.retry_at = Some(Instant::default());
            }
            LinkState::SignedOn | LinkState::SignedOff if now.sign_on == SignOn::None => {
                self.position = Position { state: LinkState::Connected, wish: Wish::Business };
            }
            _ => {}
        }
    }

    /// In a replay: what a person ordered.
    pub(crate) fn remember(&mut self, order: LinkOrder) {
        let (state, wish) = match order {
            LinkOrder::Maintain => (LinkState::Maintenance, Wish::Maintenance),
            LinkOrder::Drain => (LinkState::Disconnected, Wish::Drain),
            LinkOrder::Ready | LinkOrder::SignOn | LinkOrder::SignOff => {
                (LinkState::Disconnected, Wish::Business)
            }
            LinkOrder::Echo | LinkOrder::AskCutover => return,
        };
        self.position = Position { state, wish };
    }

    /// In a snapshot: what a person took out of service.
    pub(crate) fn keep(&self, link: LinkId, keep: &mut impl FnMut(Record)) {
        let order = match self.position.wish {
            Wish::Maintenance => LinkOrder::Maintain,
            // That a sign-off went unanswered is no order.
            Wish::Drain if self.unsure => return,
            Wish::Drain => LinkOrder::Drain,
            Wish::Business | Wish::Rest => return,
        };
        keep(Record::LinkOrdered { link, order, by: Text::EMPTY, at: self.since });
    }

    /// See [`Lane::digest`].
    pub(crate) fn digest(&self, now: Instant, into: &mut impl Hasher) {
        let left = |question: &Question| (question.about, question.stan, question.until.us_since(now));
        (
            self.position,
            self.asked.as_ref().map(left),
            self.echo.as_ref().map(left),
            self.keys.as_ref().map(left),
            self.misses,
        )
            .hash(into);
        (self.retry_at.map(|at| at.us_since(now)), self.unsure).hash(into);
    }

    fn change(&mut self, at: Timestamp, cause: Cause, by: Text<24>) {
        self.changes += 1;
        self.since = at;
        if self.history.len() == HISTORY_MAX {
            self.history.pop_front();
        }
        let (number, state) = (self.changes, self.position.state);
        self.history.push_back(Change { number, at, state, cause, by });
    }

    /// When it wants to be looked at.
    fn moment(&self, connected: bool, management: &Management) -> Option<Instant> {
        let until =
            [self.asked, self.echo, self.keys].into_iter().flatten().map(|question| question.until).min();
        [until, self.echo_due(connected, management), self.retry_at].into_iter().flatten().min()
    }

    /// When the next echo is to be asked by itself: on links that are in use, one at a time.
    fn echo_due(&self, connected: bool, management: &Management) -> Option<Instant> {
        let in_use = match self.position.state {
            LinkState::SignedOn | LinkState::Draining => true,
            LinkState::Connected => !management.signs_on(),
            LinkState::Disconnected
            | LinkState::SigningOn
            | LinkState::SigningOff
            | LinkState::SignedOff
            | LinkState::Maintenance => false,
        };
        let may_ask = connected && in_use && self.echo.is_none() && management.echo_idle_ms > 0;
        may_ask.then(|| self.quiet_from.plus_ms(management.echo_idle_ms))
    }
}

fn first(management: &Management) -> Position {
    Position::first(management.signs_on(), management.sign_on == SignOn::Automatic)
}

impl Link {
    /// Why it takes no new business.
    pub(crate) fn why_closed(&self) -> &'static str {
        match self.life.position.state {
            _ if !self.up => "host down",
            LinkState::Draining | LinkState::SigningOff => "link draining",
            LinkState::Maintenance => "link in maintenance",
            LinkState::Disconnected => "host down",
            LinkState::Connected | LinkState::SigningOn | LinkState::SignedOn | LinkState::SignedOff => {
                "not signed on"
            }
        }
    }
}

impl Lane {
    /// Whether new business may pass over a link.
    pub fn link_is_open(&self, id: LinkId) -> bool {
        self.links.get(usize::from(id.0)).is_some_and(Link::is_open)
    }

    /// Whether an order to a link would be carried out: `Ok(true)` where it is so already. Changes nothing.
    pub fn may_order(&self, id: LinkId, order: LinkOrder) -> Result<bool, CannotOrder> {
        let link = self.links.get(usize::from(id.0)).ok_or(CannotOrder::NoSuchLink)?;
        if let Some(about) = says(order)
            && link.config.management.types.of(about).is_none()
        {
            return Err(CannotOrder::NotSpoken);
        }
        match link.life.position.step(self.facts_of(id, link), Happening::Ordered(order)).1 {
            Act::Refuse(why) => Err(why),
            Act::Already => Ok(true),
            // One of a sort at a time: the answer to the first is the answer to both.
            Act::Echo => Ok(link.life.echo.is_some()),
            Act::AskCutover if link.config.host.day_is_calendar => Err(CannotOrder::DayIsCalendar),
            // The same wish twice may end two days.
            Act::AskCutover if link.life.asked.is_some() || link.cut.stage != CutStage::Open => Ok(true),
            Act::AskCutover => Ok(false),
            Act::Nothing | Act::SignOn | Act::SignOff | Act::TryLater | Act::HangUp => Ok(false),
        }
    }

    /// A link as people see it.
    pub fn link_seen(&self, now: Instant, id: LinkId) -> Option<LinkSeen> {
        let link = self.links.get(usize::from(id.0))?;
        let life = &link.life;
        let awaited = [life.asked, life.echo].into_iter().flatten().map(|question| question.until).min();
        Some(LinkSeen {
            name: link.config.name,
            state: life.position.state,
            since: life.since,
            connected: link.up,
            is_open: self.takes_business(link),
            sign_on: link.config.management.sign_on,
            in_flight: link.in_flight + self.forwards.in_flight(id),
            pending: self.forwards.owed_to(id),
            date: link.date,
            cutover: link.cut.stage,
            last_failure: life.last_failure,
            echoes_answered: life.echoes_answered,
            echoes_missed: life.echoes_missed,
            echo_us: life.echo_us,
            silent_ms: life.heard.map(|heard| now.us_since(heard) / 1_000),
            awaited_ms: awaited.map(|until| until.us_since(now) / 1_000),
            history: life.history.iter().copied().collect(),
        })
    }

    pub(crate) fn on_link_up(&mut self, now: Now, id: LinkId, out: &mut Outbox) {
        let Some(link) = link_mut(&mut self.links, id) else { return };
        let was_open = link.is_open();
        if !link.up {
            link.up = true;
            link.life.quiet_from = now.instant;
            link.life.misses = 0;
        }
        if !was_open && link.is_open() {
            self.on_link_open(id);
        }
        self.happen(now, id, Happening::Connected, Cause::Connected, Text::EMPTY, out);
    }

    pub(crate) fn on_link_down(&mut self, now: Now, id: LinkId, out: &mut Outbox) {
        let Some(link) = link_mut(&mut self.links, id) else { return };
        link.up = false;
        link.pace.start_over();
        link.life.retry_at = None;
        self.drop_questions(id, out);
        self.happen(now, id, Happening::Lost, Cause::Lost, Text::EMPTY, out);
    }

    /// A person gives an order. What cannot be done is not written down, and neither is an echo.
    ///
    /// Written down is who ordered what, for those who ask afterwards; and because what a person took out of
    /// service must not be back after a restart that nobody thought of. Everything else about a session is
    /// forgotten with the process: the peer lost the connection too.
    pub(crate) fn on_link_ordered(
        &mut self,
        now: Now,
        id: LinkId,
        order: LinkOrder,
        by: Text<24>,
        out: &mut Outbox,
    ) {
        if self.may_order(id, order) != Ok(false) {
            return;
        }
        if order != LinkOrder::Echo {
            out.record(Record::LinkOrdered { link: id, order, by, at: now.wall });
        }
        if order == LinkOrder::AskCutover {
            self.note_asked_for_day(id, &by, now.wall);
        }
        self.happen(now, id, Happening::Ordered(order), Cause::Ordered(order), by, out);
    }

    /// A host asks us: what is about the link is answered by the link, anything else is refused by name.
    pub(crate) fn on_host_asks(&mut self, now: Now, from: (LinkId, ConnId), txn: Txn, out: &mut Outbox) {
        if let Some(link) = link_mut(&mut self.links, from.0) {
            link.life.heard(now.instant);
        }
        if asks_for_totals(txn.message) {
            let (answer, recorded) = self.on_totals_asked(now, from.0, &txn, out);
            return match recorded {
                Some(recorded) => out.answer_host(&recorded, from, Arc::new(txn), answer),
                None => out.answer_host(NoMoney::of_refusal(), from, Arc::new(txn), answer),
            };
        }
        let answer = match (txn.message.class, txn.network) {
            (Class::Network, Network::SignOn) => {
                self.learn_date(now, from.0, &txn, out);
                self.answer_to_peer(now, from.0, Happening::PeerSignsOn, Cause::PeerSignedOn, out)
            }
            (Class::Network, Network::SignOff) => {
                self.answer_to_peer(now, from.0, Happening::PeerSignsOff, Cause::PeerSignedOff, out)
            }
            (Class::Network, Network::Cutover | Network::CutoverEnd) => {
                let (answer, recorded) = self.on_cutover(now, from.0, &txn, out);
                let txn = Arc::new(txn);
                return match recorded {
                    Some(recorded) => out.answer_host(&recorded, from, txn, answer),
                    None => out.answer_host(NoMoney::of_refusal(), from, txn, answer),
                };
            }
            (Class::Network, about) => match at_home(about) {
                Way::AnsweredHere(code, outcome) => Answer::ours(code, outcome),
                _ => Answer::ours(Code::NotSupported, Outcome::Refused),
            },
            _ => Answer::ours(Code::NotSupported, Outcome::Refused),
        };
        out.answer_host(NoMoney::of_refusal(), from, Arc::new(txn), answer);
    }

    fn answer_to_peer(
        &mut self,
        now: Now,
        id: LinkId,
        happening: Happening,
        cause: Cause,
        out: &mut Outbox,
    ) -> Answer {
        match self.happen(now, id, happening, cause, Text::EMPTY, out) {
            // The peer hears that nobody is at home; why is for our own people.
            Act::Refuse(_) => Answer::ours(Code::HostDown, Outcome::Refused),
            _ => Answer::ours(Code::Approved, Outcome::Approved),
        }
    }

    /// The peer answered a question of ours about the link.
    pub(crate) fn on_network_answer(&mut self, now: Now, id: LinkId, reply: Txn, out: &mut Outbox) {
        let Some(link) = link_mut(&mut self.links, id) else { return };
        let life = &mut link.life;
        let is = |question: &Question| question.stan == reply.stan;
        if reply.message.class != Class::Network {
            return self.on_stranger(now, id, &reply, true, out);
        }
        if life.echo.as_ref().is_some_and(is) {
            // Whatever it says: somebody is there.
            life.echo_us = life.echo.take().map(|echo| now.instant.us_since(echo.since));
            life.echoes_answered += 1;
            link.release(reply.stan, Owner::Management);
            self.link_watch = LinkWatch::LOOK;
            return;
        }
        if life.keys.as_ref().is_some_and(is) {
            life.keys = None;
            link.release(reply.stan, Owner::Management);
            self.link_watch = LinkWatch::LOOK;
            return out.keys_told(id, Some(reply));
        }
        let Some(question) = life.asked.filter(is) else {
            return self.on_stranger(now, id, &reply, true, out);
        };
        life.asked = None;
        link.release(reply.stan, Owner::Management);
        let code = reply.code.unwrap_or(Code::Malfunction);
        let accepted = reply.outcome == Some(Outcome::Approved);
        if !accepted {
            let (about, wire_code) = (question.about, reply.wire_code);
            link.life.last_failure = Some(Failure { about, at: now.wall, code: Some(code), wire_code });
        }
        if accepted && question.about == Network::SignOn {
            self.learn_date(now, id, &reply, out);
        }
        let (happening, cause) = match accepted {
            true => (Happening::Accepted, Cause::Accepted),
            false => (Happening::Refused, Cause::Refused(code)),
        };
        self.on_asked_end(now, id, question.about, (happening, cause), out);
    }

    /// A host that says its day as a session begins is believed where nobody said one before, and where its day has
    /// changed while we were away: what must not be sent on another day is held back before anything leaves. A day
    /// that cannot be is told to people.
    fn learn_date(&mut self, now: Now, id: LinkId, said: &Txn, out: &mut Outbox) {
        let Some(link) = self.links.get(usize::from(id.0)).filter(|link| link.day_is_told()) else { return };
        match (said.settlement_date, link.date) {
            (None, _) => {}
            (Some(date), None) => drop(self.on_host_date(now, id, date, out)),
            (Some(date), Some(known)) if date <= known => {}
            (Some(date), Some(_)) => match self.day_facts(now, link).may_be(date) {
                true => drop(self.on_host_date(now, id, date, out)),
                false => out.tell(Tell::CutoverRefused { link: id, date: Some(date) }),
            },
        }
    }

    /// A question of ours ended, one way or the other.
    fn on_asked_end(
        &mut self,
        now: Now,
        id: LinkId,
        about: Network,
        (happening, cause): (Happening, Cause),
        out: &mut Outbox,
    ) {
        self.link_watch = LinkWatch::LOOK;
        match about {
            Network::SignOn | Network::SignOff => {
                self.happen(now, id, happening, cause, Text::EMPTY, out);
            }
            Network::Cutover => {
                let is_accepted = happening == Happening::Accepted;
                if is_accepted {
                    self.on_cutover_promised(now, id, out);
                }
                self.on_wish_answered(id, is_accepted, out);
            }
            _ => {}
        }
    }

    /// A question of ours about the link never left.
    pub(crate) fn on_network_unsent(&mut self, now: Now, id: LinkId, stan: Stan, out: &mut Outbox) {
        let Some(link) = link_mut(&mut self.links, id) else { return };
        link.release(stan, Owner::Management);
        let life = &mut link.life;
        if life.echo.is_some_and(|echo| echo.stan == stan) {
            // It says nothing about the peer; another is sent when it has been silent for as long again.
            (life.echo, life.quiet_from) = (None, now.instant);
            self.link_watch = LinkWatch::LOOK;
        } else if life.keys.is_some_and(|keys| keys.stan == stan) {
            life.keys = None;
            self.link_watch = LinkWatch::LOOK;
            out.keys_told(id, None);
        } else if let Some(question) = life.asked.filter(|question| question.stan == stan) {
            self.on_silence_about(now, id, question, out);
        }
    }

    fn on_silence_about(&mut self, now: Now, id: LinkId, question: Question, out: &mut Outbox) {
        let Some(link) = link_mut(&mut self.links, id) else { return };
        link.release(question.stan, Owner::Management);
        link.life.asked = None;
        let (about, code, wire_code) = (question.about, None, Text::EMPTY);
        link.life.last_failure = Some(Failure { about, at: now.wall, code, wire_code });
        self.on_asked_end(now, id, about, (Happening::Unanswered, Cause::Unanswered), out);
    }

    /// Looks at what ran out of time, and at what has become quiet.
    pub(crate) fn mind_links(&mut self, now: Now, out: &mut Outbox) {
        for at in 0..self.links.len() {
            self.mind(now, LinkId(at as u16), out);
        }
        self.watch_links();
    }

    /// The links want to be looked at when this event is over.
    pub(crate) const fn look_at_links(&mut self) {
        self.link_watch = LinkWatch::LOOK;
    }

    /// Finds out when the links want to be looked at next.
    pub(crate) fn watch_links(&mut self) {
        let moment = |link: &Link| {
            let own = link.life.moment(link.up, &link.config.management);
            [own, link.cut.overdue()].into_iter().flatten().min()
        };
        let winds_down = |link: &Link| {
            let Position { state, wish } = link.life.position;
            state == LinkState::Draining && wish != Wish::Drain
        };
        let at = self.links.iter().filter_map(moment).chain(self.next_day_moment()).min();
        self.link_watch = LinkWatch { at, always: self.links.iter().any(winds_down) };
    }

    fn mind(&mut self, now: Now, id: LinkId, out: &mut Outbox) {
        let Some(link) = link_mut(&mut self.links, id) else { return };
        let over = |question: &Question| question.until <= now.instant;
        if let Some(question) = link.life.asked.filter(over) {
            self.on_silence_about(now, id, question, out);
        }
        let Some(link) = link_mut(&mut self.links, id) else { return };
        if let Some(keys) = link.life.keys.filter(over) {
            link.release(keys.stan, Owner::Management);
            link.life.keys = None;
            out.keys_told(id, None);
        }
        self.mind_echo(now, id, out);
        self.mind_cutover(now, id, out);
        self.mind_days(now, id, out);
        let Some(link) = link_mut(&mut self.links, id) else { return };
        if link.life.retry_at.is_some_and(|at| at <= now.instant) {
            link.life.retry_at = None;
            self.happen(now, id, Happening::RetryDue, Cause::Retried, Text::EMPTY, out);
        }
        let Some(link) = self.links.get(usize::from(id.0)) else { return };
        if link.life.position.state == LinkState::Draining && self.facts_of(id, link).quiet {
            self.happen(now, id, Happening::Quiet, Cause::Quiet, Text::EMPTY, out);
        }
    }

    fn mind_echo(&mut self, now: Now, id: LinkId, out: &mut Outbox) {
        let Some(link) = link_mut(&mut self.links, id) else { return };
        if let Some(echo) = link.life.echo.filter(|echo| echo.until <= now.instant) {
            link.release(echo.stan, Owner::Management);
            link.life.echo = None;
            // Anything the peer said since it was asked is a sign of life as good as the answer.
            if link.life.quiet_from <= echo.since {
                link.life.misses += 1;
                link.life.echoes_missed += 1;
                let misses = link.life.misses;
                out.tell(Tell::EchoMissed { link: id, misses });
                if misses >= link.config.management.echo_misses_max {
                    link.life.misses = 0;
                    self.drop_questions(id, out);
                    self.happen(now, id, Happening::EchoesMissed, Cause::EchoesMissed, Text::EMPTY, out);
                    return;
                }
            }
        }
        let Some(link) = link_mut(&mut self.links, id) else { return };
        let due = link.life.echo_due(link.up, &link.config.management);
        let is_due = due.is_some_and(|at| at <= now.instant);
        if is_due {
            self.ask(now, id, Network::Echo, out);
        }
    }

    /// One step of a link's life, with everything around it.
    fn happen(
        &mut self,
        now: Now,
        id: LinkId,
        happening: Happening,
        cause: Cause,
        by: Text<24>,
        out: &mut Outbox,
    ) -> Act {
        let Some(link) = self.links.get(usize::from(id.0)) else { return Act::Nothing };
        let (before, was_open) = (link.life.position, link.is_open());
        let (after, act) = before.step(self.facts_of(id, link), happening);
        let Some(link) = link_mut(&mut self.links, id) else { return Act::Nothing };
        link.life.position = after;
        link.life.unsure = match (before.state, after.state) {
            (LinkState::SigningOff, LinkState::Draining) => happening == Happening::Unanswered,
            (_, LinkState::Draining) => link.life.unsure && happening != Happening::PeerSignsOn,
            _ => false,
        };
        if after.state != before.state {
            link.life.change(now.wall, cause, by);
            out.tell(Tell::Link { link: id, state: after.state, cause });
            // A question that belonged to the state before is nobody's any more.
            let waits = matches!(after.state, LinkState::SigningOn | LinkState::SigningOff);
            if !waits && let Some(question) = link.life.asked.take() {
                link.release(question.stan, Owner::Management);
            }
        }
        if !was_open && link.is_open() {
            self.on_link_open(id);
        }
        self.link_watch = LinkWatch::LOOK;
        self.carry_out(now, id, act, out);
        act
    }

    fn carry_out(&mut self, now: Now, id: LinkId, act: Act, out: &mut Outbox) {
        match act {
            Act::Nothing | Act::Already | Act::Refuse(_) => {}
            Act::SignOn => self.ask(now, id, Network::SignOn, out),
            Act::SignOff => self.ask(now, id, Network::SignOff, out),
            Act::Echo => self.ask(now, id, Network::Echo, out),
            Act::AskCutover => self.ask(now, id, Network::Cutover, out),
            Act::TryLater => {
                let Some(link) = link_mut(&mut self.links, id) else { return };
                let again = now.instant.plus_ms(link.config.management.sign_on_retry_ms);
                link.life.retry_at = Some(again);
            }
            Act::HangUp => {
                let Some(link) = link_mut(&mut self.links, id) else { return };
                link.up = false;
                out.hang_up(id);
            }
        }
    }

    /// Begins an exchange of keys, or says at once that it cannot.
    pub(crate) fn ask_keys(&mut self, now: Now, id: LinkId, carried: Carried, out: &mut Outbox) {
        let Some(link) = link_mut(&mut self.links, id) else { return };
        let is_spoken = link.config.management.types.of(Network::KeyExchange).is_some();
        if !is_spoken || !link.up || link.life.keys.is_some() {
            return out.keys_told(id, None);
        }
        self.ask_with(now, id, Network::KeyExchange, carried, out);
    }

    /// Asks the peer something about the link.
    fn ask(&mut self, now: Now, id: LinkId, about: Network, out: &mut Outbox) {
        self.ask_with(now, id, about, Carried::default(), out);
    }

    /// The same, and the message carries more than what every message about the link says.
    fn ask_with(&mut self, now: Now, id: LinkId, about: Network, more: Carried, out: &mut Outbox) {
        let Some(link) = link_mut(&mut self.links, id) else { return };
        let config = link.config.clone();
        let timeout_ms = match about {
            Network::Echo => config.timers.echo_ms,
            Network::SignOff => config.timers.close_ms,
            _ => config.timers.control_ms,
        };
        let before = match about {
            Network::Echo => link.life.echo.take(),
            Network::KeyExchange => link.life.keys.take(),
            _ => link.life.asked.take(),
        };
        // Its answer is awaited no more, and its number is free again.
        if let Some(question) = before {
            link.release(question.stan, Owner::Management);
        }
        let stan = link.draw_stan();
        let (since, until) = (now.instant, now.instant.plus_ms(timeout_ms));
        // Without a number or a type of message it goes nowhere, and the time runs out.
        let question = Question { about, stan: stan.unwrap_or_default(), since, until };
        match about {
            Network::Echo => link.life.echo = Some(question),
            Network::KeyExchange => link.life.keys = Some(question),
            _ => link.life.asked = Some(question),
        }
        self.link_watch = LinkWatch::LOOK;
        let Some((stan, message)) = stan.zip(config.management.types.of(about)) else { return };
        link.assign(stan, Owner::Management);
        let mut carried = Carried::clone(&config.management.says);
        for (noun, contents) in more.iter() {
            if let Some(noun) = Noun::numbered(noun) {
                carried.push(noun, contents);
            }
        }
        let request = Txn {
            network: about,
            stan,
            acquirer_id: config.management.acquirer_id,
            local_time: Some(now.local()),
            carried,
            ..Txn::new(message)
        };
        let ours =
            Outgoing { stan, rrn: Text::EMPTY, transmitted_at: transmitted_at(now, &config), repeat: false };
        if let Some(no_money) = NoMoney::of(&request) {
            out.ask_host(no_money, id, NO_TXN, Arc::new(request), ours);
        }
    }

    fn drop_questions(&mut self, id: LinkId, out: &mut Outbox) {
        let Some(link) = link_mut(&mut self.links, id) else { return };
        if let Some(keys) = link.life.keys.take() {
            link.release(keys.stan, Owner::Management);
            out.keys_told(id, None);
        }
        for question in [link.life.asked.take(), link.life.echo.take()].into_iter().flatten() {
            link.release(question.stan, Owner::Management);
        }
    }

    fn facts_of(&self, id: LinkId, link: &Link) -> Facts {
        let management = &link.config.management;
        Facts {
            signs_on: management.signs_on(),
            automatic: management.sign_on == SignOn::Automatic,
            connected: link.up,
            quiet: link.in_flight == 0 && self.forwards.in_flight(id) == 0,
            unsure: link.life.unsure,
        }
    }
}

/// Transactions are numbered from 1: messages about a link belong to none.
const NO_TXN: TxnId = TxnId(0);

/// What an order makes us say at once.
const fn says(order: LinkOrder) -> Option<Network> {
    match order {
        LinkOrder::Echo => Some(Network::Echo),
        LinkOrder::AskCutover => Some(Network::Cutover),
        LinkOrder::SignOn
        | LinkOrder::SignOff
        | LinkOrder::Drain
        | LinkOrder::Ready
        | LinkOrder::Maintain => None,
    }
}
